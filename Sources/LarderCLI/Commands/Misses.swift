import API
import Larder
import Sizing

extension Command {
  private static let csv = Option(
    name: "--csv", help: "print start,reason,misses for each 5 minutes")
  private static let from = Option(
    name: "--from", value: "INSTANT", help: "bins that begin then or later")
  private static let to = Option(
    name: "--to", value: "INSTANT", help: "bins that begin before")

  static let misses = Command(
    name: "misses", arguments: "POOL", summary: "tells why requests found too few items, by day",
    notes: """
      Each miss has one reason, the first of these: unsuited (there were items, but none that this
      request could have), retired, no_producer, suspended, paused, breaker, failed_run, cold_start (no
      run has ended yet), late_run, short_run (the supplier had no more), surge (above the 99 % band of
      the same hours before), at_max, expiry (items expired since the last run), undersized (nothing was
      wrong: raise the target or the reorder point), unknown (counted before reasons were).
      """, options: [csv, from, to]
  ) { context throws(CommandError) in
    let arguments = context.arguments
    let pool = try arguments.single("POOL")
    if context.wantsJSON, arguments.has(csv) {
      throw .usage("--json and --csv exclude each other")
    }
    var request = APIRequest("GET", ["v1", "pools", pool, "misses"])
    for (option, name) in [(from, "from"), (to, "to")] {
      if let instant = try arguments.instant(option) {
        request.query.append((name, RFC3339.format(instant)))
      }
    }
    let client = try context.readingClient()
    defer { client.close() }
    let listing = try MissListing(request, of: pool, client)
    if context.wantsJSON {
      Terminal.output(listing.json + [0x0A])
    } else {
      Terminal.output(arguments.has(csv) ? listing.csv : listing.table)
    }
    return 0
  }
}

/// A pool's misses by reason, read to their end.
private struct MissListing {
  let pool: String
  private var bins: [JSONNode] = []
  private var counts: [(start: Instant, reason: MissReason, misses: Int)] = []

  /// - Parameter request: the call, without its limit and cursor.
  init(_ request: APIRequest, of pool: String, _ client: any Client) throws(CommandError) {
    self.pool = pool
    try Pages(client: client, request: request, list: "bins").forEach { add($0) }
  }

  private mutating func add(_ bin: JSONNode) {
    bins.append(bin)
    guard let start = bin["start"]?.string.flatMap(RFC3339.parse) else { return }
    for reason in MissReason.allCases {
      if let misses = bin["reasons"]?[reason.rawValue]?.int {
        counts.append((start, reason, misses))
      }
    }
  }

  var json: [UInt8] {
    JSONWriter.text { json in
      json.object { json in
        json.member("pool", pool)
        json.array("bins") { json in bins.forEach { json.raw($0.text) } }
        json.member("cursor", nil as String?)
      }
    }
  }

  var csv: String {
    CSV.line(["start", "reason", "misses"])
      + counts.map {
        CSV.line([RFC3339.format(seconds: $0.start.seconds), $0.reason.rawValue, "\($0.misses)"])
      }.joined()
  }

  var table: String {
    var days: [(day: Int, reasons: [MissReason: Int])] = []
    for count in counts {
      let day = count.start.bin / Grid.binsPerDay
      if days.last?.day != day { days.append((day, [:])) }
      days[days.count - 1].reasons[count.reason, default: 0] += count.misses
    }
    var table = Table([("DAY", .left), ("MISSES", .right), ("WHY", .left)])
    for day in days {
      let start = RFC3339.format(seconds: Instant(bin: day.day * Grid.binsPerDay).seconds)
      let parts = day.reasons.sorted { ($1.value, $0.key.rawValue) < ($0.value, $1.key.rawValue) }
      table.add([
        String(start.prefix { $0 != "T" }), "\(day.reasons.values.reduce(0, +))",
        parts.map { "\($0.value) \($0.key.rawValue)" }.joined(separator: ", "),
      ])
    }
    return table.text
  }
}
