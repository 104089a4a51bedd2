import Larder

/// A claim that was granted and is in no table but `grants` yet.
struct Grant {
  var claim: Claim
  var principal: String
  var key: String?
  var fingerprint: String
}

/// Grants that are on disk and wait to be settled, and those of the present transaction.
struct Unsettled {
  /// By the claims' places, ascending: those that are on disk, then those of the present transaction.
  private var grants: [(seq: Int64, grant: Grant)] = []
  /// How many of them are on disk.
  private var committed = 0
  /// How many of them the present transaction settles.
  private var settled = 0
  /// Items of the grants that are on disk.
  private(set) var items = 0
  /// Bytes of their payloads.
  private(set) var bytes = 0

  /// What the grants come to that are on disk.
  private var waiting = GrantTally()
  /// What those of the present transaction come to that it does not settle, and those that it does.
  private var fresh = GrantTally()
  private var past = GrantTally()

  /// Reads what a crash left behind.
  init(_ connection: Connection) throws(StoreError) {
    let found = try connection.all(
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
    for (seq, one) in found {
      var grant = one
      grant.claim.items = try Rows.items(of: grant.claim.id, connection)
      add(grant, at: seq)
    }
    commit()
  }

  /// Whether grants wait that the present transaction has not settled.
  var isEmpty: Bool { settled == grants.count }

  subscript(seq: Int64) -> Grant? {
    var (low, high) = (settled, grants.count)
    while low < high {
      let middle = (low + high) / 2
      if grants[middle].seq < seq { low = middle + 1 } else { high = middle }
    }
    return low < grants.count && grants[low].seq == seq ? grants[low].grant : nil
  }

  /// - Parameter seq: greater than those before it.
  mutating func add(_ grant: Grant, at seq: Int64) {
    grants.append((seq, grant))
    fresh.add(grant.claim)
  }

  /// What the grants come to that wait.
  var tally: GrantTally {
    var tally = settled > 0 ? GrantTally() : waiting
    tally.add(fresh)
    return tally
  }

  /// What the present transaction granted.
  var granted: GrantTally {
    guard !past.isEmpty else { return fresh }
    var granted = past
    granted.add(fresh)
    return granted
  }

  /// All of them are in the tables, once the present transaction is committed.
  mutating func settle() {
    settled = grants.count
    past.add(fresh)
    fresh = GrantTally()
  }

  mutating func commit() {
    if settled > 0 {
      grants.removeFirst(settled)
      (committed, items, bytes) = (0, 0, 0)
      waiting = GrantTally()
    }
    for (_, grant) in grants[committed...] {
      items += grant.claim.items.count
      for item in grant.claim.items { bytes += item.payload.utf8.count }
    }
    waiting.add(fresh)
    committed = grants.count
    rollBack()
  }

  /// Nothing of the present transaction was kept.
  mutating func rollBack() {
    grants.removeLast(grants.count - committed)
    settled = 0
    fresh = GrantTally()
    past = GrantTally()
  }
}
