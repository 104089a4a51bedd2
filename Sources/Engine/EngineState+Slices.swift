import Larder

extension EngineState {
  /// Asks for the next slice of the pool's longest waiting run; false where none can be made.
  func launchOne(_ pool: inout PoolState, at now: Instant, _ tick: inout Tick) -> Bool {
    guard mayLaunch(pool, at: now), let producer = pool.status.pool.producer else { return false }
    for run in pool.ready(at: now) {
      guard let index = pool.status.runs.firstIndex(where: { $0.id == run.id }) else { continue }
      let slice: Slice
      if let interrupted = run.slice {
        slice = again(interrupted)
      } else {
        // Nothing is left where a stop came between the last slice's commit and the run's end.
        let left = run.asked - run.covered
        let count = min(producer.slice, left, pool.status.room)
        guard count > 0 else {
          let full = "no room: the pool is at its max of \(pool.status.pool.stock.max)"
          let why = left > 0 ? full : nil
          end(run, in: &pool, as: .succeeded, why: why, at: now, &tick)
          continue
        }
        slice = Slice(
          number: (run.slices.last?.number ?? 0) + 1, state: .running, asked: count,
          startedAt: now)
      }
      pool.status.runs[index].slices = [slice]
      pool.retries[run.id] = nil
      pool.executing.insert(run.id)
      if let rate = producer.rate { pool.rateAllowsAt = now + rate.time(for: slice.asked) }
      tick.events.append(
        .attempt(
          run: run.id, slice: slice.number, asked: slice.asked, attempt: slice.attempts,
          recalling: 0))
      let launch = Launch(
        pool: pool.status.pool.name, run: run.id, slice: slice.number, count: slice.asked,
        cursor: run.cursor)
      tick.launches.append(launch)
      if run.slice == nil { tick.newSlices.append(launch) }
      return true
    }
    return false
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
      pool.status.runs[index].slices[0].state = .committed
      let run = pool.status.runs[index]
      if printed < launch.count {
        let why =
          "the producer printed \(printed) of \(launch.count) items in slice \(launch.slice)"
        end(run, in: &pool, as: .short, why: why, at: now, &tick)
      } else if run.covered >= run.asked {
        end(run, in: &pool, as: .succeeded, why: nil, at: now, &tick)
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
