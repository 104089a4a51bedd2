import API
import Larder
import Pictures
import Sizing

extension Command {
  private static let interval = Option(
    name: "--interval", value: "1h",
    help: "from one order to the next, where the pool has no schedule")
  private static let leadTime = Option(
    name: "--lead-time", value: "10m",
    help: "from an order until its items are there (default: what past runs took)")
  private static let missCost = Option(
    name: "--miss-cost", value: "5",
    help: "what a request that finds no item costs (default: the file's)")
  private static let svg = Option(
    name: "--svg", value: "FILE", help: "draw the pool's last 48 hours and the forecast of the next"
  )
  /// The options by the call's query parameters.
  private static let parameters: [(option: Option, name: String)] = [
    (interval, "interval"), (leadTime, "lead_time"), (missCost, "miss_cost"),
    (SizingOptions.wasteCost, "waste_cost"), (SizingOptions.holdingCost, "holding_cost"),
  ]

  static let plan = Command(
    name: "plan", arguments: "[POOL]",
    summary: "tells what a pool would order now if its stock was sized by demand, and why",
    notes: """
      The target is forecast from the pool's demand: by the hour of the week, by how the last hour and
      day ran, by when the next order comes and how long that takes, by the shelf life and by what misses
      and waste cost. Of one pool, the forecast of the next 48 hours follows. It only tells: runs go by
      it where the pool's file has `target: auto`.
      """, options: parameters.map(\.option) + [svg]
  ) { context throws(CommandError) in
    let arguments = context.arguments
    try arguments.expect(atMost: 1)
    let named = arguments.positional.first
    if named == nil, arguments.has(svg) { throw .usage("--svg needs a POOL") }
    let query = try query(arguments)
    let client = try context.readingClient()
    defer { client.close() }
    var plans: [JSONNode] = []
    let pools = if let named { [named] } else { try produced(client) }
    for pool in pools {
      var request = APIRequest("GET", ["v1", "pools", pool, "plan"])
      request.query = query
      guard let plan = JSONNode(try client.call(request)) else {
        throw .failed("the server's answer is no JSON")
      }
      plans.append(plan)
    }
    if let picture = arguments.value(svg), let plan = plans.first {
      try Files.write(PlanReport(plan).chart.svg, to: picture)
    }
    if context.wantsJSON {
      let body =
        named == nil ? "{\"plans\":[\(plans.map(\.text).joined(separator: ","))]}" : plans[0].text
      Terminal.output(body + "\n")
    } else {
      let texts = plans.map { PlanReport($0).text(withForecast: named != nil) }
      Terminal.output(texts.joined(separator: "\n"))
    }
    return 0
  }

  private static func query(
    _ arguments: Arguments
  ) throws(CommandError) -> [(name: String, value: String)] {
    _ = try (arguments.duration(interval), arguments.duration(leadTime), arguments.cost(missCost))
    _ = try (
      arguments.cost(SizingOptions.wasteCost), arguments.cost(SizingOptions.holdingCost)
    )
    return parameters.compactMap { option, name in arguments.value(option).map { (name, $0) } }
  }

  /// The pools that have a producer.
  private static func produced(_ client: any Client) throws(CommandError) -> [String] {
    let levels = JSONNode(try client.call(APIRequest("GET", ["v1", "levels"])))?["levels"]
    return (levels?.elements ?? []).filter { $0["target"] != nil && $0["retired"]?.text != "true" }
      .compactMap { $0["pool"]?.string }
  }
}
