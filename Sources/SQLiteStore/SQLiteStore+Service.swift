import Larder

extension SQLiteStore {
  package func noteService(at now: Instant) throws(StoreError) {
    try transaction { () throws(StoreError) in
      // What is to come was noted by a clock that was wrong.
      try connection.run("DELETE FROM service WHERE start > ?", [.instant(now)])
      try connection.run(
        "UPDATE service SET seen = ?1 WHERE start = (SELECT max(start) FROM service) AND seen >= ?2",
        [.instant(now), .instant(now - Limits.serviceGap)])
      if connection.changes == 0 {
        try connection.run("INSERT INTO service (start, seen) VALUES (?1, ?1)", [.instant(now)])
      }
    }
  }

  /// Deletes spans of service that ended before an instant; not the last that began before it, which
  /// tells when nobody served after it.
  func purgeService(before: Instant, limit: Int) throws(StoreError) -> Int {
    try connection.run(
      """
      DELETE FROM service WHERE start IN (
        SELECT start FROM service
        WHERE start < (SELECT max(start) FROM service WHERE start < ?1) ORDER BY start LIMIT ?2)
      """, [.instant(before), .integer(limit)])
    return connection.changes
  }
}

extension Rows {
  /// The bins from one instant on and before another that are touched by time in which no server
  /// counted, from a pool's first bin on.
  static func downtimes(
    of pool: String, from start: Instant, before end: Instant, _ connection: Connection
  ) throws(StoreError) -> [Range<Instant>] {
    guard let first = try firstDemand(of: pool, connection), first < end else { return [] }
    let spans = try connection.all(
      """
      SELECT start, seen FROM service
      WHERE start >= ifnull((SELECT max(start) FROM service WHERE start <= ?1), ?1) ORDER BY start
      """, [.instant(start)]
    ) { (start: $0.instant(0), seen: $0.instant(1)) }
    var pauses = zip(spans, spans.dropFirst()).map { $0.seen..<max($0.seen, $1.start) }
    if let last = spans.last, last.seen + Limits.serviceGap < end { pauses.append(last.seen..<end) }
    let whole = max(first, start)
    return pauses.compactMap { pause in
      let last = Demand.bin(of: pause.upperBound - .milliseconds(1))
      let (from, to) = (max(Demand.bin(of: pause.lowerBound), whole), min(last + Demand.bin, end))
      return from < to ? from..<to : nil
    }
  }
}
