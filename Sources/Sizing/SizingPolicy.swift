/// How a pool is refilled.
package enum SizingPolicy: Sendable, Hashable {
  /// Scheduled orders fill up to a target that is learned from demand; with top-ups, others come
  /// in between where the shelf would run out.
  case learned(topUps: Bool)
  /// Scheduled orders fill up to a fixed target, and count on so much use in a bin.
  case fixed(target: Int, use: Double)
  /// No schedule: whenever so few or fewer are left, up to a target.
  case reorder(at: Int, target: Int)

  /// Whether it needs to know what demand was.
  package var learns: Bool {
    if case .learned = self { true } else { false }
  }
}

/// What an order is decided from.
package struct Situation: Sendable {
  /// The bin that begins.
  package var now: Int
  package var shelf: Shelf
  package var supply: Supply
  /// Whether a scheduled order is due now.
  package var isOrderTime: Bool
  /// The bin of the scheduled order after this.
  package var nextOrder: Int
  package var costs: Costs
  /// What a learned target is at least.
  package var floor: Int
  /// Knows all demand before now; without one, a policy that learns orders nothing.
  package var planner: Planner?

  package init(
    now: Int, shelf: Shelf, supply: Supply, isOrderTime: Bool, nextOrder: Int, costs: Costs,
    floor: Int = 0, planner: Planner? = nil
  ) {
    self.now = now
    self.shelf = shelf
    self.supply = supply
    self.isOrderTime = isOrderTime
    self.nextOrder = nextOrder
    self.costs = costs
    self.floor = floor
    self.planner = planner
  }
}

/// What is ordered now.
package struct Decision: Sendable, Equatable {
  package var items: Int
  /// What it fills up to; nil where no order was due.
  package var target: Double?
  /// Why, where the target is learned and the order is a scheduled one.
  package var plan: Plan?
  /// What is on the shelf and will expire unused before the next order is ready, by a scheduled one.
  package var unused = 0.0

  package static let none = Decision(items: 0, target: nil, plan: nil)
}

extension SizingPolicy {
  /// Decides how many items to order now.
  package func decide(_ situation: Situation) -> Decision {
    switch self {
    case .learned(let topUps):
      guard let planner = situation.planner else { return .none }
      if situation.isOrderTime { return situation.scheduled(by: planner) }
      return topUps ? situation.topUp(by: planner) : .none
    case .fixed(let target, let use):
      return situation.isOrderTime ? situation.scheduled(target: target, use: use) : .none
    case .reorder(let point, let target):
      guard situation.shelf.position <= point else { return .none }
      return situation.fill(to: Double(target))
    }
  }
}

extension Situation {
  fileprivate func scheduled(by planner: Planner) -> Decision {
    let plan = planner.plan(nextOrder: nextOrder, costs: costs)
    var decision = scheduled(target: max(plan.target, floor), use: plan.use)
    decision.plan = plan
    return decision
  }

  /// What will expire unused before the next order is ready is no stock.
  fileprivate func scheduled(target: Int, use: Double) -> Decision {
    let bins = max(1, nextOrder - now) + supply.lead
    return fill(to: Double(target), besides: shelf.expiringUnused(from: now, bins: bins, use: use))
  }

  fileprivate func topUp(by planner: Planner) -> Decision {
    guard !shelf.awaits(at: now) else { return .none }
    let topUp = planner.topUp(nextOrder: nextOrder, costs: costs)
    guard Double(shelf.position) < topUp.threshold(costs) else { return .none }
    return fill(to: max(topUp.target(costs), Double(floor)))
  }

  fileprivate func fill(to target: Double, besides unused: Double = 0) -> Decision {
    // Sums of fractions that come out as a whole number may be a little beside it.
    let items = (target - (Double(shelf.position) - unused) - 1e-9).rounded(.up)
    return Decision(items: max(0, Int(items)), target: target, plan: nil, unused: unused)
  }
}
