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
    var planner = Planner(
      supply: supply, calendar: calendar, start: min(demand.start, emptyAt))
    while planner.next < emptyAt { planner.observe(demand[planner.next]) }
    var shelf = Shelf()
    var result = ReplayResult(evaluated: evaluated, costs: costs)
    while planner.next < evaluated.upperBound {
      let now = planner.next
      if now == evaluated.lowerBound { result.itemsBefore = shelf.position }
      let bin = step(&shelf, policy, planner)
      if evaluated.contains(now) { result.add(bin) }
      each(bin)
      planner.observe(demand[now])
    }
    result.itemsAfter = shelf.position
    return result
  }

  /// One bin: what is old expires, an order is decided, and then the requests come.
  private func step(
    _ shelf: inout Shelf, _ policy: SizingPolicy, _ planner: Planner
  ) -> ReplayedBin {
    let now = planner.next
    let wasted = shelf.expire(at: now)
    let isOrderTime = now - floorDivide(now, by: supply.interval) * supply.interval == 0
    let decision = policy.decide(
      Situation(
        planner: planner, shelf: shelf, isOrderTime: isOrderTime, nextOrder: nextOrder(after: now),
        costs: costs))
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

  private func nextOrder(after bin: Int) -> Int {
    (floorDivide(bin, by: supply.interval) + 1) * supply.interval
  }
}
