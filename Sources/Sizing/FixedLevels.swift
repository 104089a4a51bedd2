/// Fixed targets, which the learned ones are compared with.
extension Replay {
  /// A fixed target, whose orders count on the mean demand before what is evaluated.
  package func fixed(_ target: Int) -> SizingPolicy {
    let known = (demand.start..<max(demand.start, evaluated.lowerBound)).compactMap { demand[$0] }
    let use = Double(known.reduce(0, +)) / Double(max(known.count, 1))
    return .fixed(target: target, use: use)
  }

  /// The fixed target that would have cost least over what is evaluated: nobody could have known it.
  /// It is looked for between ever closer levels, so that it costs some dozens of replays.
  package func bestFixed() -> (target: Int, result: ReplayResult) {
    bestFixed { run(fixed($0)) }
  }

  /// The same where replays are run in another way.
  package func bestFixed(_ run: (Int) -> ReplayResult) -> (target: Int, result: ReplayResult) {
    var tried: [Int: ReplayResult] = [:]
    func cost(_ target: Int) -> Double {
      let result = tried[target] ?? run(target)
      tried[target] = result
      return result.total.cost(costs)
    }
    var (low, high) = (0, highestLevel)
    var best = 0
    while true {
      let step = max(1, (high - low) / Self.levelsTried)
      for target in stride(from: low, through: high, by: step) where cost(target) < cost(best) {
        best = target
      }
      guard step > 1 else { return (best, tried[best] ?? run(best)) }
      (low, high) = (max(0, best - step), best + step)
    }
  }

  private static let levelsTried = 24

  /// No shelf that starts like this runs out.
  private var highestLevel: Int {
    let window = supply.interval + supply.lead
    var (sum, highest) = (0, 0)
    for bin in evaluated {
      sum += demand[bin] ?? 0
      if bin - evaluated.lowerBound >= window { sum -= demand[bin - window] ?? 0 }
      highest = max(highest, sum)
    }
    return highest
  }
}
