import Larder

/// Comparing the runs of nominal times with the rules.
extension World {
  /// Finds what is due of the pools that the engine has just looked at.
  func look() throws(Violation) {
    for name in decision.examined {
      guard let pool = model.pools[name] else { continue }
      let demands = schedules.look(
        pool, isAtRest: model.isAtRest(name), awakeSince: awakeSince, at: now)
      for demand in demands {
        for time in demand.times {
          let nominal = RunsModel.Nominal(pool: name, schedule: demand.schedule, at: time)
          decision.fires[nominal] =
            demand.passedOver.contains(time)
            ? .passedOver : demand.missed.contains(time) ? .missed : .onTime
        }
      }
      for schedule in pool.schedules where schedule.jitter > .zero {
        try checkDelays(schedule, pool)
      }
    }
  }

  /// The delays of the times that have just come are within the jitter, and differ.
  private func checkDelays(_ schedule: ScheduleSpec, _ pool: Pool) throws(Violation) {
    for (time, _) in decision.fires where time.pool == pool.name && time.schedule == schedule.name {
      let delay = schedule.delay(of: time.at, in: pool.name)
      try check(
        .zero <= delay && delay <= schedule.jitter, "jitter", "\(delay) of \(schedule.jitter)")
      delays[schedule.jitter, default: []].append(delay)
    }
    guard let delays = delays[schedule.jitter], delays.count >= Self.enoughDelays else { return }
    let (least, most) = (delays.min() ?? .zero, delays.max() ?? .zero)
    try check(most - least > schedule.jitter / 4, "jitter", "\(delays.count) are about \(least)")
  }

  /// How many delays can hardly be near each other by chance.
  private static let enoughDelays = 24

  /// After a decision is on disk: every time that was due has a run.
  func lookBack() throws(Violation) {
    for (time, _) in decision.fires {
      try check(
        runs.nominals[time] != nil, "no silent schedule",
        "\(time) has no run at \(RFC3339.format(now))")
    }
    try check(
      decision.replaced.isEmpty, "overlap", "replaced by nothing: \(decision.replaced)")
  }

  /// Whether a nominal time's run is opened in the right state.
  func checkFire(
    _ time: RunsModel.Nominal, _ state: RunState, _ pool: Pool
  ) throws(Violation) {
    guard let coming = decision.fires[time],
      let schedule = pool.schedules.first(where: { $0.name == time.schedule })
    else {
      throw Violation(check: "nominal time", detail: "\(time) at \(RFC3339.format(now))")
    }
    let text = "\(coming) \(time) is \(state) with overlap \(schedule.overlap)"
    if coming == .passedOver { return try same(state, .skipped, "catch-up", text) }
    if let until = runs.breakerUntil(pool), now < until {
      return try same(state, .skipped, "breaker", text)
    }
    if coming == .missed { return try same(state, .queued, "catch-up", text) }
    var own = runs.unfinished(pool.name).filter { $0.run.schedule == schedule.name }
    if decision.replaced.values.contains(where: {
      $0.pool == pool.name && $0.schedule == schedule.name
    }) {
      // It takes the place of that one.
      return try same(state, .queued, "overlap", text)
    }
    // A run that perhaps never takes place keeps none from its time.
    if schedule.overlap != .replace { own.removeAll { decision.doubtful.contains($0.id) } }
    if own.isEmpty {
      // The engine cannot know that a run will be refused; an older time replaces none meanwhile.
      let place = "\(pool.name) \(schedule.name)"
      if schedule.overlap == .replace, decision.refused.contains(place), state == .skipped,
        time.at <= runs.newest[place] ?? time.at
      {
        return
      }
      return try same(state, isCrowded(pool) ? .skipped : .queued, "overlap", text)
    }
    tally["overlap \(schedule.overlap)", default: 0] += 1
    switch schedule.overlap {
    case .skip: try same(state, .skipped, "overlap", text)
    case .queue:
      let waits = own.contains { $0.run.state == .queued }
      try same(state, waits ? .skipped : .queued, "overlap", text)
    case .replace:
      // Only an older time than theirs leaves them alone.
      let newest =
        own.compactMap(\.run.nominalAt)
        + [runs.newest["\(pool.name) \(time.schedule)"]]
        .compactMap { $0 }
      try check(newest.contains { time.at <= $0 }, "overlap", text)
      try same(state, .skipped, "overlap", text)
    }
  }

  /// Whether a scheduled run waits already for the pool's concurrency, once all have started that
  /// can.
  private func isCrowded(_ pool: Pool) -> Bool {
    let unfinished = runs.unfinished(pool.name)
    var going = Set(unfinished.filter { $0.run.state == .running }.compactMap(\.run.schedule))
    var places = (pool.producer?.concurrency ?? 0) - busy(pool.name)
    var waits = false
    for (id, run) in unfinished where run.state == .queued && !decision.doubtful.contains(id) {
      let isFree = run.schedule.map { !going.contains($0) } ?? true
      if isFree, places > 0 {
        places -= 1
        if let schedule = run.schedule { going.insert(schedule) }
      } else if run.schedule != nil {
        waits = true
      }
    }
    return waits && places <= 0
  }
}
