import Larder

extension SQLiteStore {
  /// Carries out a command on a claim, whose time may be found to be over.
  func change(
    _ id: String, _ command: ClaimCommand, at now: Instant
  ) throws(StoreError) -> ClaimOutcome {
    guard var claim = try record(of: id), let pool = inForce[claim.pool] else {
      return .unknownClaim
    }
    var openings = Openings()
    if claim.state(at: now) != claim.state {
      try end(&claim, in: pool, as: claim.state(at: now), &openings, at: now)
    } else if claim.state == command.from {
      switch command {
      case .confirm: try confirm(&claim, at: now)
      case .release: try end(&claim, in: pool, as: .released, &openings, at: now)
      case .cancel: try end(&claim, in: pool, as: .cancelled, &openings, at: now)
      }
    }
    try fill(pool, openings, at: now)
    return claim.state == command.state
      ? .changed(try show(claim, at: now)) : .wrongState(claim.state)
  }

  /// A claim, unless it was forgotten.
  func record(of id: String) throws(StoreError) -> ClaimRecord? {
    try connection.first(
      "SELECT \(ClaimRecord.columns) FROM settled_claims WHERE id = ? AND state <> 'forgotten'",
      [.text(id)], ClaimRecord.init)
  }

  package func lapse(pool: String, at now: Instant, limit: Int) throws(StoreError) -> Int {
    let definition = try definition(of: pool)
    return try transaction { () throws(StoreError) in
      var due = try overdue("hold_expires_at", .held, in: pool, at: now, limit)
      due += try overdue("timeout_at", .pending, in: pool, at: now, limit - due.count)
      var openings = Openings()
      for var claim in due {
        try end(&claim, in: definition, as: claim.state(at: now), &openings, at: now)
      }
      try fill(definition, openings, at: now)
      return due.count
    }
  }

  private func overdue(
    _ column: String, _ state: ClaimState, in pool: String, at now: Instant, _ limit: Int
  ) throws(StoreError) -> [ClaimRecord] {
    try connection.all(
      """
      SELECT \(ClaimRecord.columns) FROM settled_claims
      WHERE pool = ? AND state = '\(state.rawValue)' AND \(column) <= ?
      ORDER BY \(column) LIMIT ?
      """, [.text(pool), .instant(now), .integer(limit)], ClaimRecord.init)
  }

  private func confirm(_ claim: inout ClaimRecord, at now: Instant) throws(StoreError) {
    try connection.run(
      "UPDATE items SET state = 'claimed', claimed_at = ? WHERE claim = ? AND state = 'held'",
      [.instant(now), .text(claim.id)])
    changes.move(connection.changes, from: .held, to: .claimed, in: claim.pool)
    claim.holdExpiresAt = nil
    try move(&claim, to: .claimed, at: now)
  }

  /// Ends a hold or a backorder. What pending claims may get by it is added to the openings: fill
  /// them afterwards.
  ///
  /// - Parameter restocking: whether the items of a hold may go back on the shelf, where the pool
  ///   says so.
  func end(
    _ claim: inout ClaimRecord, in pool: Pool, as state: ClaimState, restocking: Bool = true,
    _ openings: inout Openings, at now: Instant
  ) throws(StoreError) {
    let old = claim.state
    try move(&claim, to: state, at: now)
    if old == .pending {
      openings.add(claim.line)
    } else {
      try giveUpItems(of: claim, in: pool, restocking: restocking, &openings, at: now)
    }
  }

  /// Gives a pending claim its items.
  func fill(
    _ claim: ClaimRecord, with items: [Shelf.Found], at now: Instant
  ) throws(StoreError) {
    var claim = claim
    // The request was a miss, and stays one: its items were missed, and now are claimed.
    demand.add(.fill(claim.count), in: claim.pool, at: claim.claimedAt)
    claim.claimedAt = now
    claim.holdExpiresAt = claim.hold.map { now + $0 }
    try move(&claim, to: claim.hold == nil ? .claimed : .held, at: now)
    try tell(try give(items, to: claim, at: now), at: now)
  }

  /// Keeps a claim's new state, and what else of it changed. Every change of a claim's state comes
  /// by here.
  func move(_ claim: inout ClaimRecord, to state: ClaimState, at now: Instant) throws(StoreError) {
    assert(claim.state.leads(to: state), "\(claim.state) does not lead to \(state)")
    if claim.state == .pending {
      changes.addPending(claims: -1, items: -claim.count, in: claim.pool)
      lines.change(by: -1, claim.line, in: claim.pool)
      resolving.append(claim.id)
    }
    claim.state = state
    let isOver = state != .held && state != .claimed
    try connection.run(
      """
      UPDATE settled_claims SET state = ?, count = ?, claimed_at = ?, hold_expires_at = ?,
        ended_at = coalesce(ended_at, ?) WHERE seq = ?
      """,
      [
        .text(state.rawValue), .integer(claim.count), .instant(claim.claimedAt),
        .optional(claim.holdExpiresAt), isOver ? .instant(now) : .null, .integer(claim.seq),
      ])
  }
}
