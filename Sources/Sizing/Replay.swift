/// A pool's shelf over demand that was, as a policy would have filled it. The policy sees of the demand
/// what was before, bin by bin.
package struct Replay: Sendable {
  package let demand: DemandSeries
  package let supply: Supply
  package let costs: Costs
  package let calendar: LocalCalendar
  /// The bins that count.
  package let evaluated: Range<Int>

  /// The shelf is empty so long before what counts, and fills until then.
  package static let warmUp = 48 * Grid.binsPerHour
  /// What counts ends so long before the demand does.
  package static let cutOff = 26 * Grid.binsPerHour
  /// What counts if nobody says from when on.
  private static let usualLength = 4 * Grid.binsPerWeek

  /// - Parameter from: the first bin that counts; nil: the last 4 weeks do. It is moved to the next whole
  ///   hour, and into the demand.
  /// - Returns: nil where the demand is shorter than 26 hours and what is to count.
  package init?(
    demand: DemandSeries, supply: Supply, costs: Costs, calendar: LocalCalendar = .utc,
    from: Int? = nil
  ) {
    let end = Grid.bin(ofHour: Grid.hour(of: demand.end)) - Self.cutOff
    let wanted = max(from ?? (end - Self.usualLength), demand.start)
    let start = Grid.bin(ofHour: ceilDivide(wanted, by: Grid.binsPerHour))
    guard start < end else { return nil }
    self.demand = demand
    self.supply = supply
    self.costs = costs
    self.calendar = calendar
    evaluated = start..<end
  }

  /// Replays all demand by one policy.
  /// - Parameter each: is told of each bin from when the shelf is empty on, as of its end.
  package func run(_ policy: SizingPolicy, each: (ReplayedBin) -> Void = { _ in }) -> ReplayResult {
    let emptyAt = evaluated.lowerBound - Self.warmUp
    var planner = policy.learns ? Planner(supply: supply, calendar: calendar, start: start) : nil
    for bin in start..<emptyAt { planner?.observe(demand[bin]) }
    var shelf = Shelf()
    var result = ReplayResult(evaluated: evaluated, costs: costs)
    for bin in emptyAt..<evaluated.upperBound {
      if bin == evaluated.lowerBound { result.itemsBefore = shelf.position }
      let replayed = step(bin, &shelf, policy, planner)
      if evaluated.contains(bin) { result.add(replayed) }
      each(replayed)
      planner?.observe(demand[bin])
    }
    result.itemsAfter = shelf.position
    return result
  }

  /// The bin that the replay begins with, which may be before the first that demand is known of.
  private var start: Int { min(demand.start, evaluated.lowerBound - Self.warmUp) }

  /// One bin: what is old expires, an order is decided, and then the requests come.
  private func step(
    _ now: Int, _ shelf: inout Shelf, _ policy: SizingPolicy, _ planner: Planner?
  ) -> ReplayedBin {
    let wasted = shelf.expire(at: now)
    let intervals = floorDivide(now, by: supply.interval)
    let isOrderTime = now == intervals * supply.interval
    let decision = policy.decide(
      Situation(
        now: now, shelf: shelf, supply: supply, isOrderTime: isOrderTime,
        nextOrder: (intervals + 1) * supply.interval, costs: costs, planner: planner))
    if decision.items > 0 {
      shelf.add(
        Shelf.Batch(
          readyAt: now + supply.lead,
          expiresAt: supply.shelfLife.map { now + supply.lead + $0 }, items: decision.items))
    }
    let requests = demand[now] ?? 0
    let missed = shelf.serve(requests, at: now)
    return ReplayedBin(
      bin: now, requests: requests, missed: missed, wasted: wasted, ordered: decision.items,
      isExtra: !isOrderTime && decision.items > 0, available: shelf.available(at: now),
      target: decision.target, plan: decision.plan)
  }
}
