import Sizing

extension StockChart {
  /// A replay as a picture: `bins` are what `Replay.run` told of.
  /// - Parameter plans: what was expected, by the bin, where the replayed policy expects nothing.
  package init(
    title: String, note: String, replayed bins: [ReplayedBin], expecting plans: [Int: Plan] = [:]
  ) {
    let width = Self.binsPerColumn(for: bins.count)
    var latest: Plan?
    var target: Double?
    let columns = stride(from: 0, to: bins.count, by: width).map { place in
      let part = bins[place..<min(place + width, bins.count)]
      let own = part.compactMap { $0.plan ?? plans[$0.bin] }
      latest = own.last ?? latest
      // A plan holds until the next one, and so does a target.
      let plans = own.isEmpty ? latest.map { [$0] } ?? [] : own
      let targets = part.compactMap(\.target)
      target = targets.last ?? target
      let mean =
        targets.isEmpty ? target : targets.reduce(0, +) / Double(targets.count)
      return Column(replayed: part, plans: plans, target: mean)
    }
    self.init(
      title: title, note: note, start: bins.first?.bin ?? 0, binsPerColumn: width, columns: columns)
  }

  /// Parts or multiples of an hour, of which a picture shows some hundreds.
  private static func binsPerColumn(for bins: Int) -> Int {
    let lengths = [1, 3, 12, 36, 72, 144, 288, 576, 2016]
    return lengths.first { bins / $0 <= 370 } ?? (bins / 370 + 1)
  }
}

extension StockChart.Column {
  /// The means of some bins, and the sums of what was lost.
  fileprivate init(replayed bins: ArraySlice<ReplayedBin>, plans: [Plan], target: Double?) {
    let count = Double(bins.count)
    let perHour = Double(Grid.binsPerHour)
    self.init(
      demand: perHour * Double(bins.reduce(0) { $0 + $1.requests }) / count,
      stock: Double(bins.reduce(0) { $0 + $1.available }) / count,
      target: target, missed: bins.reduce(0) { $0 + $1.missed },
      wasted: bins.reduce(0) { $0 + $1.wasted })
    guard !plans.isEmpty else { return }
    func mean(_ value: (Plan) -> Double) -> Double {
      plans.reduce(0) { $0 + value($1) } / Double(plans.count)
    }
    expected = mean { perHour * $0.untilNext.mean / Double($0.bins) }
    let ranges = plans.map { (plan: $0, likely: $0.likely) }
    let low = ranges.reduce(0) { $0 + Double($1.likely.lowerBound) / Double($1.plan.bins) }
    let high = ranges.reduce(0) { $0 + Double($1.likely.upperBound) / Double($1.plan.bins) }
    let scale = perHour / Double(plans.count)
    likely = (low * scale)...(high * scale)
  }
}
