import Sizing

/// What is known of a pool's demand, shelf and runs, and what to order by it. It is brought up to the
/// present bin by bin; made anew of what a store has kept, it is the same.
package struct Sizer: Sendable {
  package private(set) var planner: Planner
  /// Available items that count, by the bin in which they expire; only those that expire soon.
  private var expiring: [Int: Int]
  /// How long past runs took that stored something, newest first.
  private var runTimes: [Duration]
  /// Bins whose requests are known.
  private(set) var knownBins: Int
  /// What a scheduled run was last planned by.
  package private(set) var plan: Plan?

  /// - Parameter evidence: of all that is looked back on.
  package init(
    of status: PoolStatus, _ evidence: StockPlan.Evidence, _ terms: StockPlan.Terms = .init(),
    at now: Instant
  ) {
    expiring = evidence.expiring
    runTimes = evidence.runTimes
    let series = evidence.demand.series(for: status.pool, before: now)
    planner = Planner(
      supply: status.supply(evidence.runTimes, terms, at: now),
      calendar: status.pool.calendar(from: series.start, to: now.bin), start: series.start)
    knownBins = series.requests.count { $0 != nil }
    for bin in series.start..<series.end { planner.observe(series[bin]) }
  }

  /// The bin that it is brought up to: all before it is known, nothing of it.
  package var bin: Int { planner.next }

  /// Takes in what happened since.
  /// - Parameter evidence: the demand from `bin` on; run times are none of it.
  package mutating func take(_ evidence: StockPlan.Evidence, of pool: Pool, at now: Instant) {
    expiring = evidence.expiring
    // Before the first request nothing is known.
    let first = planner.knownSince == nil ? evidence.demand.bins.first?.start.bin ?? now.bin : bin
    let series = evidence.demand.series(from: first, before: now.bin, for: pool)
    let day = bin / Grid.binsPerDay
    knownBins += series.requests.count { $0 != nil }
    for bin in bin..<now.bin { planner.observe(series[bin]) }
    if bin / Grid.binsPerDay != day {
      planner.calendar = pool.calendar(from: bin - StockPlan.lookedBack, to: bin)
    }
  }

  /// Takes in how long a run took that stored something.
  package mutating func ran(for time: Duration) {
    runTimes.insert(time, at: 0)
    if runTimes.count > Limits.planRuns { runTimes.removeLast() }
  }

  /// Whether runs take longer or shorter now, or are scheduled otherwise: then a new one is needed, which
  /// learns what demand such times see.
  package func isOutdated(for status: PoolStatus, at now: Instant) -> Bool {
    status.supply(runTimes, .init(), at: now) != planner.supply
  }

  /// What an order is decided from.
  /// - Parameter isOrderTime: whether it is a scheduled one, or stands for one; else it is a top-up.
  package func situation(
    of status: PoolStatus, costs: Costs, isOrderTime: Bool, at now: Instant
  ) -> Situation {
    let nextOrder = status.nextFire(after: now)?.bin ?? now.bin + planner.supply.interval
    return Situation(
      now: bin, shelf: status.shelf(expiring, at: now), supply: planner.supply,
      isOrderTime: isOrderTime, nextOrder: max(bin + 1, nextOrder), costs: costs,
      floor: status.pool.stock.floor, planner: planner)
  }

  /// What runs of a pool with `target: auto` fill up to now.
  package mutating func target(of status: PoolStatus, at now: Instant) -> AutoTarget {
    let stock = status.pool.stock
    let decision = SizingPolicy.learned(topUps: false).decide(
      situation(of: status, costs: stock.costs, isOrderTime: true, at: now))
    plan = decision.plan
    let learned = decision.plan.map { SizingWords.why($0, self, stock) } ?? ""
    guard stock.sizing == .auto else {
      return AutoTarget(at: Instant(bin: bin), target: stock.floor, unused: 0, why: learned)
    }
    return AutoTarget(
      at: Instant(bin: bin), target: decision.plan.map(stock.target(by:)) ?? 0,
      unused: decision.unused, why: learned)
  }

  /// How many items a top-up orders now.
  package func topUp(of status: PoolStatus, at now: Instant) -> Int {
    SizingPolicy.learned(topUps: true).decide(
      situation(of: status, costs: status.pool.stock.costs, isOrderTime: false, at: now)
    ).items
  }
}

