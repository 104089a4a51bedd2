import Engine
import Larder

/// Following the events of runs, and checking each.
extension World {
  /// Takes an event over that the store was given, and whether it took place.
  func follow(_ event: RunEvent, _ took: Bool) throws(Violation) {
    switch event {
    case .open(let run): try opened(run, took)
    case .start(let run, let asked): try started(run, asked, took)
    case .attempt(let run, let slice, let asked, let attempt, let recalling):
      try attempted(run, slice, asked, attempt, recalling, took)
    case .failedAttempt(let run, _, let why, _, let final): try failed(run, why, final, took)
    case .end(let run, let state, let why): try ended(run, state, why, took)
    case .process, .mark:
      try check(took, "record", "\(event) did not take place")
    case .target(let name, let auto):
      try check(took, "record", "\(event) did not take place")
      try check(
        (0...(model.pools[name]?.stock.max ?? 0)).contains(auto.target), "target", "\(event)")
      model.autos[name] = auto
      tally["target", default: 0] += 1
    case .pause(let name, let paused):
      try check(took, "record", "\(event) did not take place")
      tally[paused ? "pause" : "resume", default: 0] += 1
      if paused { model.paused.insert(name) } else { model.paused.remove(name) }
      guard !paused, let pool = model.pools[name] else { return }
      schedules.resume(pool, isAtRest: model.isAtRest(name), at: now)
    case .resetBreaker(let pool):
      try check(took, "record", "\(event) did not take place")
      tally["breaker reset", default: 0] += 1
      runs.memories[pool]?.failures = 0
    }
  }

  private func opened(_ run: Run, _ took: Bool) throws(Violation) {
    guard let pool = model.pools[run.pool] else {
      throw Violation(check: "run", detail: "a run of \(run.pool)")
    }
    if let schedule = run.schedule, let at = run.nominalAt {
      let time = RunsModel.Nominal(pool: run.pool, schedule: schedule, at: at)
      let place = "\(run.pool) \(schedule)"
      defer { runs.newest[place] = max(runs.newest[place] ?? at, at) }
      let earlier = runs.nominals[time]
      try check(
        took == (earlier == nil), "one run a nominal time",
        "\(schedule) \(RFC3339.format(at)) of \(run.pool) has \(earlier ?? "none"), and \(run.id) "
          + (took ? "was opened" : "was refused"))
      guard took else { return }
      runs.nominals[time] = run.id
      try checkFire(time, run.state, pool)
      if let newest = runs.newest[place], at <= newest { decision.doubtful.insert(run.id) }
      if run.state == .queued {
        decision.replaced = decision.replaced.filter {
          $0.value.pool != run.pool || $0.value.schedule != schedule
        }
      }
    }
    try check(took, "record", "\(run.id) was not opened")
    try check(!model.isAtRest(run.pool), "no run at rest", "\(run.reason) of \(run.pool)")
    if [.reorder, .start, .backorder].contains(run.reason) { try checkReorder(run, pool) }
    tally["run for \(run.reason)", default: 0] += 1
    if run.state == .skipped { tally["skipped time", default: 0] += 1 }
    runs.known[run.id] = RunsModel.Known(
      pool: run.pool, reason: run.reason, schedule: run.schedule, nominalAt: run.nominalAt,
      state: run.state, count: run.count)
    if run.state.isUnfinished { runs.unfinished.append(run.id) }
  }

  private func checkReorder(_ run: Run, _ pool: Pool) throws(Violation) {
    let until = [runs.reorderUntil(pool), runs.breakerUntil(pool)].compactMap { $0 }.max()
    try check(
      until.map { $0 <= now } ?? true, "no hot loop",
      "\(run.reason) of \(run.pool) at \(RFC3339.format(now)), to wait until "
        + (until.map(RFC3339.format) ?? ""))
    guard let position = position(pool), let shelf = decision.known[pool.name] else { return }
    let isLacking = position - shelf.fresh + shelf.pending < shelf.pending
    try same(isLacking, run.reason == .backorder, "backorder", "\(run.reason) of \(pool.name)")
    if isLacking { return }
    try check(
      position <= pool.stock.reorderAt, "reorder point",
      "\(run.reason) of \(run.pool) at \(position) with a reorder point of \(pool.stock.reorderAt)")
  }

  /// What is fresh on a pool's shelf and on order, less what is waited for, as far as the engine
  /// knew it.
  private func position(_ pool: Pool) -> Int? {
    guard let shelf = decision.known[pool.name] else { return nil }
    return runs.unfinished(pool.name).reduce(shelf.fresh - shelf.pending) {
      $1.run.state == .running ? $0 + max(0, $1.run.asked - (model.covered[$1.id] ?? 0)) : $0
    }
  }

