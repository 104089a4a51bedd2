import Engine
import Larder

/// Following the events of runs, and checking each.
extension World {
  /// Takes an event over that the store was given, and whether it took place.
  func follow(_ event: RunEvent, _ took: Bool) throws(Violation) {
    switch event {
    case .open(let run): try opened(run, took)
    case .start(let run, let asked): try started(run, asked, took)
    case .attempt(let run, let slice, let asked, let attempt, _):
      try attempted(run, slice, asked, attempt, took)
    case .failedAttempt(let run, _, let why, _, let final): try failed(run, why, final, took)
    case .end(let run, let state, let why): try ended(run, state, why, took)
    case .process, .mark, .pause, .resetBreaker:
      try check(took, "record", "\(event) did not take place")
    }
  }

  private func opened(_ run: Run, _ took: Bool) throws(Violation) {
    guard let pool = model.pools[run.pool] else {
      throw Violation(check: "run", detail: "a run of \(run.pool)")
    }
    if let schedule = run.schedule, let at = run.nominalAt {
      let time = RunsModel.Nominal(pool: run.pool, schedule: schedule, at: at)
      let earlier = runs.nominals[time]
      try check(
        took == (earlier == nil), "one run a nominal time",
        "\(schedule) \(RFC3339.format(at)) of \(run.pool) has \(earlier ?? "none"), and \(run.id) "
          + (took ? "was opened" : "was refused"))
      guard took else { return }
      runs.nominals[time] = run.id
      runs.newFires.append((time, run.state))
    }
    try check(took, "record", "\(run.id) was not opened")
    try check(!model.isAtRest(run.pool), "no run at rest", "\(run.reason) of \(run.pool)")
    if run.reason == .reorder || run.reason == .start {
      let until = [runs.reorderUntil(pool), runs.breakerUntil(pool)].compactMap { $0 }.max()
      try check(
        until.map { $0 <= now } ?? true, "no hot loop",
        "\(run.reason) of \(run.pool) at \(RFC3339.format(now)), to wait until "
          + (until.map(RFC3339.format) ?? ""))
    }
    tally["run for \(run.reason)", default: 0] += 1
    if run.state == .skipped { tally["skipped time", default: 0] += 1 }
    runs.known[run.id] = RunsModel.Known(
      pool: run.pool, reason: run.reason, schedule: run.schedule, nominalAt: run.nominalAt,
      state: run.state)
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
    try check(asked > 0, "run", "\(id) started to order nothing")
    try check(!model.isAtRest(run.pool), "no run at rest", "\(id) of \(run.pool)")
    if run.reason != .manual, let until = runs.breakerUntil(pool) {
      try check(until <= now, "breaker", "\(id) starts before \(RFC3339.format(until))")
      try check(runs.running(run.pool) == 0, "breaker", "\(id) is not alone on trial")
    }
    let others = runs.known.values.filter { $0.pool == run.pool && $0.state == .running }
    if let schedule = run.schedule {
      try check(
        !others.contains { $0.schedule == schedule }, "overlap", "\(schedule) of \(run.pool)")
    }
    try check(
      others.count < pool.producer?.concurrency ?? 0, "concurrency", "\(id) of \(run.pool)")
    runs.known[id]?.state = .running
    runs.known[id]?.asked = asked
  }

  private func attempted(
    _ id: String, _ slice: Int, _ asked: Int, _ attempt: Int, _ took: Bool
  ) throws(Violation) {
    guard took else {
      return try check(runs.known[id] == nil, "record", "slice \(slice) of \(id) was not begun")
    }
    guard let run = runs.known[id], run.state == .running else {
      throw Violation(check: "run", detail: "a slice of \(id), which does not run")
    }
    let new = Model.FlyingSlice(pool: run.pool, run: id, slice: slice, count: asked)
    try same(slice, (model.committed[id]?.count ?? 0) + 1, "slice", "the number of \(id)'s slice")
    if let flying = model.flying[id] { try same(new, flying, "same slice again", id) }
    let tries = (model.failures[id] ?? 0) + 1
    try same(attempt, tries, "attempts", "the try of slice \(slice) of \(id)")
    model.flying[id] = new
  }

