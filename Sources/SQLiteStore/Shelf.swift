import Larder

/// What claims of a pool can get now, in the order in which they get it.
struct Shelf {
  struct Found {
    var seq: Int64
    var item: Item
    var isStale: Bool
    var order: Int64

    var position: Position { Position(order: order, seq: seq) }
  }

  /// A place in the order in which items are handed out.
  struct Position {
    var order: Int64
    var seq: Int64
  }

  /// Whom the items that are looked for were made for.
  enum Part {
    /// The user alone.
    case own
    /// The user, and anybody.
    case all
  }

  let pool: String
  let order: ClaimPolicy.Order
  /// Items that expire at this time or before it are not handed out.
  let cutoff: Instant
  /// Whether any item of the pool is stale: without any, none is looked for.
  let hasStale: Bool
  let connection: Connection

  /// At most `count` items: those made for the user first, then those for anybody, and of both
  /// the stale ones last.
  func take(
    _ count: Int, for user: String, _ match: Match? = nil, from part: Part = .all
  ) throws(StoreError) -> [Found] {
    var found: [Found] = []
    let pairs = match?.pairs ?? []
    for stale in hasStale ? [false, true] : [false] where found.count < count {
      found += try findOwn(
        count - found.count, stale: stale, user: user, pairs.isEmpty ? nil : match)
    }
    guard part == .all, found.count < count else { return found }
    let rarestFirst = try order(pairs)
    for stale in hasStale ? [false, true] : [false] where found.count < count {
      found +=
        pairs.isEmpty
        ? try find(count - found.count, stale: stale, Self.anybodys, [])
        : try find(count - found.count, stale: stale, rarestFirst)
    }
    return found
  }

  /// At most `count` items for anybody, without stale ones.
  ///
  /// - Parameter position: where the search begins; nil: in front.
  func take(_ count: Int, behind position: Position?) throws(StoreError) -> [Found] {
    let start = Self.start(order, behind: cutoff)
    guard let position, position.order > start else {
      return try find(count, stale: false, Self.anybodys, [])
    }
    return try connection.all(
      Self.anybodysBehind,
      [
        .text(pool), .integer(position.order), .instant(cutoff), .integer(count), .integer(0),
        .integer(position.seq),
      ]
    ) { Self.found($0, isStale: false) }
  }

  /// Whether an item that was on the shelf a moment ago may be handed out.
  func offers(_ found: Found) -> Bool {
    found.item.expiresAt.map { $0 > cutoff } ?? true
  }

  /// Whether there are items that were made for a user, whoever it is and expired or not.
  func hasPersonal() throws(StoreError) -> Bool {
    try connection.first(
      """
      SELECT 1 FROM items WHERE pool = ? AND state = 'available' AND made_for IS NOT NULL
      LIMIT 1
      """, [.text(pool)]
    ) { _ in true } ?? false
  }

  private func values(_ count: Int, stale: Bool) -> [SQLValue] {
    [
      .text(pool), .integer(Self.start(order, behind: cutoff)), .instant(cutoff),
      .integer(count), .integer(stale ? 1 : 0),
    ]
  }

  private func findOwn(
    _ count: Int, stale: Bool, user: String, _ match: Match?
  ) throws(StoreError) -> [Found] {
    guard let match else {
      return try find(count, stale: stale, Self.own, [.text(user)])
    }
    // A user's own items are few: they are looked through.
    return try find(count, stale: stale, Self.ownMatching, [.text(user), .text(match.text)])
  }

  private static let own = search("made_for = ?6")
  private static let ownMatching = search(
    """
    made_for = ?6 AND NOT EXISTS (
      SELECT 1 FROM json_each(?7) wanted WHERE NOT EXISTS (
        SELECT 1 FROM json_each(items.attributes) has
        WHERE has.key = wanted.key AND has.value = wanted.value
          AND (has.type IN ('true', 'false')) = (wanted.type IN ('true', 'false'))))
    """)
  private static let anybodys = search(isAnybodys)
  private static let isAnybodys = "made_for IS NULL AND seq NOT IN (SELECT item FROM grants)"
  private static let anybodysBehind = search(
    isAnybodys, from: "(shelf_order, seq) > (?2, ?6)")

