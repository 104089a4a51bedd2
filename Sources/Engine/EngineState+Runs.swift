import Larder
import Sizing

extension EngineState {
  /// Opens runs for nominal times that have come or were missed.
  mutating func fire(_ pool: inout PoolState, at now: Instant, _ tick: inout Tick) {
    pool.nextFires = [:]
    pool.doubtful = []
    let standstill = pool.status.standstill != nil
    let name = pool.status.pool.name
    leaveMarks(&pool, &tick)
    for schedule in pool.status.pool.schedules {
      let active = !standstill && !schedule.suspend
      var mark =
        pool.status.marks[schedule.name]
        ?? ScheduleMark(timing: schedule.timing, active: active, considered: now)
      // A schedule seen for the first time, or with another timing, or that was not active, has
      // no missed times.
      if mark.timing != schedule.timing || (active && !mark.active) { mark.considered = now }
      // After the clock ran back, times come again. Those that have a run are refused by the store.
      mark.considered = min(mark.considered, now)
      mark.timing = schedule.timing
      mark.active = active
      if active {
        let due = DueTimes(
          schedule, in: name, mark: mark, awakeSince: awakeSince, at: now)
        for fire in due.fires { open(fire, of: schedule, &pool, at: now, &tick) }
        if !due.fires.isEmpty { mark.considered = due.considered }
        pool.nextFires[schedule.name] = nextStart(of: schedule, in: name, mark, at: now)
      }
      if pool.status.marks[schedule.name] != mark {
        pool.status.marks[schedule.name] = mark
        tick.events.append(.mark(pool: name, schedule: schedule.name, mark))
      }
    }
  }

  /// When the schedule's next nominal time starts its run.
  private func nextStart(
    of schedule: ScheduleSpec, in pool: String, _ mark: ScheduleMark, at now: Instant
  ) -> Instant? {
    schedule.next(after: schedule.jitter > .zero ? mark.considered : now)
      .map { schedule.start(of: $0, in: pool) }
  }

  /// Marks schedules that the file no longer has as inactive: should one come back, it has missed
  /// nothing.
  private func leaveMarks(_ pool: inout PoolState, _ tick: inout Tick) {
    let names = Set(pool.status.pool.schedules.map(\.name))
    for (name, mark) in pool.status.marks where mark.active && !names.contains(name) {
      var mark = mark
      mark.active = false
      pool.status.marks[name] = mark
      tick.events.append(.mark(pool: pool.status.pool.name, schedule: name, mark))
    }
  }

  private mutating func open(
    _ fire: DueTimes.Fire, of schedule: ScheduleSpec, _ pool: inout PoolState, at now: Instant,
    _ tick: inout Tick
  ) {
    var run = Run(
      id: ids.next(at: now), pool: pool.status.pool.name, reason: .schedule, state: .queued,
      createdAt: now)
    run.schedule = schedule.name
    run.nominalAt = fire.nominalAt
    run.why = fire.why
    let newest = pool.newestFires[schedule.name]
    defer { pool.newestFires[schedule.name] = max(newest ?? fire.nominalAt, fire.nominalAt) }
    if let why = whyNot(fire, of: schedule, pool, at: now) {
      run.state = .skipped
      run.why = fire.kind == .caughtUp ? "\(why); \(fire.why ?? "")" : why
      run.endedAt = now
      tick.ended.append(run)
      tick.events.append(.open(run))
      return
    }
    let isDoubtful = newest.map { fire.nominalAt <= $0 } ?? false
    if isDoubtful { pool.doubtful.insert(run.id) }
    if fire.kind == .onTime, schedule.overlap == .replace, !isDoubtful {
      replaceRuns(of: schedule, by: run, in: &pool, at: now, &tick)
    }
    pool.status.runs.append(run)
    tick.events.append(.open(run))
  }

  /// Ends the unfinished runs of a schedule, queued ones and those with a producer. Once this is on
  /// disk the store keeps nothing of them any more.
  private func replaceRuns(
    of schedule: ScheduleSpec, by run: Run, in pool: inout PoolState, at now: Instant,
    _ tick: inout Tick
  ) {
    for old in pool.status.runs where old.schedule == schedule.name {
      end(old, in: &pool, as: .replaced, why: "replaced by run \(run.id)", at: now, &tick)
      if pool.executing[old.id] != nil { tick.cancellations.append(old.id) }
    }
  }

