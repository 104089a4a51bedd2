import Larder

extension SQLiteStore {
  package func forget(
    user: String, at now: Instant, limit: Int
  ) throws(StoreError) -> Piece {
    let (piece, through) = try transaction { () throws(StoreError) in
      let found = try firstClaims(of: user, limit + 1)
      var through: Int64?
      var openings: [String: Openings] = [:]
      var done = 0
      var heldItems = 0
      for var claim in found.prefix(limit) {
        if claim.state == .held { heldItems += claim.count }
        guard done == 0 || heldItems <= Limits.itemsBeside else { break }
        try forget(&claim, &openings, at: now)
        through = claim.seq
        done += 1
      }
      for (pool, openings) in openings.sorted(by: { $0.key < $1.key }) {
        try fill(try definition(of: pool), openings, at: now)
      }
      return (Piece(done: done, more: done < found.count), through)
    }
    if let through { forgotten = (user, through) }
    return piece
  }

  /// The first of a user's claims that are not forgotten.
  private func firstClaims(
    of user: String, _ limit: Int
  ) throws(StoreError) -> [ClaimRecord] {
    let through = forgotten?.user == user ? forgotten?.through ?? 0 : 0
    var found: [ClaimRecord] = []
    for seq in try claimIndex.claims(claimIndex.trace(of: user)).reversed()
    where seq > through && found.count < limit {
      let claim = try connection.first(
        """
        SELECT \(ClaimRecord.columns) FROM settled_claims
        WHERE seq = ? AND user = ? AND state <> 'forgotten'
        """, [.integer(seq), .text(user)], ClaimRecord.init)
      if let claim { found.append(claim) }
    }
    return found
  }

  private func forget(
    _ claim: inout ClaimRecord, _ openings: inout [String: Openings], at now: Instant
  ) throws(StoreError) {
    let pool = try definition(of: claim.pool)
    if claim.state == .pending {
      let end: ClaimState = claim.state(at: now) == .timedOut ? .timedOut : .cancelled
      try self.end(&claim, in: pool, as: end, &openings[pool.name, default: Openings()], at: now)
    } else if claim.state == .held {
      try giveUpItems(
        of: claim, in: pool, restocking: false, &openings[pool.name, default: Openings()], at: now)
    }
    try move(&claim, to: .forgotten, at: now)
    // What was to be told of it has its payloads.
    try dropDeliveries(of: claim.id)
  }

  /// Drops a claim's pushes that wait.
  func dropDeliveries(of claim: String) throws(StoreError) {
    try connection.run("DELETE FROM webhooks WHERE claim = ?", [.text(claim)])
  }
}
