import CSQLite
import Larder

/// Writes the rows of `grants`. Mostly claims that come one after the other share their pool, their time
/// and more: what is the same stays bound, and the rest is not copied.
final class GrantRows {
  /// What the row of a claim's first item has, besides the item.
  struct Head {
    var seq: Int64
    var id: String
    var user: String
    var key: String?
    var shared: Shared
  }

  /// What claims mostly have in common.
  struct Shared: Equatable {
    var pool: String
    var principal: String
    var fingerprint: String
    var grantedAt: Instant
    var count: Int
    var minRemaining: Duration
  }

  private let connection: Connection
  private let first: Statement
  /// What is bound to it.
  private var bound: Shared?

  init(_ connection: Connection) throws(StoreError) {
    self.connection = connection
    first = try connection.prepare(
      """
      INSERT INTO grants (item, seq, has_attributes, claim, user, key, pool, principal, fingerprint,
        granted_at, count, min_remaining_ms)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
      """)
  }

  func insert(_ head: Head, _ items: [Shelf.Found]) throws(StoreError) {
    for (index, found) in items.enumerated() {
      if index == 0 {
        try insert(head, found)
      } else {
        try connection.run(
          """
          INSERT INTO grants (item, seq, claim, has_attributes, pool, granted_at)
          VALUES (?, ?, ?, ?, ?, ?)
          """,
          [
            .integer(found.seq), .integer(head.seq), .text(head.id),
            .integer(found.item.attributes == nil ? 0 : 1), .text(head.shared.pool),
            .instant(head.shared.grantedAt),
          ])
      }
    }
  }

  private func insert(_ head: Head, _ found: Shelf.Found) throws(StoreError) {
    try connection.perform { () throws(SQLiteFailure) in
      if bound != head.shared { try bind(head.shared) }
      var (id, user, key) = (head.id, head.user, head.key ?? "")
      let code = id.withUTF8 { id in
        user.withUTF8 { user in
          key.withUTF8 { key in
            first.bind(found.seq, at: 1)
            first.bind(head.seq, at: 2)
            first.bind(found.item.attributes == nil ? 0 : 1, at: 3)
            first.bind(inPlace: id, at: 4)
            first.bind(inPlace: user, at: 5)
            first.bind(inPlace: head.key == nil ? nil : key, at: 6)
            return first.step()
          }
        }
      }
      try first.check(code)
    }
  }

  private func bind(_ shared: Shared) throws(SQLiteFailure) {
    bound = nil
    let values: [SQLValue] = [
      .text(shared.pool), .text(shared.principal), .text(shared.fingerprint),
      .instant(shared.grantedAt), .integer(shared.count), .duration(shared.minRemaining),
    ]
    for (index, value) in values.enumerated() { try first.bind(value, Int32(index + 7)) }
    bound = shared
  }
}
