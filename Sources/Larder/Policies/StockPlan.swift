import Sizing

/// What a pool that is sized by its demand would order now, and why.
package struct StockPlan: Sendable {
  /// What the pool's file does not say, and what somebody wants instead of what it says.
  package struct Terms: Sendable, Hashable {
    /// Instead of those of the file.
    package var missCost: Double?
    package var wasteCost: Double?
    package var holdingCost: Double?
    /// From an order until its items are there; nil: what past runs took.
    package var leadTime: Duration?
    /// From one order to the next, where the pool has no schedule.
    package var interval = Duration.seconds(3600)

    package init() {}

    func costs(of pool: Pool) -> Costs {
      let given = pool.stock.costs
      return Costs(
        miss: missCost ?? given.miss, waste: wasteCost ?? given.waste,
        holding: holdingCost ?? given.holding)
    }
  }

  /// What is known of a pool besides its status.
  package struct Evidence: Sendable {
    package var demand = DemandRecord()
    /// Available items that count, by the bin in which they expire; only those that expire soon.
    package var expiring: [Int: Int] = [:]
    /// How long past runs took that stored something.
    package var runTimes: [Duration] = []

    package init() {}
  }

  package let pool: Pool
  package let at: Instant
  package let costs: Costs
  package let supply: Supply
  /// When the next scheduled order comes; nil: nothing is scheduled.
  package let nextOrderAt: Instant?
  /// What is on the shelf or on order, less what pending claims wait for.
  package let position: Int
  /// How much of that will expire unused before the next order is ready.
  package let expiring: Int
  /// What the target asks for, and what would be ordered: `max` may cut it.
  package let wanted: Int
  package let order: Int
  package let plan: Plan
  /// The next two days by the hour.
  package let outlook: [Outlook]
  /// Requests of the last two days by the hour; nil where they are unknown.
  package let past: [(hour: Int, requests: Int?)]
  /// How long demand is known for.
  package let known: Duration

  package static let hours = 48

  package init(of status: PoolStatus, _ evidence: Evidence, _ terms: Terms, at now: Instant) {
    pool = status.pool
    at = now
    let costs = terms.costs(of: status.pool)
    self.costs = costs
    let nextOrderAt = status.nextFire(after: now)
    let supply = status.supply(evidence.runTimes, terms, nextOrderAt, at: now)
    self.nextOrderAt = nextOrderAt
    self.supply = supply
    position = status.position

    let series = evidence.demand.series(for: status.pool, before: now)
    var planner = Planner(
      supply: supply, calendar: pool.calendar(from: series.start, to: now.bin), start: series.start)
    for bin in series.start..<series.end { planner.observe(series[bin]) }
    known = .seconds(Grid.binSeconds * series.requests.count { $0 != nil })

    let next = max(now.bin + 1, nextOrderAt?.bin ?? now.bin + supply.interval)
    let decision = SizingPolicy.learned(topUps: false).decide(
      Situation(
        now: now.bin, shelf: status.shelf(evidence.expiring, at: now), supply: supply,
        isOrderTime: true, nextOrder: next, costs: costs, planner: planner))
    let plan = decision.plan ?? planner.plan(nextOrder: next, costs: costs)
    self.plan = plan
    expiring = Int(decision.unused.rounded())
    wanted = decision.items
    order = min(wanted, status.room + status.recallable)
    outlook = planner.outlook(hours: Self.hours)
    let present = Grid.hour(of: now.bin)
    past = (present - Self.hours..<present).map { ($0, planner.requests(ofHour: $0)) }
  }
}

extension Pool {
  /// The clocks that its first schedule goes by, and the days that its file makes others, for demand
  /// from one bin on and before another, and for what comes soon after.
  package func calendar(from start: Int, to end: Int) -> LocalCalendar {
    let zone = schedules.first?.zone ?? .utc
    let (before, after) = (9 * Grid.hoursPerWeek, 5 * Grid.hoursPerWeek)
    return LocalCalendar(
      zone: zone, over: Grid.hour(of: start) - before..<Grid.hour(of: end) + after,
      overrides: demand.days)
  }
}

extension PoolStatus {
  fileprivate func supply(
    _ runTimes: [Duration], _ terms: StockPlan.Terms, _ nextOrder: Instant?, at now: Instant
  ) -> Supply {
    let lead = terms.leadTime ?? Self.high(runTimes) ?? memory.typicalRunTime ?? .zero
    var interval = terms.interval
    if let nextOrder, let following = nextFire(after: nextOrder) {
      interval = following - nextOrder
    }
    let life = pool.stock.shelfLife.map { max($0 - pool.claims.minRemaining, .zero) }
    return Supply(
      interval: Self.bins(interval), lead: Self.bins(lead), shelfLife: life.map(Self.bins))
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