  /// What a run that starts has to order.
  private func order(_ run: RunsModel.Known, _ pool: Pool, asked: Int) -> Int? {
    guard let position = position(pool), let shelf = decision.known[pool.name] else { return nil }
    guard let shelfRoom = room(pool), shelfRoom.spare + shelfRoom.recallable > 0 else { return 0 }
    let room = max(0, pool.stock.max - shelf.restockable - position)
    // A top-up orders what the forecast asks for; here it is only seen to fit.
    if let count = run.count ?? (run.reason == .topup ? asked : nil) { return min(count, room) }
    if model.takesAll(run) { return min(pool.producer?.slice ?? 0, room) }
    if let auto = model.auto(run, pool) {
      return min(
        max(0, Int((Double(auto.target - position) + auto.unused - 1e-9).rounded(.up))), room)
    }
    return min(max(0, model.target(run, pool) - position), room)
  }

  /// How many items a pool has room for without recalling any, below zero where it has too many,
  /// and how many could be recalled.
  private func room(_ pool: Pool) -> (spare: Int, recallable: Int)? {
    guard let shelf = decision.known[pool.name] else { return nil }
    return (
      pool.stock.max - shelf.available - shelf.restockable - model.inFlight(pool.name),
      pool.stock.onRevision == .replace ? shelf.stale : 0
    )
  }

  private func started(_ id: String, _ asked: Int, _ took: Bool) throws(Violation) {
    guard took else {
      // A run that was refused in the same record starts nothing.
      return try check(runs.known[id] == nil, "record", "\(id) was not started")
    }
    guard let run = runs.known[id], let pool = model.pools[run.pool] else {
      throw Violation(check: "run", detail: "\(id) started from nowhere")
    }
    try same(run.state, .queued, "run", "\(id), which started,")
    if let order = order(run, pool, asked: asked) {
      try check(order > 0, "order", "\(id) of \(pool.name) started to order nothing")
      try same(
        asked, model.takesAll(run) ? 0 : order, "order", "what \(id) of \(pool.name) ordered")
    }
    try check(!model.isAtRest(run.pool), "no run at rest", "\(id) of \(run.pool)")
    if run.reason != .manual, let until = runs.breakerUntil(pool) {
      try check(until <= now, "breaker", "\(id) starts before \(RFC3339.format(until))")
      try check(runs.running(run.pool).isEmpty, "breaker", "\(id) is not alone on trial")
    }
    if let schedule = run.schedule {
      let others = runs.unfinished(run.pool).filter { $0.run.state == .running }
      try check(
        !others.contains { $0.run.schedule == schedule }, "overlap", "\(schedule) of \(run.pool)")
    }
    try check(
      busy(run.pool) < pool.producer?.concurrency ?? 0, "concurrency", "\(id) of \(run.pool)")
    runs.known[id]?.state = .running
    runs.known[id]?.asked = asked
  }

  private func attempted(
    _ id: String, _ slice: Int, _ asked: Int, _ attempt: Int, _ recalling: Int, _ took: Bool
  ) throws(Violation) {
    guard took else {
      return try check(runs.known[id] == nil, "record", "slice \(slice) of \(id) was not begun")
    }
    guard let run = runs.known[id], let pool = model.pools[run.pool], run.state == .running else {
      throw Violation(check: "run", detail: "a slice of \(id), which does not run")
    }
    let new = Model.FlyingSlice(pool: run.pool, run: id, slice: slice, count: asked)
    let committed = model.committed[id] ?? []
    try same(slice, committed.count + 1, "slice", "the number of \(id)'s slice")
    let tries = (model.failures[id] ?? 0) + 1
    try same(attempt, tries, "attempts", "the try of slice \(slice) of \(id)")
    if let flying = model.flying[id] { return try same(new, flying, "same slice again", id) }
    try check(
      committed.last.map { !$0.isShort } ?? true, "slice", "\(id) asks on after a short slice")
    let covered = model.covered[id] ?? 0
    if let (spare, recallable) = room(pool) {
      let left = model.takesAll(run) ? .max : run.asked - covered
      let count = min(pool.producer?.slice ?? 0, left, spare + recallable)
      try same(asked, count, "order", "what slice \(slice) of \(id) asked for")
      try same(recalling, max(0, count - spare), "stale", "what is recalled for \(id)")
      decision.known[pool.name]?.available -= recalling
      decision.known[pool.name]?.stale -= recalling
    }
    model.recalledAhead[id] = model.recall(recalling, in: pool, at: now)
    tally["room made", default: 0] += model.recalledAhead[id] ?? 0
    model.flying[id] = new
    runs.known[id]?.asked = max(run.asked, covered + asked)
  }

  private func failed(
    _ id: String, _ why: String, _ final: Bool, _ took: Bool
  ) throws(Violation) {
    try check(took, "record", "the failure of \(id) did not take place")
    guard let run = runs.known[id], let pool = model.pools[run.pool] else { return }
    let attempts = pool.producer?.retry.attempts ?? 1
    let tries = (model.failures[id] ?? 0) + 1
    model.failures[id] = tries
    try same(
      final, tries >= attempts || why == Self.absentProgram, "attempts",
      "whether try \(tries) of \(attempts) of \(id) was the last")
    if final {
      model.flying[id] = nil
      decision.failed.insert(id)
    }
  }

