import Larder

/// How far a recall has come in a pool's items, which it goes through in the order in which they
/// were made.
struct RecallScan {
  /// The item that it came to last, by its time and its number.
  var madeAt: Instant
  var seq: Int64
  /// The time of the last items.
  let end: Instant
  /// Items with greater numbers were stored after the recall began.
  let newest: Int64

  /// An item that is to be recalled.
  struct Match {
    var seq: Int64
    var madeAt: Instant
    var state: ItemState
  }

  private struct Seen {
    var match: Match
    var matches: Bool
  }

  /// The beginning of a recall; nil where it concerns no item at all.
  init?(_ recall: Recall, _ connection: Connection) throws(StoreError) {
    let times = try Self.times(of: recall, connection)
    guard let times, times.first <= times.last else { return nil }
    madeAt = times.first
    seq = .min
    end = times.last
    newest = try connection.first("SELECT max(seq) FROM items") { $0.int64(0) } ?? 0
  }

  /// When the items were made.
  private static func times(
    of recall: Recall, _ connection: Connection
  ) throws(StoreError) -> (first: Instant, last: Instant)? {
    let ever = (first: Instant(milliseconds: .min), last: Instant(milliseconds: .max))
    switch recall {
    case .made(let from, let to):
      return from < to ? (from, to - .milliseconds(1)) : nil
    case .revision:
      return ever
    case .run(let run):
      // A slice's items have its time. If slices were purged, the items may be of any time.
      let slices = try connection.first(
        """
        SELECT r.stored = coalesce(sum(s.stored), 0), min(s.ended_at), max(s.ended_at)
        FROM runs r LEFT JOIN slices s ON s.run = r.id AND s.state = 'committed' WHERE r.id = ?
        """, [.text(run)]
      ) { row in
        (areAll: row.bool(0), first: row.optionalInstant(1), last: row.optionalInstant(2))
      }
      guard let slices, slices.areAll else { return ever }
      guard let first = slices.first, let last = slices.last else { return nil }
      return (first, last)
    }
  }

  /// Reads a cursor.
  init?(_ cursor: String) {
    let numbers = cursor.split(separator: " ").compactMap { Int64($0) }
    guard numbers.count == 4 else { return nil }
    madeAt = Instant(milliseconds: numbers[0])
    seq = numbers[1]
    end = Instant(milliseconds: numbers[2])
    newest = numbers[3]
  }

  var cursor: String {
    "\(madeAt.milliseconds) \(seq) \(end.milliseconds) \(newest)"
  }

  /// Goes back to an item.
  mutating func goBack(to match: Match) {
    (madeAt, seq) = (match.madeAt, match.seq)
  }

  /// Goes on until `limit` items are found, the end is reached or very many were looked at.
  mutating func next(
    _ recall: Recall, in pool: String, limit: Int, _ connection: Connection
  ) throws(StoreError) -> (found: [Match], isAtEnd: Bool) {
    var found: [Match] = []
    var left = Limits.recallScan
    while found.count < limit, left > 0 {
      let rows = try rows(recall, in: pool, limit: min(limit, left), connection)
      guard !rows.isEmpty else { return (found, true) }
      left -= rows.count
      for row in rows where found.count < limit {
        goBack(to: row.match)
        if row.matches, seq <= newest { found.append(row.match) }
      }
    }
    return (found, false)
  }

  /// The next items; none at the end only. Those of one time, which may be very many, are found by
  /// their numbers.
  private func rows(
    _ recall: Recall, in pool: String, limit: Int, _ connection: Connection
  ) throws(StoreError) -> [Seen] {
    let (condition, value): (String, SQLValue) =
      switch recall {
      case .run(let run): ("run = ?1", .text(run))
      case .revision(let revision): ("revision = ?1", .text(revision))
      case .made: ("?1 IS NULL", .null)
      }
    let columns = """
      seq, produced_at, state,
        CASE WHEN state IN ('available', 'held', 'claimed') THEN \(condition) ELSE 0 END
      """
    func read(_ row: Row) -> Seen {
      Seen(
        match: Match(seq: row.int64(0), madeAt: row.instant(1), state: Rows.word(row, 2)),
        matches: row.bool(3))
    }
    let place: [SQLValue] = [value, .text(pool), .instant(madeAt), .integer(limit)]
    let ofSameTime = try connection.all(
      """
      SELECT \(columns) FROM items
      WHERE pool = ?2 AND pool <> '' AND produced_at = ?3 AND seq > ?5
      ORDER BY seq LIMIT ?4
      """, place + [.integer(seq)], read)
    guard ofSameTime.isEmpty else { return ofSameTime }
    return try connection.all(
      """
      SELECT \(columns) FROM items
      WHERE pool = ?2 AND pool <> '' AND produced_at > ?3 AND produced_at <= ?5
      ORDER BY produced_at, seq LIMIT ?4
      """, place + [.instant(end)], read)
  }
}
