import API
import Larder
import Sizing

/// A pool's demand, read to its end.
struct DemandListing {
  let pool: String
  private(set) var record = DemandRecord()
  /// Spans that the pool's file excludes, some of which are in what was asked for.
  private(set) var excluded: [Range<Instant>] = []
  private var bins: [JSONNode] = []

  /// - Parameter request: the call, without its limit and cursor.
  init(_ request: APIRequest, of pool: String, _ client: any Client) throws(CommandError) {
    self.pool = pool
    var request = request
    request.query.append(("limit", "\(Limits.pageSizes.upperBound)"))
    let query = request.query
    while true {
      guard let page = JSONNode(try client.call(request)) else {
        throw .failed("the server's answer is no JSON")
      }
      for bin in page["bins"]?.elements ?? [] { add(bin) }
      for gap in page["gaps"]?.elements ?? [] { add(gap: gap) }
      // The first page has those of the later ones too.
      if excluded.isEmpty {
        excluded = (page["excluded"]?.elements ?? []).compactMap { Self.span($0) }
      }
      guard let cursor = page["cursor"]?.string else { return }
      request.query = query + [("cursor", cursor)]
    }
  }

  private mutating func add(_ bin: JSONNode) {
    guard let start = bin["start"]?.string.flatMap(RFC3339.parse) else { return }
    var demand = Demand()
    demand.hits = bin["hits"]?.int ?? 0
    demand.misses = bin["misses"]?.int ?? 0
    demand.claimed = bin["claimed"]?.int ?? 0
    demand.missed = bin["missed"]?.int ?? 0
    demand.wasted = bin["wasted"]?.int ?? 0
    record.bins.append(DemandRecord.Bin(start: start, demand: demand))
    bins.append(bin)
  }

  /// A page's gap may be the rest of the last one's.
  private mutating func add(gap: JSONNode) {
    guard let span = Self.span(gap) else { return }
    if let last = record.gaps.last, last.upperBound == span.lowerBound {
      record.gaps[record.gaps.count - 1] = last.lowerBound..<span.upperBound
    } else {
      record.gaps.append(span)
    }
  }

  private static func span(_ span: JSONNode) -> Range<Instant>? {
    guard let from = span["from"]?.string.flatMap(RFC3339.parse),
      let to = span["to"]?.string.flatMap(RFC3339.parse), from < to
    else { return nil }
    return from..<to
  }

  // MARK: What is printed

  var json: [UInt8] {
    JSONWriter.text { json in
      json.object { json in
        json.member("pool", pool)
        json.array("bins") { json in bins.forEach { json.raw($0.text) } }
        json.spans("gaps", record.gaps)
        json.spans("excluded", excluded)
        json.member("cursor", nil as String?)
      }
    }
  }

  /// Each bin that is over before an instant.
  func csv(before end: Instant) -> String {
    let series = record.series(before: end, excluding: excluded)
    // What is unknown at the end tells nothing.
    let known = series.requests.lastIndex { $0 != nil }.map { series.start + $0 + 1 }
    return DemandText.csv(series, series.start..<(known ?? series.start))
  }

  var table: String {
    var days: [(day: Int, demand: Demand)] = []
    for bin in record.bins {
      let day = bin.start.bin / Grid.binsPerDay
      if days.last?.day != day { days.append((day, Demand())) }
      days[days.count - 1].demand += bin.demand
    }
    var table = Table([
      ("DAY", .left), ("REQUESTS", .right), ("HIT RATE", .right), ("MISSES", .right),
      ("WASTED", .right),
    ])
    var total = Demand()
    for day in days {
      let start = RFC3339.format(seconds: Instant(bin: day.day * Grid.binsPerDay).seconds)
      table.add(row(String(start.prefix { $0 != "T" }), day.demand))
      total += day.demand
    }
    if days.count > 1 { table.add(row("all", total)) }
    return table.text + excluded.map { line(excluded: $0) }.joined()
  }

  private func line(excluded span: Range<Instant>) -> String {
    let requests = record.bins.filter { span.bins.contains($0.start.bin) }
      .reduce(0) { $0 + $1.demand.requests }
    let (from, to) = (RFC3339.format(span.lowerBound), RFC3339.format(span.upperBound))
    return "excluded from forecasts: \(requests) requests from \(from) to \(to)\n"
  }

  private func row(_ name: String, _ demand: Demand) -> [String] {
    [
      name, "\(demand.requests)", DecimalText.percent(demand.hits, of: demand.requests),
      "\(demand.misses)", "\(demand.wasted)",
    ]
  }
}
