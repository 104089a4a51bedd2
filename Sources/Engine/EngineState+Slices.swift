import Larder

extension EngineState {
  /// Asks for the next slice of the pool's longest waiting run; false where none can be made.
  func launchOne(_ pool: inout PoolState, at now: Instant, _ tick: inout Tick) -> Bool {
    guard mayLaunch(pool, at: now), let producer = pool.status.pool.producer else { return false }
    for run in pool.ready(at: now) {
      guard let index = pool.status.runs.firstIndex(where: { $0.id == run.id }) else { continue }
      guard let (slice, recalling) = nextSlice(of: run, producer, &pool, at: now, &tick) else {
        continue
      }
      pool.executing[run.id] = PoolState.Asking(
        ordered: run.asked, recalling: recalling, lastAsked: pool.lastAsked)
      pool.lastAsked = (at: now, items: slice.asked)
      pool.status.runs[index].slices = [slice]
      pool.status.runs[index].asked = max(run.asked, run.covered + slice.asked)
      pool.retries[run.id] = nil
      tick.events.append(
        .attempt(
          run: run.id, slice: slice.number, asked: slice.asked, attempt: slice.attempts,
          recalling: recalling))
      let launch = Launch(
        pool: pool.status.pool.name, run: run.id, slice: slice.number, count: slice.asked,
        cursor: run.cursor, recalling: recalling)
      tick.launches.append(launch)
      if run.slice == nil { tick.newSlices.append(launch) }
      return true
    }
    return false
  }

  /// The slice that a run asks for next, and how many stale items are recalled for it; nil where
  /// there is none any more, and the run has ended.
  private func nextSlice(
    of run: Run, _ producer: ProducerSpec, _ pool: inout PoolState, at now: Instant,
    _ tick: inout Tick
  ) -> (slice: Slice, recalling: Int)? {
    if let interrupted = run.slice { return (again(interrupted), 0) }
    let left = pool.status.takesAll(run) ? producer.slice : run.asked - run.covered
    // Where `max` was lowered, there is less than no room, and more has to give way.
    let spare = pool.status.spare
    let count = min(producer.slice, left, spare + pool.status.recallable)
    guard count > 0 else {
      // Others took the room since it started. One that never asked for anything did nothing.
      let full = "no room: the pool is at its max of \(pool.status.pool.stock.max)"
      let state: RunState = run.slices.isEmpty ? .skipped : .succeeded
      end(run, in: &pool, as: state, why: full, at: now, &tick)
      return nil
    }
    let recalling = max(0, count - spare)
    pool.status.stock.available -= recalling
    pool.status.stock.stale -= recalling
    pool.status.stock.recalled += recalling
    var slice = Slice(
      number: (run.slices.last?.number ?? 0) + 1, state: .running, asked: count, startedAt: now)
    slice.recalled = recalling
    return (slice, recalling)
  }

  /// Ends runs that need no slice more, though nobody said so: a stop came between the last slice's
  /// commit and the run's end, or the run took all and has a target now.
  func endFinished(_ pool: inout PoolState, at now: Instant, _ tick: inout Tick) {
    for run in pool.status.runs where run.state == .running && run.slice == nil {
      if let last = run.slices.last, last.isShort {
        let printed = last.stored + last.duplicates + last.overfill
        endShort(run, last, printed: printed, in: &pool, at: now, &tick)
      } else if run.covered >= run.asked, !pool.status.takesAll(run) {
        end(run, in: &pool, as: .succeeded, why: nil, at: now, &tick)
      }
    }
  }

  /// Ends a run that takes all of a producer which may begin anew with each slice, so that the run
  /// would go on for good: without a cursor that moves, `max` items are the most that it asks for.
  private func endRepeating(
    _ run: Run, in pool: inout PoolState, at now: Instant, _ tick: inout Tick
  ) {
    let status = pool.status
    guard run.covered >= status.pool.stock.max, status.room + status.recallable > 0 else { return }
    let why =
      "\(run.covered) items were asked for, the max is \(status.pool.stock.max), and the cursor "
      + "stands still: the producer seems to begin anew with each slice"
    end(run, in: &pool, as: .short, why: why, at: now, &tick)
  }