  private func failed(
    _ id: String, _ why: String, _ final: Bool, _ took: Bool
  ) throws(Violation) {
    try check(took, "record", "the failure of \(id) did not take place")
    guard let run = runs.known[id], let retry = model.pools[run.pool]?.producer?.retry else {
      return
    }
    let tries = (model.failures[id] ?? 0) + 1
    model.failures[id] = tries
    try same(
      final, tries >= retry.attempts || why == Self.absentProgram, "attempts",
      "whether try \(tries) of \(retry.attempts) of \(id) was the last")
    if final { model.flying[id] = nil }
  }

  private func ended(
    _ id: String, _ state: RunState, _ why: String?, _ took: Bool
  ) throws(Violation) {
    guard took else {
      return try check(runs.known[id] == nil, "record", "\(id) was not ended as \(state)")
    }
    guard let run = runs.known[id], run.state.isUnfinished else {
      throw Violation(check: "run", detail: "\(id) ends again, as \(state)")
    }
    let covered = model.covered[id] ?? 0
    if state == .succeeded, why == nil {
      try check(covered >= run.asked, "run", "\(id) succeeded with \(covered) of \(run.asked)")
    }
    if run.state == .queued { try same(state, .skipped, "run", "the end of \(id), queued,") }
    runs.known[id]?.state = state
    model.flying[id] = nil
    tally["\(state) run", default: 0] += 1
    guard run.state == .running else { return }
    let useful = (model.committed[id] ?? []).reduce(0) { $0 + $1.stored - $1.expired }
    runs.ended(run, state, stored: useful, at: now)
  }

  func followCommit(_ flying: Model.FlyingSlice, _ result: PutResult, cursor: String?) {
    model.flying[flying.run] = nil
    model.failures[flying.run] = nil
    model.committed[flying.run, default: []].append(result)
    model.covered[flying.run, default: 0] += flying.count
    if let cursor { model.cursors[flying.run] = cursor }
  }

  /// Compares the runs of nominal times with those that must be there, of pools that the engine
  /// has just looked at.
  func look(at examined: [String]) throws(Violation) {
    let fires = runs.newFires
    runs.newFires = []
    var allowed: Set<RunsModel.Nominal> = []
    var passedOver: Set<RunsModel.Nominal> = []
    for name in examined {
      guard let pool = model.pools[name] else { continue }
      let demands = schedules.look(
        pool, isAtRest: model.isAtRest(name), awakeSince: awakeSince, at: now)
      for demand in demands {
        for time in demand.times {
          let nominal = RunsModel.Nominal(pool: name, schedule: demand.schedule, at: time)
          allowed.insert(nominal)
          if demand.passedOver.contains(time) { passedOver.insert(nominal) }
          try check(
            runs.nominals[nominal] != nil, "no silent schedule",
            "\(demand.schedule) of \(name) has no run for \(RFC3339.format(time)) at "
              + RFC3339.format(now))
        }
      }
    }
    for (time, state) in fires {
      try check(allowed.contains(time), "nominal time", "\(time) at \(RFC3339.format(now))")
      try check(
        !passedOver.contains(time) || state == .skipped, "catch-up", "\(time) is \(state)")
    }
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
    if let before = runs.launched[launch.run], before.slice == launch.slice {
      try same(launch, before, "same slice again")
      tally["slice again", default: 0] += 1
    }
    runs.launched[launch.run] = launch
    tally["slice", default: 0] += 1
    guard let rate = model.pools[launch.pool]?.producer?.rate else { return }
    let until = runs.rateUntil[launch.pool]
    try check(until.map { $0 <= now } ?? true, "rate", "\(launch) at \(RFC3339.format(now))")
    runs.rateUntil[launch.pool] = now + rate.time(for: launch.count)
  }
}
