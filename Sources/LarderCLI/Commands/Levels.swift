import API
import Glibc
import Larder

extension Command {
  private static let csv = Option(name: "--csv", help: "print comma-separated values")
  private static let watch = Option(name: "--watch", help: "print again every second")
  private static let svg = Option(
    name: "--svg", value: "FILE",
    help: "draw each shelf against its levels, and the last 48 hours with their misses")

  static let levels = Command(
    name: "levels", arguments: "[POOL…]", summary: "reports what the shelves hold, and why",
    notes: """
      HIT RATE: the requests of the last 24 hours that got their items. WASTE: the items that expired,
      were recalled as stale or overfilled the pool, among those and the claimed ones of the last 24
      hours. LOST, where a pool lost any: all items that were lost in the last 24 hours, those of holds
      and recalls included; `larder waste` tells why. COVER: how long what is available lasts at the rate at which the last hour asked for items,
      or the last 24 hours where that hour was quiet. NEXT RUN: the next nominal time with its jitter.
      Demand is on disk at most a second later. Warnings go to standard error.
      """, options: [csv, watch, svg]
  ) { context throws(CommandError) in
    if context.wantsJSON, context.arguments.has(csv) {
      throw .usage("--json and --csv exclude each other")
    }
    if context.arguments.has(svg), context.arguments.has(watch) {
      throw .usage("--svg and --watch exclude each other")
    }
    let client = try context.readingClient()
    defer { client.close() }
    var request = APIRequest("GET", ["v1", "levels"])
    request.query = context.arguments.positional.map { ("pool", $0) }
    while true {
      let body = try client.call(request)
      if let picture = context.arguments.value(svg) {
        try Files.write(LevelPicture.chart(of: JSONNode(body), client).svg, to: picture)
      }
      if context.arguments.has(watch), Terminal.outputIsTerminal {
        Terminal.output("\u{1B}[H\u{1B}[2J")
      }
      if context.wantsJSON {
        Terminal.output(body + [0x0A])
      } else {
        let answer = JSONNode(body)
        let levels = answer?["levels"]?.elements ?? []
        Terminal.output(
          context.arguments.has(csv)
            ? csvReport(levels) : LevelTable.text(levels, at: answer?["at"]))
        warn(levels)
      }
      if try context.isUnserved() {
        Terminal.warning("no server runs on this store: nothing is produced until one does")
      }
      guard context.arguments.has(watch), !Terminal.outputFailed else { return 0 }
      sleep(1)
    }
  }

  private static let csvColumns = [
    "pool", "available", "held", "claimed", "expired", "recalled", "quarantined", "replaced",
    "produced", "in_flight", "pending", "target", "reorder_at", "max", "oldest_expiry_at",
    "next_run_at", "hit_rate_24h", "waste_rate_24h", "cover_seconds", "paused", "retired",
  ]

  /// Of what was lost in the last 24 hours.
  private static let wasteMembers = ["items", "producer_seconds", "cost"]
  private static let wasteColumns = wasteMembers.map { "waste_24h_\($0)" }

  private static func csvReport(_ levels: [JSONNode]) -> String {
    var text = CSV.line(csvColumns + ["last_run", "reasons", "warnings"] + wasteColumns)
    for level in levels {
      func joined(_ name: String) -> String {
        (level[name]?.elements.map(\.plain) ?? []).joined(separator: "; ")
      }
      text += CSV.line(
        csvColumns.map { level[$0]?.plain ?? "" }
          + [level["last_run"]?["state"]?.string ?? "", joined("reasons"), joined("warnings")]
          + wasteMembers.map { level["waste_24h"]?[$0]?.plain ?? "" })
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