  private func ended(
    _ id: String, _ state: RunState, _ why: String?, _ took: Bool
  ) throws(Violation) {
    guard took else {
      return try check(runs.known[id] == nil, "record", "\(id) was not ended as \(state)")
    }
    guard let run = runs.known[id], let pool = model.pools[run.pool], run.state.isUnfinished else {
      throw Violation(check: "run", detail: "\(id) ends again, as \(state)")
    }
    try checkEnd(id, run, pool, state, why)
    model.flying[id] = nil
    runs.end(id, as: state)
    tally["\(state) run", default: 0] += 1
    let slices = model.committed[id] ?? []
    let useful = slices.reduce(0) { $0 + $1.result.stored - $1.result.expired }
    let isShort = slices.last?.isShort ?? false
    runs.remember(run, state, hasSupplied: useful > 0 && !isShort, at: now)
  }

  private func checkEnd(
    _ id: String, _ run: RunsModel.Known, _ pool: Pool, _ state: RunState, _ why: String?
  ) throws(Violation) {
    let text = "\(id) of \(run.pool), \(run.state), ends as \(state): \(why ?? "")"
    let slices = model.committed[id] ?? []
    let isShort = slices.last?.isShort ?? false
    let isOver = pool.producer == nil || model.retired.contains(run.pool)
    switch state {
    case .queued, .running: throw Violation(check: "run", detail: text)
    case .replaced:
      let schedule = pool.schedules.first { $0.name == run.schedule }
      try same(schedule?.overlap, .replace, "overlap", text)
      decision.replaced[id] = run
    case .failed:
      try check(run.state == .running && (isOver || decision.failed.contains(id)), "run", text)
    case .short:
      let isRepeating =
        slices.last?.leftCursor ?? false && model.covered[id] ?? 0 >= pool.stock.max
      let mayEnd = model.takesAll(run) ? isRepeating : isShort
      try check(run.state == .running && mayEnd, "run", text)
    case .succeeded:
      try check(run.state == .running, "run", text)
      let isWhole = !model.takesAll(run) && model.covered[id] ?? 0 >= run.asked
      if isWhole || isShort && model.takesAll(run) { return }
      let room = room(pool)
      try check(room.map { $0.spare + $0.recallable <= 0 } ?? (why != nil), "run", text)
    case .skipped:
      if isOver, run.state == .queued { return }
      if run.state == .running {
        let room = room(pool)
        let isFull = room.map { $0.spare + $0.recallable <= 0 } ?? true
        return try check(slices.isEmpty && isFull, "run", text)
      }
      if run.reason != .manual, let until = runs.breakerUntil(pool), now < until { return }
      if let order = order(run, pool, asked: 0) { try same(order, 0, "order", text) }
    }
  }

  func followCommit(
    _ flying: Model.FlyingSlice, _ result: PutResult, recalled: Int, cursor: String?
  ) {
    model.flying[flying.run] = nil
    model.recalledAhead[flying.run] = nil
    model.failures[flying.run] = nil
    model.committed[flying.run, default: []].append(
      Model.Committed(
        asked: flying.count, result: result, recalled: recalled,
        leftCursor: cursor == nil || cursor == model.cursors[flying.run] ?? ""))
    model.covered[flying.run, default: 0] += flying.count
    if let cursor { model.cursors[flying.run] = cursor }
  }

  /// A slice is about to be made.
  func checkLaunch(_ launch: Launch) throws(Violation) {
    try check(!model.isAtRest(launch.pool), "no run at rest", "\(launch)")
    try check(outstanding.count < producers, "producers", "\(launch) beside \(outstanding)")
    try check(
      !outstanding.contains { $0.run == launch.run }, "one slice at once", "\(launch)")
    let flying = Model.FlyingSlice(
      pool: launch.pool, run: launch.run, slice: launch.slice, count: launch.count)
    try check(
      model.flying[launch.run] == flying, "recorded first",
      "\(launch) and on disk \(String(describing: model.flying[launch.run]))")
    try same(launch.cursor, model.cursors[launch.run] ?? "", "cursor", "\(launch)")
    if var before = runs.launched[launch.run], before.slice == launch.slice {
      before.recalling = launch.recalling
      try same(launch, before, "same slice again")
      tally["slice again", default: 0] += 1
    }
    runs.launched[launch.run] = launch
    tally["slice", default: 0] += 1
    guard let pool = model.pools[launch.pool] else { return }
    let until = runs.rateUntil(pool)
    try check(until.map { $0 <= now } ?? true, "rate", "\(launch) at \(RFC3339.format(now))")
    runs.lastAsked[launch.pool] = (at: now, items: launch.count)
  }
}
