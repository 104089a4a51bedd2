import API
import Larder

extension Command {
  private static let limit = Option(name: "-n", value: "N", help: "how many runs (default 20)")

  static let runs = Command(
    name: "runs", arguments: "[POOL]", summary: "lists runs, newest first", options: [limit]
  ) { context throws(CommandError) in
    try context.arguments.expect(atMost: 1)
    var request = APIRequest("GET", ["v1", "runs"])
    let limit = try context.arguments.integer(limit, in: Limits.pageSizes) ?? 20
    request.query = [("limit", "\(limit)")]
    if let pool = context.arguments.positional.first { request.query.append(("pool", pool)) }
    let client = try context.readingClient()
    defer { client.close() }
    let body = try client.call(request)
    if context.wantsJSON {
      Terminal.output(body + [0x0A])
      return 0
    }
    var table = Table([
      ("RUN", .left), ("POOL", .left), ("REASON", .left), ("STATE", .left), ("STORED", .right),
      ("ASKED", .right), ("STARTED AT", .left), ("TOOK", .right), ("WHY", .left),
    ])
    for run in JSONNode(body)?["runs"]?.elements ?? [] {
      table.add([
        run["run"]?.plain ?? "", run["pool"]?.plain ?? "",
        run["schedule"]?.string ?? run["reason"]?.plain ?? "", run["state"]?.plain ?? "",
        run["stored"]?.plain ?? "", run["asked"]?.plain ?? "", run["started_at"]?.plain ?? "-",
        took(run), run["why"]?.string ?? "",
      ])
    }
    Terminal.output(table.text)
    return 0
  }

  static let run = Command(
    name: "run", arguments: "RUN", summary: "shows a run: its slices, output and reason",
    options: []
  ) { context throws(CommandError) in
    let id = try context.arguments.single("RUN")
    let client = try context.readingClient()
    defer { client.close() }
    let body = try client.call(APIRequest("GET", ["v1", "runs", id]))
    if context.wantsJSON {
      Terminal.output(body + [0x0A])
      return 0
    }
    guard let run = JSONNode(body) else { throw .failed("the server's answer is no JSON") }
    for name in [
      "run", "pool", "reason", "schedule", "nominal_at", "state", "asked", "stored", "started_at",
      "ended_at", "why",
    ] {
      if let value = run[name] {
        Terminal.output("\(name): \(Terminal.printable(value.plain))\n")
      }
    }
    if let lag = span(run["nominal_at"], run["started_at"]) { Terminal.output("lag: \(lag)\n") }
    Terminal.output("\n" + slices(run))
    if let log = run["log"]?.string {
      Terminal.output("\nstandard error:\n\(Terminal.printable(log, keepingLines: true))\n")
    }
    return 0
  }

  private static func slices(_ run: JSONNode) -> String {
    var table = Table([
      ("SLICE", .right), ("STATE", .left), ("STORED", .right), ("ASKED", .right),
      ("DUPLICATES", .right), ("OVERFILL", .right), ("TRIES", .right), ("TOOK", .right),
      ("WHY", .left),
    ])
    for slice in run["slices"]?.elements ?? [] {
      func cell(_ name: String) -> String { slice[name]?.plain ?? "" }
      table.add([
        cell("slice"), cell("state"), cell("stored"), cell("asked"), cell("duplicates"),
        cell("overfill"), cell("attempts"), took(slice), cell("why"),
      ])
    }
    return table.text
  }

  private static func took(_ node: JSONNode) -> String {
    span(node["started_at"], node["ended_at"]) ?? "-"
  }

  private static func span(_ start: JSONNode?, _ end: JSONNode?) -> String? {
    guard let start = start?.string.flatMap(RFC3339.parse),
      let end = end?.string.flatMap(RFC3339.parse)
    else { return nil }
    return DurationText.format(max(end - start, .zero))
  }
}
