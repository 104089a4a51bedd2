import API
import Larder

extension Command {
  private static let limit = Option(name: "-n", value: "N", help: "how many runs (default 20)")

  static let runs = Command(
    name: "runs", arguments: "[POOL]", summary: "lists runs, newest first",
    notes: "LAG: how long after its nominal time a run started, its jitter included.",
    options: [limit]
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
      ("ASKED", .right), ("STARTED AT", .left), ("LAG", .right), ("TOOK", .right), ("WHY", .left),
    ])
    for run in JSONNode(body)?["runs"]?.elements ?? [] {
      table.add([
        run["run"]?.plain ?? "", run["pool"]?.plain ?? "",
        run["schedule"]?.string ?? run["reason"]?.plain ?? "", run["state"]?.plain ?? "",
        run["stored"]?.plain ?? "", run["asked"]?.plain ?? "", run["started_at"]?.plain ?? "-",
        lag(of: run) ?? "-", took(run), run["why"]?.string ?? "",
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
    if let lag = lag(of: run) { Terminal.output("lag: \(lag)\n") }
    let slices = run["slices"]?.elements ?? []
    if !slices.isEmpty { Terminal.output("\n" + table(of: slices)) }
    if let log = run["log"]?.string {
      Terminal.output("\nstandard error:\n\(Terminal.printable(log, keepingLines: true))\n")
    }
    return 0
  }

  private static func table(of slices: [JSONNode]) -> String {
    // Few pools recall anything.
    let recalls = slices.contains { $0["recalled"]?.int ?? 0 > 0 }
    var table = Table(
      [
        ("SLICE", .right), ("STATE", .left), ("STORED", .right), ("ASKED", .right),
        ("DUPLICATES", .right), ("OVERFILL", .right),
      ] + (recalls ? [("RECALLED", .right)] : [])
        + [("TRIES", .right), ("TOOK", .right), ("WHY", .left)])
    for slice in slices {
      func cell(_ name: String) -> String { slice[name]?.plain ?? "" }
      table.add(
        ["slice", "state", "stored", "asked", "duplicates", "overfill"].map(cell)
          + (recalls ? [cell("recalled")] : []) + [cell("attempts"), took(slice), cell("why")])
    }
    return table.text
  }

  /// How long after its nominal time a run started.
  private static func lag(of run: JSONNode) -> String? {
    span(run["nominal_at"], run["started_at"])
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
