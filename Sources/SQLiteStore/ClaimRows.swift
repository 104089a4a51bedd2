import CSQLite
import Larder

/// What each claim has of its own.
struct ClaimHead {
  var seq: Int64
  var id: String
  var user: String
  var key: String?
}

/// What a claim's row has besides its head, of which most comes again in the next one.
protocol SharedColumns: Equatable {
  /// An INSERT whose first values are the head's, in its order, and whose last are `values`.
  static var insertion: String { get }
  /// The place of the first of `values`.
  static var firstValue: Int32 { get }
  var values: [SQLValue] { get }
}

/// Writes rows of claims. Mostly claims that come one after the other share their pool, their time and
/// more: what is the same stays bound, and the rest is not copied.
final class ClaimRows<Shared: SharedColumns> {
  private let connection: Connection
  private let statement: Statement
  /// What is bound to it.
  private var bound: Shared?

  init(_ connection: Connection) throws(StoreError) {
    self.connection = connection
    statement = try connection.prepare(Shared.insertion)
  }

  /// - Parameter more: binds the values between the head and what is shared.
  func insert(
    _ head: ClaimHead, _ shared: Shared, _ more: (Statement) -> Void = { _ in }
  ) throws(StoreError) {
    try connection.perform { () throws(SQLiteFailure) in
      if bound != shared { try bind(shared) }
      var (id, user, key) = (head.id, head.user, head.key ?? "")
      let code = id.withUTF8 { id in
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
      try statement.check(code)
    }
  }

  private func bind(_ shared: Shared) throws(SQLiteFailure) {
    bound = nil
    for (index, value) in shared.values.enumerated() {
      try statement.bind(value, Int32(index) + Shared.firstValue)
    }
    bound = shared
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

  static let insertion = """
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