extension StockPolicy {
  /// A plan's target within what the file allows.
  func target(by plan: Plan) -> Int { Swift.min(Swift.max(plan.target, floor), max) }
}

/// What a pool with `target: auto` fills up to, as it was last reckoned.
package struct AutoTarget: Sendable, Hashable {
  /// The beginning of the bin in which it was.
  package var at: Instant
  /// What is on the shelf and on order after a run.
  package var target: Int
  /// Items on the shelf that will expire unused before the next run is ready: no stock.
  package var unused: Double
  /// What the forecast says, in words.
  package var why: String

  package init(at: Instant, target: Int, unused: Double, why: String) {
    self.at = at
    self.target = target
    self.unused = unused
    self.why = why
  }

  /// How many items it takes from a position to the target.
  func order(from position: Int) -> Int {
    // Sums of fractions that come out as a whole number may be a little beside it.
    max(0, Int((Double(target - position) + unused - 1e-9).rounded(.up)))
  }
}

extension Pool {
  /// The clocks that its first schedule goes by, and the days that its file makes others, for demand
  /// from one bin on and before another, and for what comes soon after.
  fileprivate func calendar(from start: Int, to end: Int) -> LocalCalendar {
    let zone = schedules.first?.zone ?? .utc
    let (before, after) = (9 * Grid.hoursPerWeek, 5 * Grid.hoursPerWeek)
    return LocalCalendar(
      zone: zone, over: Grid.hour(of: start) - before..<Grid.hour(of: end) + after,
      overrides: demand.days)
  }
}

extension PoolStatus {
  fileprivate func supply(
    _ runTimes: [Duration], _ terms: StockPlan.Terms, at now: Instant
  ) -> Supply {
    let lead = terms.leadTime ?? Self.high(runTimes) ?? memory.typicalRunTime ?? .zero
    let life = pool.stock.shelfLife.map { max($0 - pool.claims.minRemaining, .zero) }
    return Supply(
      interval: Self.bins(usualInterval(after: now) ?? terms.interval), lead: Self.bins(lead),
      shelfLife: life.map(Self.bins))
  }

  /// From one scheduled run to the next, as it mostly is; nil where nothing is scheduled.
  private func usualInterval(after now: Instant) -> Duration? {
    var gaps: [Duration] = []
    var last: Instant?
    // Jitter moves runs, and not what is between them.
    let schedules = pool.schedules.filter { !$0.suspend }
    while gaps.count < Limits.planFires {
      let next = schedules.compactMap { $0.next(after: last ?? now) }.min()
      guard let next else { break }
      if let last { gaps.append(next - last) }
      last = next
    }
    return gaps.isEmpty ? nil : gaps.sorted()[(gaps.count - 1) / 2]
  }

  /// What 95 of 100 do not pass.
  private static func high(_ spans: [Duration]) -> Duration? {
    guard !spans.isEmpty else { return nil }
    return spans.sorted()[(spans.count * 95 + 99) / 100 - 1]
  }

  /// The nearest number of bins: a run of seconds is one without a lead.
  private static func bins(_ span: Duration) -> Int {
    Int((span.inSeconds / Double(Grid.binSeconds)).rounded())
  }

  /// The position as items: those that expire soon, and the rest, which is less than nothing where
  /// more is on backorder.
  fileprivate func shelf(_ expiring: [Int: Int], at now: Instant) -> Shelf {
    var batches = expiring.map {
      Shelf.Batch(readyAt: now.bin, expiresAt: $0.key, items: $0.value)
    }
    let rest = position - expiring.values.reduce(0, +)
    batches.append(Shelf.Batch(readyAt: now.bin, expiresAt: nil, items: rest))
    return Shelf(batches)
  }
}
