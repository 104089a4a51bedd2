import API
import Larder
import Pictures
import Sizing

/// Levels as the API answers with them, with each pool's demand of the last hours, as a picture.
enum LevelPicture {
  private static let hours = 48

  /// - Parameter answer: that of `GET /v1/levels`.
  static func chart(
    of answer: JSONNode?, _ client: any Client
  ) throws(CommandError) -> LevelChart {
    let levels = answer?["levels"]?.elements ?? []
    guard levels.count <= Limits.picturedPools else {
      throw .failed(
        "there are \(levels.count) pools, and a picture has \(Limits.picturedPools) at most: name some"
      )
    }
    let now = answer?["at"]?.string.flatMap(RFC3339.parse) ?? .now()
    let first = Grid.hour(of: now.bin) - hours + 1
    var panels: [LevelChart.Panel] = []
    for level in levels {
      let pool = level["pool"]?.string ?? ""
      let record = try demand(of: pool, from: Instant(bin: Grid.bin(ofHour: first)), client)
      panels.append(panel(level, byHour(record, from: first, at: now)))
    }
    let time = RFC3339.format(seconds: now.seconds)
    return LevelChart(title: "Levels at \(time)", firstHour: first, panels: panels)
  }

  /// What is known of a pool's demand from an instant on.
  private static func demand(
    of pool: String, from start: Instant, _ client: any Client
  ) throws(CommandError) -> DemandRecord {
    var request = APIRequest("GET", ["v1", "pools", pool, "demand"])
    request.query = [("from", RFC3339.format(start))]
    var record = try DemandListing(request, of: pool, client).record
    // Where something was asked for before, nothing was until the first bin, but for gaps.
    request.query = [("to", RFC3339.format(start)), ("limit", "1")]
    let earlier = JSONNode(try client.call(request))?["bins"]?.elements ?? []
    let known = record.gaps.first { $0.contains(start) }?.upperBound ?? start
    if !earlier.isEmpty, record.bins.first.map({ $0.start > known }) ?? true {
      record.bins.insert(DemandRecord.Bin(start: known, demand: Demand()), at: 0)
    }
    return record
  }

  private static func panel(_ level: JSONNode, _ hours: [LevelChart.Hour]) -> LevelChart.Panel {
    func number(_ name: String) -> Int { level[name]?.int ?? 0 }
    let warnings = texts(level, "warnings")
    return LevelChart.Panel(
      pool: level["pool"]?.plain ?? "", note: note(level),
      reason: (warnings + texts(level, "reasons")).joined(separator: "; "),
      isWarning: !warnings.isEmpty, available: number("available"),
      inFlight: number("in_flight"), target: level["target"]?.int,
      reorderAt: number("reorder_at"), max: number("max"), hours: hours)
  }

  private static func texts(_ level: JSONNode, _ name: String) -> [String] {
    level[name]?.elements.map(\.plain) ?? []
  }

  private static func note(_ level: JSONNode) -> String {
    var parts: [String] = []
    for (name, words) in [("hit_rate_24h", "hit rate"), ("waste_rate_24h", "waste")] {
      guard let rate = level[name].flatMap({ Double($0.text) }) else { continue }
      parts.append("\(words) \(DecimalText.format(100 * rate, places: 1)) % in 24 h")
    }
    if let cover = level["cover_seconds"]?.int {
      parts.append("lasts \(DurationText.format(.seconds(cover - cover % 60)))")
    }
    if let next = level["next_run_at"]?.string.flatMap(RFC3339.parse) {
      parts.append("next run \(RFC3339.format(seconds: next.seconds))")
    }
    return parts.joined(separator: ", ")
  }

  /// What a pool saw from an hour on until now, in which the present hour is the last.
  private static func byHour(
    _ record: DemandRecord, from first: Int, at now: Instant
  ) -> [LevelChart.Hour] {
    var result = Array(repeating: LevelChart.Hour(), count: hours)
    let start = Grid.bin(ofHour: first)
    for bin in record.bins where bin.start.bin >= start && bin.start <= now {
      let place = Grid.hour(of: bin.start.bin) - first
      result[place].requests += bin.demand.requests
      result[place].misses += bin.demand.misses
      result[place].wasted += bin.demand.wasted
    }
    let series = record.series(before: now)
    for bin in start..<max(start, now.bin) where series[bin] == nil {
      result[Grid.hour(of: bin) - first].isKnown = false
    }
    return result
  }
}