  /// Why a nominal time starts no run, or nil where it does.
  private func whyNot(
    _ fire: DueTimes.Fire, of schedule: ScheduleSpec, _ pool: PoolState, at now: Instant
  ) -> String? {
    if fire.kind == .passedOver { return fire.why ?? "missed" }
    if let until = pool.status.breakerOpenUntil(at: now) {
      return "the breaker is open until \(RFC3339.format(until))"
    }
    guard fire.kind == .onTime else { return nil }
    var own = pool.status.runs.filter { $0.schedule == schedule.name }
    // A run that perhaps never takes place keeps none from its time.
    own.removeAll { pool.doubtful.contains($0.id) }
    if !own.isEmpty {
      let newest = own.compactMap(\.nominalAt) + [pool.newestFires[schedule.name]].compactMap { $0 }
      return overlap(fire, schedule.overlap, with: own, newest: newest.max())
    }
    guard let waiting = waitingFire(pool) else { return nil }
    return "run \(waiting.id) of schedule \(waiting.schedule ?? "") waits already"
  }

  /// Why a nominal time that finds unfinished runs of its own schedule starts none, or nil where
  /// it does.
  private func overlap(
    _ fire: DueTimes.Fire, _ overlap: ScheduleSpec.Overlap, with own: [Run], newest: Instant?
  ) -> String? {
    switch overlap {
    case .skip:
      return own.last.map { "overlap: run \($0.id) of this schedule has not ended" }
    case .queue:
      let waiting = own.first { $0.state == .queued }
      return waiting.map { "overlap: run \($0.id) of this schedule waits already" }
    case .replace:
      // After the clock was set back, a time that comes again, whose own run the store refuses,
      // must not end another's, and an older one not that of a newer one.
      guard let newest, fire.nominalAt <= newest else { return nil }
      return "overlap: the newer time \(RFC3339.format(newest)) has come before"
    }
  }

  /// The run of a schedule that waits for the pool's concurrency, once all queued runs have
  /// started that can; nil where one more may start or wait.
  private func waitingFire(_ pool: PoolState) -> Run? {
    let status = pool.status
    let running = status.runs.filter { $0.state == .running }
    var places = (status.pool.producer?.concurrency ?? 1) - running.count - pool.leaving
    var busy = Set(running.compactMap(\.schedule))
    var waiting: Run?
    for run in status.runs where run.state == .queued && !pool.doubtful.contains(run.id) {
      if places > 0, run.schedule.map({ busy.insert($0).inserted }) ?? true {
        places -= 1
      } else if run.schedule != nil {
        waiting = waiting ?? run
      }
    }
    return places > 0 ? nil : waiting
  }

  /// Ends the runs of a pool whose file is gone, or says no producer any more.
  func endRetired(_ pool: inout PoolState, at now: Instant, _ tick: inout Tick) {
    guard pool.status.retired || pool.status.pool.producer == nil else { return }
    for run in pool.status.runs where pool.executing[run.id] == nil {
      let state: RunState = run.state == .queued ? .skipped : .failed
      end(run, in: &pool, as: state, why: pool.status.standstill, at: now, &tick)
    }
  }

  /// Starts queued runs, oldest first, as far as the pool's concurrency goes.
  func startQueued(_ pool: inout PoolState, at now: Instant, _ tick: inout Tick) {
    guard let producer = pool.status.pool.producer, pool.status.standstill == nil else { return }
    for run in pool.status.runs where run.state == .queued {
      let running = pool.status.runs.filter { $0.state == .running }
      // Two producers of the pool at once are not wanted, though one of them is being ended.
      guard running.count + pool.leaving < producer.concurrency else { return }
      if run.reason != .manual {
        if let until = pool.status.breakerOpenUntil(at: now) {
          let why = "the breaker is open until \(RFC3339.format(until))"
          end(run, in: &pool, as: .skipped, why: why, at: now, &tick)
          continue
        }
        if pool.status.isOnTrial(at: now), !running.isEmpty { continue }
      }
      // Catch-up runs of a schedule go one after another.
      if run.schedule != nil, running.contains(where: { $0.schedule == run.schedule }) { continue }
      start(run, in: &pool, at: now, &tick)
    }
  }

