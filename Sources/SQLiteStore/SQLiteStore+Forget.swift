import Larder

extension SQLiteStore {
  package func forget(
    user: String, at now: Instant, limit: Int
  ) throws(StoreError) -> Piece {
    try transaction { () throws(StoreError) in
      let found = try connection.all(
        """
        SELECT \(ClaimRecord.columns) FROM claims
        WHERE user = ? AND state <> 'forgotten' ORDER BY seq LIMIT ?
        """, [.text(user), .integer(limit + 1)], ClaimRecord.init)
      var openings: [String: Openings] = [:]
      var done = 0
      var heldItems = 0
      for var claim in found.prefix(limit) {
        if claim.state == .held { heldItems += claim.count }
        guard done == 0 || heldItems <= Limits.itemsBeside else { break }
        try forget(&claim, &openings, at: now)
        done += 1
      }
      for (pool, openings) in openings.sorted(by: { $0.key < $1.key }) {
        try fill(try definition(of: pool), openings, at: now)
      }
      return Piece(done: done, more: done < found.count)
    }
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
