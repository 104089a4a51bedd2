import API
import Glibc
import Larder

extension Command {
  private static let csv = Option(name: "--csv", help: "print comma-separated values")
  private static let watch = Option(name: "--watch", help: "print again every second")

  static let levels = Command(
    name: "levels", arguments: "[POOL…]", summary: "reports what the shelves hold, and why",
    notes: "Warnings go to standard error.", options: [csv, watch]
  ) { context throws(CommandError) in
    if context.wantsJSON, context.arguments.has(csv) {
      throw .usage("--json and --csv exclude each other")
    }
    let client = try context.readingClient()
    defer { client.close() }
    var request = APIRequest("GET", ["v1", "levels"])
    request.query = context.arguments.positional.map { ("pool", $0) }
    while true {
      let body = try client.call(request)
      if context.arguments.has(watch), Terminal.outputIsTerminal {
        Terminal.output("\u{1B}[H\u{1B}[2J")
      }
      if context.wantsJSON {
        Terminal.output(body + [0x0A])
      } else {
        let levels = JSONNode(body)?["levels"]?.elements ?? []
        Terminal.output(context.arguments.has(csv) ? csvReport(levels) : report(levels))
        warn(levels)
      }
      if try context.isUnserved() {
        Terminal.warning("no server runs on this store: nothing is produced until one does")
      }
      guard context.arguments.has(watch), !Terminal.outputFailed else { return 0 }
      sleep(1)
    }
  }

  private static func report(_ levels: [JSONNode]) -> String {
    var table = Table([
      ("POOL", .left), ("AVAILABLE", .right), ("TARGET", .right), ("REORDER AT", .right),
      ("IN FLIGHT", .right), ("CLAIMED", .right), ("EXPIRED", .right), ("LAST RUN", .left),
      ("NEXT RUN", .left), ("WHY", .left),
    ])
    for level in levels {
      func cell(_ name: String) -> String { level[name]?.plain ?? "-" }
      table.add([
        cell("pool"), cell("available"), cell("target"), cell("reorder_at"), cell("in_flight"),
        cell("claimed"), cell("expired"), level["last_run"]?["state"]?.string ?? "-",
        cell("next_run_at"),
        (level["reasons"]?.elements.map(\.plain) ?? []).filter { !$0.hasPrefix("the next ") }
          .joined(separator: "; "),
      ])
    }
    return table.text
  }

  private static let csvColumns = [
    "pool", "available", "held", "claimed", "expired", "recalled", "quarantined", "replaced",
    "produced", "in_flight", "pending", "target", "reorder_at", "max", "oldest_expiry_at",
    "next_run_at", "hit_rate_24h", "waste_rate_24h", "cover_seconds", "paused", "retired",
  ]

  private static func csvReport(_ levels: [JSONNode]) -> String {
    var text = CSV.line(csvColumns + ["last_run", "reasons", "warnings"])
    for level in levels {
      func joined(_ name: String) -> String {
        (level[name]?.elements.map(\.plain) ?? []).joined(separator: "; ")
      }
      text += CSV.line(
        csvColumns.map { level[$0]?.plain ?? "" }
          + [level["last_run"]?["state"]?.string ?? "", joined("reasons"), joined("warnings")])
    }
    return text
  }

  private static func warn(_ levels: [JSONNode]) {
    for level in levels {
      for warning in level["warnings"]?.elements ?? [] {
        Terminal.warning("\(level["pool"]?.plain ?? ""): \(warning.plain)")
      }
    }
  }
}
