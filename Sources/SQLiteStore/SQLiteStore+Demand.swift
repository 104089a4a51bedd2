import Larder
import Sizing

extension SQLiteStore {
  package func importDemand(
    _ demand: DemandSeries, in pool: String, at now: Instant
  ) throws(StoreError) -> DemandImport {
    _ = try definition(of: pool)
    // What waits counts too.
    try writeDemand()
    let present = Demand.bin(of: now).bin
    let bins = demand.start..<max(demand.start, min(demand.end, present))
    guard !bins.isEmpty else { return DemandImport() }
    return try transaction { () throws(StoreError) in
      let gaps = DemandGaps(pool: pool, connection: connection)
      let first = try Rows.firstDemand(of: pool, connection)?.bin ?? present
      if bins.upperBound < first { try gaps.add(bins.upperBound..<first) }
      try gaps.remove(bins)
      var result = DemandImport()
      var unknownSince: Int?
      for bin in bins {
        guard let requests = demand[bin] else {
          unknownSince = unknownSince ?? bin
          continue
        }
        if let start = unknownSince { try gaps.add(start..<bin) }
        unknownSince = nil
        if try take(requests, of: bin, in: pool) {
          result.bins += 1
          result.requests += requests
        } else {
          result.kept += 1
        }
      }
      if let start = unknownSince { try gaps.add(start..<bins.upperBound) }
      return result
    }
  }

  /// Takes a bin in unless it has requests. Nobody knows which of them missed.
  private func take(
    _ requests: Int, of bin: Int, in pool: String
  ) throws(StoreError) -> Bool {
    try connection.run(
      """
      INSERT INTO demand (pool, bin, hits, misses, claimed, missed, wasted)
      VALUES (?1, ?2, ?3, 0, ?3, 0, 0)
      ON CONFLICT (pool, bin) DO UPDATE SET hits = ?3, claimed = claimed + ?3
        WHERE hits + misses = 0
      """, [.text(pool), .instant(Instant(bin: bin)), .integer(requests)])
    return connection.changes > 0
  }
}

/// The spans in which nobody counted a pool's demand.
private struct DemandGaps {
  let pool: String
  let connection: Connection

  func add(_ bins: Range<Int>) throws(StoreError) {
    // With those that it touches it is one.
    let others = try takeOverlapping(bins.lowerBound - 1..<bins.upperBound + 1)
    let start = others.map(\.lowerBound).min().map { min($0, bins.lowerBound) } ?? bins.lowerBound
    let end = others.map(\.upperBound).max().map { max($0, bins.upperBound) } ?? bins.upperBound
    try insert(start..<end)
  }

  func remove(_ bins: Range<Int>) throws(StoreError) {
    for other in try takeOverlapping(bins) {
      if other.lowerBound < bins.lowerBound { try insert(other.lowerBound..<bins.lowerBound) }
      if other.upperBound > bins.upperBound { try insert(bins.upperBound..<other.upperBound) }
    }
  }

  /// Deletes the spans that have bins in common with these, and gives them.
  private func takeOverlapping(_ bins: Range<Int>) throws(StoreError) -> [Range<Int>] {
    try connection.all(
      "DELETE FROM demand_gaps WHERE pool = ? AND start < ? AND ends > ? RETURNING start, ends",
      [
        .text(pool), .instant(Instant(bin: bins.upperBound)),
        .instant(Instant(bin: bins.lowerBound)),
      ]
    ) { $0.instant(0).bin..<$0.instant(1).bin }
  }

  private func insert(_ bins: Range<Int>) throws(StoreError) {
    try connection.run(
      "INSERT INTO demand_gaps (pool, start, ends) VALUES (?, ?, ?)",
      [
        .text(pool), .instant(Instant(bin: bins.lowerBound)),
        .instant(Instant(bin: bins.upperBound)),
      ])
  }
}
