import Larder

extension Rows {
  /// What it took to make a row of `items`, in microseconds: an equal part of the time of its slice's
  /// last try. Without the plus signs SQLite reads all slices where this is returned by an UPDATE.
  static let producerTime = """
    coalesce((SELECT max(0, s.ended_at - coalesce(s.tried_at, s.started_at)) * 1000
        / (s.stored + s.overfill)
      FROM slices s WHERE s.run = +items.run AND s.slice = +items.slice), 0)
    """

  /// Rows of `waste` that are demand's waste as well.
  static let isInRate: String = {
    let reasons = WasteReason.allCases.filter(\.isInRate).map { "'\($0.rawValue)'" }
    return "reason IN (\(reasons.joined(separator: ", ")))"
  }()

  /// An item whose `producerTime` is in a column.
  static func waste(_ row: Row, _ column: Int32) -> Waste {
    Waste(items: 1, producerTime: .microseconds(row.int64(column)))
  }

  /// What a pool lost in bins that begin within a span, by reason.
  static func waste(
    of pool: String, from start: Instant, through end: Instant, _ connection: Connection
  ) throws(StoreError) -> [WasteReason: Waste] {
    var found: [WasteReason: Waste] = [:]
    try connection.run(
      """
      SELECT reason, items, producer_us FROM waste
      WHERE pool = ? AND bin BETWEEN ? AND ? ORDER BY bin
      """, [.text(pool), .instant(start), .instant(end)]
    ) { row in
      found[word(row, 0), default: Waste()] += Waste(
        items: row.int(1), producerTime: .microseconds(row.int64(2)))
    }
    return found
  }
}

extension SQLiteReader {
  package func waste(
    of pools: [String]?, from start: Instant, before end: Instant, after place: WasteRow.Place?,
    limit: Int
  ) throws(StoreError) -> [WasteRow] {
    try connection.snapshot { () throws(StoreError) in
      var rows: [WasteRow] = []
      for (pool, itemCost) in try itemCosts(pools, from: place?.pool) {
        // The last row's day may have more reasons.
        let resumed = place?.pool == pool ? place?.day : nil
        var next = max(start, resumed ?? start)
        while rows.count < limit, let day = try day(of: pool, from: next, before: end) {
          let dayAfter = day + RecentDemand.day
          let reasons = try Rows.waste(
            of: pool, from: max(day, start), through: min(dayAfter, end) - .milliseconds(1),
            connection)
          for (reason, waste) in reasons.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            let row = WasteRow(
              place: WasteRow.Place(pool: pool, day: day, reason: reason), waste: waste,
              itemCost: itemCost)
            if place.map({ $0 < row.place }) ?? true { rows.append(row) }
          }
          next = dayAfter
        }
        guard rows.count < limit else { break }
      }
      return Array(rows.prefix(limit))
    }
  }

  /// The day of the first bin in which a pool lost something.
  private func day(
    of pool: String, from start: Instant, before end: Instant
  ) throws(StoreError) -> Instant? {
    let first = try connection.first(
      "SELECT bin FROM waste WHERE pool = ? AND bin >= ? AND bin < ? ORDER BY bin LIMIT 1",
      [.text(pool), .instant(start), .instant(end)]
    ) { $0.int64(0) }
    let length = RecentDemand.day.inMilliseconds
    return first.map { Instant(milliseconds: $0 / length * length) }
  }

  /// What a lost item costs, by pool, of all or of those named, from one on.
  private func itemCosts(
    _ pools: [String]?, from first: String?
  ) throws(StoreError) -> [(pool: String, cost: Double)] {
    let wanted = pools.map(Set.init)
    let found = try connection.all(
      "SELECT pool, source, file FROM pools WHERE pool >= ? ORDER BY pool", [.text(first ?? "")]
    ) { (pool: $0.text(0), source: $0.text(1), file: $0.text(2)) }
    var costs: [(pool: String, cost: Double)] = []
    for row in found where wanted?.contains(row.pool) ?? true {
      costs.append((row.pool, try definition(row.source, row.file).stock.costs.waste))
    }
    return costs
  }
}
