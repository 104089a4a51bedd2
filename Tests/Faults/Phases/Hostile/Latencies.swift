/// How long requests took.
package struct Latencies: Sendable {
  private var times: [Duration] = []

  package init() {}

  package var count: Int { times.count }

  package mutating func add(_ time: Duration) { times.append(time) }

  package mutating func add(_ others: Latencies) { times += others.times }

  /// The time within which `share` of the requests were answered, by the nearest rank.
  package func quantile(_ share: Double) -> Duration {
    guard !times.isEmpty else { return .zero }
    let sorted = times.sorted()
    let rank = Int((share * Double(sorted.count)).rounded(.up))
    return sorted[min(max(rank, 1), sorted.count) - 1]
  }
}
