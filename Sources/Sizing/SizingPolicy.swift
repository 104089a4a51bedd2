/// How a pool is refilled.
package enum SizingPolicy: Sendable, Hashable {
  /// Orders to a target that is learned from demand, and between scheduled orders where the shelf would
  /// run out, if asked to.
  case learned(topUps: Bool)
  /// Scheduled orders fill up to a fixed target.
  case fixed(target: Int, use: Double)
  /// No schedule: whenever so few or fewer are left, up to a target.
  case reorder(at: Int, target: Int)
}

/// What an order is decided from.
package struct Situation: Sendable {
  /// Knows all demand before now, and when now is.
  package var planner: Planner
  package var shelf: Shelf
  /// Whether a scheduled order is due now.
  package var isOrderTime: Bool
  /// The bin of the scheduled order after this.
  package var nextOrder: Int
  package var costs: Costs

  package init(
    planner: Planner, shelf: Shelf, isOrderTime: Bool, nextOrder: Int, costs: Costs
  ) {
    self.planner = planner
    self.shelf = shelf
    self.isOrderTime = isOrderTime
    self.nextOrder = nextOrder
    self.costs = costs
  }
}

/// What is ordered now.
package struct Decision: Sendable, Equatable {
  package var items: Int
  /// What it fills up to; nil where no order was due.
  package var target: Double?
  /// Why, where the target is learned and the order is a scheduled one.
  package var plan: Plan?

  package static let none = Decision(items: 0, target: nil, plan: nil)
}

extension SizingPolicy {
  /// Decides how many items to order now.
  package func decide(_ situation: Situation) -> Decision {
    let now = situation.planner.next
    let shelf = situation.shelf
    let bins = max(1, situation.nextOrder - now + situation.planner.supply.lead)
    switch self {
    case .learned(let topUps):
      if situation.isOrderTime {
        let plan = situation.planner.plan(
          nextOrder: situation.nextOrder, costs: situation.costs)
        return Decision.upTo(
          Double(plan.target), shelf, at: now, bins: bins, use: plan.untilNext.mean, plan: plan)
      }
      guard topUps, !shelf.awaits(at: now) else { return .none }
      let topUp = situation.planner.topUp(
        nextOrder: situation.nextOrder, costs: situation.costs)
      guard Double(shelf.position) < topUp.threshold(situation.costs) else { return .none }
      return Decision.upTo(topUp.target(situation.costs), less: Double(shelf.position))
    case .fixed(let target, let use):
      guard situation.isOrderTime else { return .none }
      return Decision.upTo(
        Double(target), shelf, at: now, bins: bins, use: use * Double(bins), plan: nil)
    case .reorder(let point, let target):
      guard shelf.position <= point else { return .none }
      return Decision.upTo(Double(target), less: Double(shelf.position))
    }
  }
}

extension Decision {
  /// What will expire before the next order is ready is no stock.
  fileprivate static func upTo(
    _ target: Double, _ shelf: Shelf, at bin: Int, bins: Int, use: Double, plan: Plan?
  ) -> Decision {
    let unused = shelf.expiringUnused(from: bin, bins: bins, use: use)
    var decision = upTo(target, less: Double(shelf.position) - unused)
    decision.plan = plan
    return decision
  }

  fileprivate static func upTo(_ target: Double, less stock: Double) -> Decision {
    // Sums of fractions that come out as a whole number may be a little beside it.
    let items = max(0, (target - stock - 1e-9).rounded(.up))
    return Decision(items: Int(items), target: target, plan: nil)
  }
}