  /// The unary plus keeps SQLite from looking at the value itself, to find out whether it allows
  /// the index of stale items: it would compile the statement anew for every search.
  private static func search(
    _ condition: String, from start: String = "shelf_order > ?2"
  ) -> String {
    """
    SELECT seq, id, key, payload, attributes, produced_at, expires_at, shelf_order FROM items
    WHERE pool = ?1 AND state = 'available' AND \(condition) AND stale = +?5
      AND \(start) AND (expires_at IS NULL OR expires_at > ?3)
    ORDER BY shelf_order, seq LIMIT ?4
    """
  }

  private func find(
    _ count: Int, stale: Bool, _ search: String, _ more: [SQLValue]
  ) throws(StoreError) -> [Found] {
    try connection.all(search, values(count, stale: stale) + more) {
      Self.found($0, isStale: stale)
    }
  }

  /// Goes through the items of the first name's value and looks the others up.
  private func find(
    _ count: Int, stale: Bool, _ pairs: [(name: String, value: AttributeValue)]
  ) throws(StoreError) -> [Found] {
    let others = pairs.indices.dropFirst().map { index in
      """
       AND EXISTS (
        SELECT 1 FROM shelf_attributes b
        WHERE b.pool = ?1 AND b.name = ?\(6 + 2 * index) AND b.value = ?\(7 + 2 * index)
          AND b.stale = ?5 AND b.shelf_order = a.shelf_order AND b.seq = a.seq)
      """
    }
    return try connection.all(
      """
      SELECT i.seq, i.id, i.key, i.payload, i.attributes, i.produced_at, i.expires_at, i.shelf_order
      FROM shelf_attributes a CROSS JOIN items i ON i.seq = a.seq
      WHERE a.pool = ?1 AND a.name = ?6 AND a.value = ?7 AND a.stale = ?5
        AND a.shelf_order > ?2\(others.joined())
        AND (i.expires_at IS NULL OR i.expires_at > ?3) AND i.state = 'available'
      ORDER BY a.shelf_order, a.seq LIMIT ?4
      """,
      values(count, stale: stale) + pairs.flatMap { [.text($0.name), .attribute($0.value)] }
    ) { Self.found($0, isStale: stale) }
  }

  /// How far the items of a name's value are counted, to find the rarest.
  private static let counted = 200

  /// The pairs, the one of the fewest items first, as far as these are counted.
  private func order(
    _ pairs: [(name: String, value: AttributeValue)]
  ) throws(StoreError) -> [(name: String, value: AttributeValue)] {
    guard pairs.count > 1 else { return pairs }
    var pairs = pairs
    var (rarest, fewest) = (0, Int.max)
    for (index, pair) in pairs.enumerated() {
      let count =
        try connection.first(
          """
          SELECT count(*) FROM (
            SELECT 1 FROM shelf_attributes WHERE pool = ? AND name = ? AND value = ? LIMIT ?)
          """,
          [.text(pool), .text(pair.name), .attribute(pair.value), .integer(Self.counted)]
        ) { $0.int(0) } ?? 0
      if count < fewest { (rarest, fewest) = (index, count) }
    }
    pairs.swapAt(0, rarest)
    return pairs
  }

  private static func found(_ row: Row, isStale: Bool) -> Found {
    Found(
      seq: row.int64(0),
      item: Item(
        id: row.text(1), key: row.optionalText(2), payload: row.text(3),
        attributes: row.optionalText(4), producedAt: row.instant(5),
        expiresAt: row.optionalInstant(6)),
      isStale: isStale, order: row.int64(7))
  }

  /// Below which `shelf_order` no item can be handed out. With FEFO the expired items stand first:
  /// a search begins behind them, but never behind those without expiry, which stand last.
  static func start(_ order: ClaimPolicy.Order, behind cutoff: Instant) -> Int64 {
    switch order {
    case .fefo: min(cutoff.milliseconds, .max - 1)
    case .fifo: -1
    }
  }

  /// What `items.shelf_order` holds: claims take the lowest first.
  static func order(of expiresAt: Instant?, _ order: ClaimPolicy.Order) -> Int64 {
    switch order {
    case .fefo: expiresAt?.milliseconds ?? .max
    case .fifo: 0
    }
  }
}
