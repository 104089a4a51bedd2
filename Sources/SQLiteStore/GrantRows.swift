import Larder

/// The row of a granted claim's first item, in `grants`.
struct GrantRow: SharedColumns {
  var pool: String
  var principal: String
  var fingerprint: String
  var grantedAt: Instant
  var count: Int
  var minRemaining: Duration

  static let statement = """
    INSERT INTO grants (seq, claim, user, key, item, has_attributes, pool, principal, fingerprint,
      granted_at, count, min_remaining_ms)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
    """
  static let firstValue: Int32 = 7

  var values: [SQLValue] {
    [
      .text(pool), .text(principal), .text(fingerprint), .instant(grantedAt), .integer(count),
      .duration(minRemaining),
    ]
  }

  static func == (one: GrantRow, other: GrantRow) -> Bool {
    one.grantedAt == other.grantedAt && one.count == other.count
      && one.minRemaining == other.minRemaining && one.pool == other.pool
      && one.principal.hasBytes(of: other.principal)
      && one.fingerprint.hasBytes(of: other.fingerprint)
  }
}

/// Writes the rows of `grants`: one for each item of a claim.
struct GrantRows {
  private let connection: Connection
  private let first: RowWriter<GrantRow>

  init(_ connection: Connection) throws(StoreError) {
    self.connection = connection
    first = try RowWriter(connection)
  }

  func insert(
    _ head: ClaimHead, _ shared: GrantRow, _ items: [Shelf.Found]
  ) throws(StoreError) {
    for (index, found) in items.enumerated() {
      let hasAttributes: Int64 = found.item.attributes == nil ? 0 : 1
      if index == 0 {
        try first.insert(head, shared) { statement in
          statement.bind(found.seq, at: 5)
          statement.bind(hasAttributes, at: 6)
        }
      } else {
        try connection.run(
          """
          INSERT INTO grants (item, seq, claim, has_attributes, pool, granted_at)
          VALUES (?, ?, ?, ?, ?, ?)
          """,
          [
            .integer(found.seq), .integer(head.seq), .text(head.id), .integer(hasAttributes),
            .text(shared.pool), .instant(shared.grantedAt),
          ])
      }
    }
  }
}
