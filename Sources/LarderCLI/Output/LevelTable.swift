import Larder

/// Levels as an operator reads them on a terminal.
enum LevelTable {
  /// - Parameters:
  ///   - levels: levels as the API answers with them.
  ///   - now: when they held.
  static func text(_ levels: [JSONNode], at now: JSONNode?) -> String {
    // What most pools never have takes a column only where one has it.
    let rare = ["pending", "held"].filter { name in levels.contains { $0[name]?.int ?? 0 > 0 } }
    func lost(_ level: JSONNode) -> JSONNode? { level["waste_24h"]?["items"] }
    let hasLost = levels.contains { lost($0)?.int ?? 0 > 0 }
    let titles: [(String, Table.Alignment)] =
      [
        ("POOL", .left), ("AVAILABLE", .right), ("TARGET", .right), ("REORDER AT", .right),
        ("IN FLIGHT", .right),
      ] + rare.map { ($0.uppercased(), .right) } + [
        ("CLAIMED", .right), ("EXPIRED", .right), ("HIT RATE", .right), ("WASTE", .right),
      ] + (hasLost ? [("LOST", .right)] : []) + [
        ("COVER", .right), ("LAST RUN", .left), ("NEXT RUN", .left), ("WHY", .left),
      ]
    var table = Table(titles)
    let now = now.flatMap(instant)
    for level in levels {
      func cell(_ name: String) -> String { level[name]?.plain ?? "-" }
      let counts = ["available", "target", "reorder_at", "in_flight"] + rare
      table.add(
        ([cell("pool")] + counts.map(cell)) + [
          cell("claimed"), cell("expired"), percent(level["hit_rate_24h"]),
          percent(level["waste_rate_24h"]),
        ] + (hasLost ? [lost(level)?.plain ?? "-"] : []) + [
          cover(level["cover_seconds"]), lastRun(level["last_run"], now),
          nextRun(level["next_run_at"], now), reasons(level),
        ])
    }
    return table.text
  }

  private static func instant(_ node: JSONNode) -> Instant? {
    node.string.flatMap(RFC3339.parse)
  }

  /// A rate from 0 to 1. It is cut, not rounded: only all is 100.0%.
  private static func percent(_ rate: JSONNode?) -> String {
    guard let rate = rate.flatMap({ Double($0.text) }) else { return "-" }
    // What binary fractions leave of a thousandth must not be cut off with the rest.
    let thousandths = Int(rate * 1000 + 1e-9)
    return "\(thousandths / 10).\(thousandths % 10)%"
  }

  private static func cover(_ seconds: JSONNode?) -> String {
    seconds?.int.map { DurationText.rough(.seconds($0)) } ?? "-"
  }

  private static func lastRun(_ run: JSONNode?, _ now: Instant?) -> String {
    guard let run else { return "-" }
    let state = run["state"]?.plain ?? "-"
    guard let now, let ended = run["ended_at"].flatMap(instant) else { return state }
    return "\(state) \(DurationText.rough(max(now - ended, .zero))) ago"
  }

  private static func nextRun(_ time: JSONNode?, _ now: Instant?) -> String {
    guard let now, let time = time.flatMap(instant) else { return time?.plain ?? "-" }
    return "in \(DurationText.rough(max(time - now, .zero)))"
  }

  /// Why the level is what it is; the next run has a column of its own.
  private static func reasons(_ level: JSONNode) -> String {
    (level["reasons"]?.elements.map(\.plain) ?? []).filter { !$0.hasPrefix("the next ") }
      .joined(separator: "; ")
  }
}
