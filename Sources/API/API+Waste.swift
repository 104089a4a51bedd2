import HTTPServer
import Larder

extension API {
  /// `GET /v1/waste` and `GET /v1/pools/{pool}/waste`, by pool, day and reason.
  ///
  /// - Parameter pool: the path's; nil: those that the query names, or all.
  func readWaste(
    _ call: APIRequest, pool: String? = nil, _ answer: @escaping Route.Answer
  ) throws(Problem) {
    try call.expectQuery(
      ["from", "to", "cursor", "limit"], repeatable: pool == nil ? ["pool"] : [])
    let named = call.query.filter { $0.name == "pool" }.map(\.value)
    let pools = pool.map { [$0] } ?? (named.isEmpty ? nil : named)
    let limit = try call.limit(in: Limits.pageSizes) ?? Limits.pageSize
    let place = try call.wastePlace()
    let start = try call.instant("from") ?? Instant(milliseconds: 0)
    let end = try call.instant("to") ?? Instant(milliseconds: .max)
    let now = clock()
    try read(
      { (store) throws(StoreError) in
        for pool in Set(pools ?? []).sorted() where try store.pools([pool], at: now).isEmpty {
          throw .unknownPool(pool)
        }
        return try store.waste(of: pools, from: start, before: end, after: place, limit: limit + 1)
      }, answer
    ) { rows in
      Documents.json(200) { json in
        json.object {
          $0.array("waste") { json in
            for row in rows.prefix(limit) { Documents.write(row, &json) }
          }
          $0.member("cursor", rows.count > limit ? rows[limit - 1].place.cursor : nil)
        }
      }
    }
  }
}

extension APIRequest {
  /// The place that a page of waste begins behind.
  fileprivate func wastePlace() throws(Problem) -> WasteRow.Place? {
    guard let text = parameter("cursor"), !text.isEmpty else { return nil }
    let parts = text.split(separator: "/").map(String.init)
    guard parts.count == 3, let day = Int64(parts[1], radix: 36),
      let reason = WasteReason(rawValue: parts[2])
    else { throw Problem(.badRequest, "cursor must be one that an earlier page gave") }
    return WasteRow.Place(pool: parts[0], day: Instant(milliseconds: day), reason: reason)
  }
}

extension WasteRow.Place {
  fileprivate var cursor: String {
    "\(pool)/\(String(day.milliseconds, radix: 36))/\(reason.rawValue)"
  }
}

extension Documents {
  fileprivate static func write(_ row: WasteRow, _ json: inout JSONWriter) {
    json.object {
      $0.member("pool", row.place.pool)
      $0.member(
        "day", String(RFC3339.format(seconds: row.place.day.seconds).prefix { $0 != "T" }))
      $0.member("reason", row.place.reason.rawValue)
      write(row.waste, itemCost: row.itemCost, &$0)
    }
  }

  /// Items that were lost, the producer's time and the cost.
  private static func write(_ waste: Waste, itemCost: Double, _ json: inout JSONWriter) {
    json.member("items", waste.items)
    json.member("producer_seconds", waste.producerTime / .seconds(1))
    json.member("cost", waste.cost(ofItem: itemCost))
  }

  /// A level's waste of the last day.
  static func write(
    _ waste: [WasteReason: Waste], itemCost: Double, _ json: inout JSONWriter
  ) {
    json.object { json in
      write(waste.values.reduce(into: Waste(), +=), itemCost: itemCost, &json)
      json.name("reasons")
      json.object { json in
        for reason in WasteReason.allCases {
          if let waste = waste[reason] {
            json.member(text: reason.rawValue, raw: "\(waste.items)")
          }
        }
      }
    }
  }
}
