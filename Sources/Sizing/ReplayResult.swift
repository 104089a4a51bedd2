/// What happened in one bin of a replay.
package struct ReplayedBin: Sendable, Equatable {
  package let bin: Int
  package let requests: Int
  package let missed: Int
  /// Items that expired at its beginning.
  package let wasted: Int
  package let ordered: Int
  /// Whether the order was none of the schedule's.
  package let isExtra: Bool
  /// What is on the shelf at its end.
  package let available: Int
  /// What the order filled up to; nil where none was due.
  package let target: Double?
  package let plan: Plan?

  package init(
    bin: Int, requests: Int, missed: Int, wasted: Int, ordered: Int, isExtra: Bool, available: Int,
    target: Double?, plan: Plan?
  ) {
    self.bin = bin
    self.requests = requests
    self.missed = missed
    self.wasted = wasted
    self.ordered = ordered
    self.isExtra = isExtra
    self.available = available
    self.target = target
    self.plan = plan
  }
}

/// Sums over bins of a replay.
package struct ReplayTotals: Sendable, Equatable {
  package var requests = 0
  package var missed = 0
  package var wasted = 0
  /// Items that were ordered.
  package var produced = 0
  /// Orders that were none of the schedule's.
  package var extraRuns = 0
  package var bins = 0
  /// The sum of what was on the shelf at the end of each bin.
  private var stock = 0

  package init() {}

  package mutating func add(_ bin: ReplayedBin) {
    requests += bin.requests
    missed += bin.missed
    wasted += bin.wasted
    produced += bin.ordered
    extraRuns += bin.isExtra ? 1 : 0
    bins += 1
    stock += bin.available
  }

  package var meanStock: Double { Double(stock) / Double(max(bins, 1)) }

  package var extraRunsPerHour: Double {
    Double(extraRuns * Grid.binsPerHour) / Double(max(bins, 1))
  }

  /// What misses and waste cost.
  package func cost(_ costs: Costs) -> Double {
    costs.miss * Double(missed) + costs.waste * Double(wasted)
  }

  /// The same for each 1,000 requests; nil where there were none.
  package func costPer1000(_ costs: Costs) -> Double? {
    requests > 0 ? 1000 * cost(costs) / Double(requests) : nil
  }
}

/// What a policy came to.
package struct ReplayResult: Sendable, Equatable {
  /// The bins that count.
  package let evaluated: Range<Int>
  package let costs: Costs
  package private(set) var total = ReplayTotals()
  /// Weeks from the first bin that counts on; the last may be shorter.
  package private(set) var weeks: [ReplayTotals] = []
  /// Hours, likewise.
  package private(set) var hours: [ReplayTotals] = []
  /// What was on the shelf and on order before the first bin that counts, and after the last.
  package var itemsBefore = 0
  package var itemsAfter = 0

  package init(evaluated: Range<Int>, costs: Costs) {
    self.evaluated = evaluated
    self.costs = costs
  }

  package mutating func add(_ bin: ReplayedBin) {
    total.add(bin)
    let place = bin.bin - evaluated.lowerBound
    if place % Grid.binsPerWeek == 0 { weeks.append(ReplayTotals()) }
    if place % Grid.binsPerHour == 0 { hours.append(ReplayTotals()) }
    weeks[weeks.count - 1].add(bin)
    hours[hours.count - 1].add(bin)
  }

  /// The hours that cost most, the worst first, as the first bin of each and its sums; those that
  /// cost nothing are none of them.
  package func worstHours(_ count: Int) -> [(bin: Int, totals: ReplayTotals)] {
    hours.indices.filter { hours[$0].cost(costs) > 0 }
      .sorted {
        let (left, right) = (hours[$0].cost(costs), hours[$1].cost(costs))
        return left == right ? $0 < $1 : left > right
      }
      .prefix(count).map { (evaluated.lowerBound + $0 * Grid.binsPerHour, hours[$0]) }
  }
}