  /// Ends a run whose supplier has no more for now. One that takes all was after just that.
  private func endShort(
    _ run: Run, _ slice: Slice, printed: Int, in pool: inout PoolState, at now: Instant,
    _ tick: inout Tick
  ) {
    let why =
      "the producer printed \(printed) of \(slice.asked) items in slice \(slice.number)"
    let state: RunState = pool.status.takesAll(run) ? .succeeded : .short
    end(run, in: &pool, as: state, why: why, at: now, &tick)
  }

  /// The next try of a slice. One that a crash or a stop interrupted is the same try once more.
  private func again(_ slice: Slice) -> Slice {
    var slice = slice
    if slice.why != nil { slice.attempts += 1 }
    slice.why = nil
    return slice
  }

  /// Takes over how a slice of a run ended.
  mutating func settle(
    _ pool: inout PoolState, _ launch: Launch, _ result: SliceResult, at now: Instant,
    _ tick: inout Tick
  ) {
    guard let index = pool.status.runs.firstIndex(where: { $0.id == launch.run }) else { return }
    switch result {
    case .givenUp:
      return
    case .committed(let put, let printed, let cursor):
      pool.status.runs[index].stored += put.stored
      pool.status.runs[index].expired += put.expired
      pool.status.runs[index].covered += launch.count
      if let cursor { pool.status.runs[index].cursor = cursor }
      var slice = pool.status.runs[index].slices[0]
      slice.state = .committed
      (slice.stored, slice.duplicates, slice.overfill) = (put.stored, put.duplicates, put.overfill)
      pool.status.runs[index].slices = [slice]
      let run = pool.status.runs[index]
      if printed < launch.count {
        endShort(run, slice, printed: printed, in: &pool, at: now, &tick)
      } else if !pool.status.takesAll(run) {
        guard run.covered >= run.asked else { return }
        end(run, in: &pool, as: .succeeded, why: nil, at: now, &tick)
      } else if cursor == nil || cursor == launch.cursor {
        endRepeating(run, in: &pool, at: now, &tick)
      }
    case .failed(let why, let log):
      let attempts = pool.status.pool.producer?.retry.attempts ?? 1
      fail(&pool, index, launch, why, log, attempts, at: now, &tick)
    case .notStarted(let why):
      fail(&pool, index, launch, why, [], 1, at: now, &tick)
    }
  }

  private mutating func fail(
    _ pool: inout PoolState, _ index: Int, _ launch: Launch, _ why: String, _ log: [UInt8],
    _ attempts: Int, at now: Instant, _ tick: inout Tick
  ) {
    let attempt = pool.status.runs[index].slice?.attempts ?? 1
    let final = attempt >= attempts
    tick.events.append(
      .failedAttempt(run: launch.run, slice: launch.slice, why: why, log: log, final: final))
    if final {
      let tries = attempt == 1 ? "" : " (\(attempt) tries)"
      let run = pool.status.runs[index]
      end(
        run, in: &pool, as: .failed, why: "slice \(launch.slice): \(why)\(tries)", at: now, &tick)
      return
    }
    pool.status.runs[index].slices[0].why = why
    // Full jitter: anything up to the ceiling, so that pools which failed together spread out.
    let retry = pool.status.pool.producer?.retry ?? RetryPolicy()
    let ceiling = retry.ceiling(afterFailures: attempt).inMilliseconds
    let next = now + .milliseconds(Int64.random(in: 0...max(0, ceiling), using: &random))
    pool.retries[launch.run] = next
    tick.setbacks.append(
      Setback(
        pool: launch.pool, run: launch.run, slice: launch.slice, attempt: attempt,
        attempts: attempts, why: why, nextTryAt: next))
  }
}
