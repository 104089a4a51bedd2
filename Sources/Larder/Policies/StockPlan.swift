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
  let sizer: Sizer
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
  /// The plan's, within the pool's `min`, reorder point and `max`.
  package let target: Int
  /// What runs fill up to now, where the target follows demand.
  let inForce: AutoTarget?
  /// The next two days by the hour.
  package let outlook: [Outlook]
  /// Requests of the last two days by the hour; nil where they are unknown.
  package let past: [(hour: Int, requests: Int?)]

  package static let hours = 48

  package var supply: Supply { sizer.planner.supply }
  /// The chance that the target does not last until the next order is ready.
  package var chanceToRunOut: Double { plan.chanceToRunOut(of: target) }
  /// The chance that the target's last item expires unused; nil where nothing expires.
  package var chanceOfWaste: Double? {
    supply.shelfLife == nil ? nil : plan.chanceOfWaste(of: target)
  }
  /// How long demand is known for.
  package var known: Duration { sizer.known }

  /// How far demand is looked back on, in bins.
  package static let lookedBack = Int(Limits.planHistory.inSeconds) / Grid.binSeconds

  package init(of status: PoolStatus, _ evidence: Evidence, _ terms: Terms, at now: Instant) {
    pool = status.pool
    at = now
    costs = terms.costs(of: status.pool)
    sizer = Sizer(of: status, evidence, terms, at: now)
    nextOrderAt = status.nextFire(after: now)
    position = status.position
    let situation = sizer.situation(of: status, costs: costs, isOrderTime: true, at: now)
    let decision = SizingPolicy.learned(topUps: false).decide(situation)
    plan =
      decision.plan ?? sizer.planner.plan(nextOrder: situation.nextOrder, costs: costs)
    target = pool.stock.target(by: plan)
    expiring = Int(decision.unused.rounded())
    wanted = decision.items
    order = min(wanted, status.room + status.recallable)
    inForce = status.auto
    outlook = sizer.planner.outlook(hours: Self.hours)
    let present = Grid.hour(of: now.bin)
    let planner = sizer.planner
    past = (present - Self.hours..<present).map { ($0, planner.requests(ofHour: $0)) }
  }
}
