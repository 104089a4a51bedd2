import Larder
import Sizing

/// Options that say how a pool is supplied and what things cost.
enum SizingOptions {
  static let shelfLife = Option(
    name: "--shelf-life", value: "2h", help: "how long an item lasts on the shelf, or none")
  static let leadTime = Option(
    name: "--lead-time", value: "10m", help: "from an order until its items are there")
  static let interval = Option(
    name: "--interval", value: "1h", help: "from one scheduled order to the next")
  static let missCost = Option(
    name: "--miss-cost", value: "5", help: "what a request that finds no item costs")
  static let wasteCost = Option(
    name: "--waste-cost", value: "1", help: "what an item that expires unused costs (default 1)")
  static let holdingCost = Option(
    name: "--holding-cost", value: "0",
    help: "what an item that outlasts an interval unused costs (default 0)")
}

extension Arguments {
  /// A span in bins of 5 minutes.
  func bins(_ option: Option, atLeast least: Int) throws(CommandError) -> Int? {
    guard let span = try duration(option) else { return nil }
    let step = Int64(Grid.binSeconds) * 1000
    let (bins, rest) = span.inMilliseconds.quotientAndRemainder(dividingBy: step)
    guard rest == 0, bins >= least else {
      let nearest = [bins, bins + 1].filter { $0 >= least }
        .map { DurationText.format(.milliseconds($0 * step)) }
      throw .usage(
        "\(option.name) is counted in steps of 5m\(least > 0 ? ", at least one" : ""): write "
          + "\(nearest.joined(separator: " or ")), not \(value(option) ?? "")")
    }
    return Int(bins)
  }

  /// A cost, which is at least 0.
  func cost(_ option: Option) throws(CommandError) -> Double? {
    guard let text = value(option) else { return nil }
    guard let cost = Double(text), Limits.costs.contains(cost),
      text.allSatisfy({ $0.isNumber || $0 == "." })
    else {
      throw .usage("\(option.name) must be a number from 0 to 1000000000, not \(text)")
    }
    return cost
  }

  /// A time, as demand files write it too.
  func instant(_ option: Option) throws(CommandError) -> Instant? {
    guard let text = value(option) else { return nil }
    guard let instant = DemandFile.time(text.utf8) else {
      throw .usage("\(option.name) must be a time such as 2026-11-24T20:00:00Z, not \(text)")
    }
    return instant
  }

  /// An option that has to be given.
  func required<Value>(_ value: Value?, _ option: Option) throws(CommandError) -> Value {
    guard let value else {
      throw .usage("\(option.name) is missing: \(option.name) \(option.value ?? "")")
    }
    return value
  }
}
