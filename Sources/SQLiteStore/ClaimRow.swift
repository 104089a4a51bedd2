import Larder

/// What each claim has of its own.
struct ClaimHead {
  var seq: Int64
  var id: String
  var user: String
  var key: String?
}

extension RowWriter {
  /// Writes a claim's row: an INSERT whose first values are the head's, in its order.
  ///
  /// - Parameter more: binds the values between the head and what is shared.
  func insert(
    _ head: ClaimHead, _ shared: Shared, _ more: (Statement) -> Void = { _ in }
  ) throws(StoreError) {
    try write(shared) { statement in
      var (id, user, key) = (head.id, head.user, head.key ?? "")
      return id.withUTF8 { id in
        user.withUTF8 { user in
          key.withUTF8 { key in
            statement.bind(head.seq, at: 1)
            statement.bind(inPlace: id, at: 2)
            statement.bind(inPlace: user, at: 3)
            statement.bind(inPlace: head.key == nil ? nil : key, at: 4)
            more(statement)
            return statement.step()
          }
        }
      }
    }
  }
}

/// The row of a claim in its table.
struct ClaimRow: SharedColumns {
  var pool: String
  var principal: String
  var fingerprint: String
  var state: ClaimState
  var count: Int
  var claimedAt: Instant
  var hold: Duration?
  var holdExpiresAt: Instant?
  var line: Line
  var timeoutAt: Instant?

  static let statement = """
    INSERT INTO settled_claims (seq, id, user, key, pool, principal, fingerprint, state, count,
      claimed_at, hold_ms, hold_expires_at, match, match_head, min_remaining_ms, timeout_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
    """
  static let firstValue: Int32 = 5

  var values: [SQLValue] {
    [
      .text(pool), .text(principal), .text(fingerprint), .text(state.rawValue), .integer(count),
      .instant(claimedAt), hold.map { .duration($0) } ?? .null, .optional(holdExpiresAt),
      .text(line.match), .text(line.head), .duration(line.minRemaining), .optional(timeoutAt),
    ]
  }

  static func == (one: ClaimRow, other: ClaimRow) -> Bool {
    one.count == other.count && one.state == other.state && one.claimedAt == other.claimedAt
      && one.hold == other.hold && one.holdExpiresAt == other.holdExpiresAt
      && one.timeoutAt == other.timeoutAt && one.line == other.line && one.pool == other.pool
      && one.principal.hasBytes(of: other.principal)
      && one.fingerprint.hasBytes(of: other.fingerprint)
  }
}
