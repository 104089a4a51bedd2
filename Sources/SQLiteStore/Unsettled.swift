import Larder

/// A claim that was granted and is in no table but `grants` yet.
struct Grant {
  var claim: Claim
  var principal: String
  var key: String?
  var fingerprint: String
}

/// Grants that are on disk and wait to be settled, and those of the present transaction, by the
/// claims' places.
struct Unsettled {
  private var committed: [Int64: Grant] = [:]
  private var fresh: [(seq: Int64, grant: Grant)] = []
  /// Whether the present transaction settles all that came before.
  private var isSettling = false
  /// Items of the grants that are committed.
  private(set) var items = 0
  /// Bytes of their payloads.
  private(set) var bytes = 0
  /// How many items of each pool the present transaction granted, and the first expiry of them.
  private(set) var granted: [String: (items: Int, expiry: Instant?)] = [:]

  /// Reads what a crash left behind.
  init(_ connection: Connection) throws(StoreError) {
    let grants = try connection.all(
      """
      SELECT seq, claim, pool, user, granted_at, principal, key, fingerprint FROM grants
      WHERE count > 0 ORDER BY seq
      """
    ) { row in
      (
        seq: row.int64(0),
        grant: Grant(
          claim: Claim(
            id: row.text(1), pool: row.text(2), user: row.text(3), state: .claimed,
            claimedAt: row.instant(4), items: []),
          principal: row.text(5), key: row.optionalText(6), fingerprint: row.text(7))
      )
    }
    for (seq, found) in grants {
      var grant = found
      grant.claim.items = try Rows.items(of: grant.claim.id, connection)
      keep(grant, at: seq)
    }
  }

  /// Whether grants wait that the present transaction has not settled.
  var isEmpty: Bool { (committed.isEmpty || isSettling) && fresh.isEmpty }

  subscript(seq: Int64) -> Grant? {
    if let first = fresh.first?.seq, seq >= first {
      return fresh.first { $0.seq == seq }?.grant
    }
    return isSettling ? nil : committed[seq]
  }

  mutating func add(_ grant: Grant, at seq: Int64) {
    fresh.append((seq, grant))
    var granted = self.granted.removeValue(forKey: grant.claim.pool) ?? (0, nil)
    granted.items += grant.claim.items.count
    for case let expiry? in grant.claim.items.map(\.expiresAt) {
      granted.expiry = min(expiry, granted.expiry ?? expiry)
    }
    self.granted[grant.claim.pool] = granted
  }

  /// All of them are in the tables, once the present transaction is committed.
  mutating func settle() {
    isSettling = true
    fresh = []
  }

  mutating func commit() {
    if isSettling {
      committed = [:]
      items = 0
      bytes = 0
    }
    for (seq, grant) in fresh { keep(grant, at: seq) }
    rollBack()
  }

  private mutating func keep(_ grant: Grant, at seq: Int64) {
    committed[seq] = grant
    items += grant.claim.items.count
    bytes += grant.claim.items.reduce(0) { $0 + $1.payload.utf8.count }
  }

  /// Nothing of the present transaction was kept.
  mutating func rollBack() {
    isSettling = false
    fresh.removeAll(keepingCapacity: true)
    granted.removeAll(keepingCapacity: true)
  }
}