  private func start(
    _ run: Run, topUp: Int? = nil, in pool: inout PoolState, at now: Instant, _ tick: inout Tick
  ) {
    let order = pool.status.order(for: run, topUp: topUp)
    guard order.items > 0, let index = pool.status.runs.firstIndex(where: { $0.id == run.id })
    else { return end(run, in: &pool, as: .skipped, why: order.why, at: now, &tick) }
    pool.status.runs[index].state = .running
    let asked = pool.status.takesAll(run) ? 0 : order.items
    pool.status.runs[index].asked = asked
    pool.status.runs[index].startedAt = now
    tick.events.append(.start(run: run.id, asked: asked))
  }

  /// Opens and starts a run where the level or a backorder calls for one.
  mutating func reorder(_ pool: inout PoolState, at now: Instant, _ tick: inout Tick) {
    guard pool.status.reorder(at: now) == .now, let producer = pool.status.pool.producer,
      pool.status.runs.count + pool.leaving < producer.concurrency
    else { return }
    let reason: RunReason =
      pool.status.lacksBackorders ? .backorder : pool.isFresh ? .start : .reorder
    let run = Run(
      id: ids.next(at: now), pool: pool.status.pool.name, reason: reason, state: .queued,
      createdAt: now)
    guard pool.status.order(for: run).items > 0 else { return }
    tick.events.append(.open(run))
    pool.status.runs.append(run)
    start(run, in: &pool, at: now, &tick)
  }

  /// Reckons anew what runs fill up to, where that follows demand: each hour, and before a run.
  func size(_ pool: inout PoolState, at now: Instant, _ tick: inout Tick) {
    guard pool.isSized, let bin = pool.sizer?.bin, pool.status.auto?.at != Instant(bin: bin)
    else { return }
    let isWanted =
      pool.status.auto == nil || bin % Grid.binsPerHour == 0 || pool.status.isLow
      || pool.status.lacksBackorders || pool.status.runs.contains { $0.state == .queued }
    guard isWanted, let auto = pool.sizer?.target(of: pool.status, at: now) else { return }
    pool.status.auto = auto
    tick.events.append(.target(pool: pool.status.pool.name, auto))
  }

  /// Opens and starts a run where the shelf would run out before the next scheduled one: it is looked
  /// at once in each bin of demand, and not where a scheduled run had its turn.
  mutating func topUp(_ pool: inout PoolState, at now: Instant, _ tick: inout Tick) {
    let stock = pool.status.pool.stock
    guard pool.isSized, stock.sizing == .auto, stock.topsUp, let sizer = pool.sizer,
      pool.toppedUpAt != sizer.bin
    else { return }
    pool.toppedUpAt = sizer.bin
    guard pool.status.runs.isEmpty, pool.leaving == 0, pool.status.mayOrder(at: now),
      !pool.newestFires.values.contains(where: { $0.bin == sizer.bin })
    else { return }
    let items = sizer.topUp(of: pool.status, at: now)
    var run = Run(
      id: ids.next(at: now), pool: pool.status.pool.name, reason: .topup, state: .queued,
      createdAt: now)
    run.why =
      "\(pool.status.position) on the shelf would run out before the next scheduled run is ready"
    guard items > 0, pool.status.order(for: run, topUp: items).items > 0 else { return }
    tick.events.append(.open(run))
    pool.status.runs.append(run)
    start(run, topUp: items, in: &pool, at: now, &tick)
  }

  func end(
    _ run: Run, in pool: inout PoolState, as state: RunState, why: String?, at now: Instant,
    _ tick: inout Tick
  ) {
    pool.status.runs.removeAll { $0.id == run.id }
    pool.retries[run.id] = nil
    pool.status.memory = pool.status.memory.after(run, endingAs: state, at: now)
    tick.events.append(.end(run: run.id, state: state, why: why))
    var ended = run
    ended.state = state
    ended.why = why ?? run.why
    ended.endedAt = now
    if ended.startedAt != nil { pool.status.lastRun = ended }
    if let time = ended.supplyTime { pool.sizer?.ran(for: time) }
    tick.ended.append(ended)
  }
}
