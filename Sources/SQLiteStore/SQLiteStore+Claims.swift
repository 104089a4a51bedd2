import Larder

extension SQLiteStore {
  package func decide(
    _ orders: [ClaimOrder], at now: Instant
  ) throws(StoreError) -> [ClaimOutcome] {
    try transactUnsettled { () throws(StoreError) in
      try boundUnsettled()
      var outcomes: [ClaimOutcome] = []
      outcomes.reserveCapacity(orders.count)
      var bytes = 0
      for index in orders.indices {
        let outcome: ClaimOutcome
        switch orders[index] {
        case .request(let request):
          outcome = try decide(
            request, wanted: { Self.itemsWanted(of: request.pool, orders[index...]) }, at: now)
        case .change(let claim, let command):
          try settleWithin()
          ahead.forget()
          lines.forgetTaken()
          outcome = try change(claim, command, at: now)
        }
        outcomes.append(outcome)
        bytes += outcome.payloadBytes
        if bytes >= Limits.claimBatchBytes { break }
      }
      return outcomes
    }
  }

  /// How many items orders ask for of a pool's shelf.
  private static func itemsWanted(of pool: String, _ orders: ArraySlice<ClaimOrder>) -> Int {
    var wanted = 0
    for case .request(let request) in orders where request.pool == pool && request.match == nil {
      wanted += request.count
    }
    return wanted
  }

  private func decide(
    _ request: ClaimRequest, wanted: () -> Int, at now: Instant
  ) throws(StoreError) -> ClaimOutcome {
    // Where it is, and not the whole of it, which is large.
    guard let place = inForce.index(forKey: request.pool) else { return .unknownPool }
    let policy = inForce.values[place].claims
    // Where a user may have one item, asking again without a key is the same request.
    var key = request.key ?? (policy.perUser == 1 ? "" : nil)
    #if MUTANTS
      if Mutant.current == .noUniqueness { key = nil }
    #endif
    let trace = claimIndex.trace(of: request.user)
    if let key, let earlier = try earlierClaim(request, key: key, trace, at: now) { return earlier }
    if request.hold != nil, policy.hold == .zero { return .noHolds }
    if policy.perUser > 0 {
      let has = try itemsOf(user: request.user, pool: request.pool, trace, at: now)
      if has + request.count > policy.perUser { return .userLimit(policy.perUser) }
    }
    let line = Line(
      request.match, minRemaining: max(policy.minRemaining, request.minRemaining ?? .zero))
    let (items, isAhead) = try find(
      request, line, policy, trace, wanted: wanted, at: now)
    guard items.count == request.count else {
      return try miss(request, key: key, inForce.values[place], line, at: now)
    }
    guard request.hold != nil || !isAhead else {
      return .granted(try grant(items, to: request, key: key, trace, line, at: now))
    }
    demand.add(.hit(request.count), in: request.pool, at: now)
    let hold = request.hold.map { min($0, policy.hold) }
    let state: ClaimState = hold == nil ? .claimed : .held
    let claim = try insert(request, key: key, state, hold: hold, line, timeoutAt: nil, at: now)
    return .granted(try give(items, to: claim, at: now))
  }

  /// The items that a request gets, and whether they come from those that were read ahead; fewer than
  /// it asks for where it is missed.
  private func find(
    _ request: ClaimRequest, _ line: Line, _ policy: ClaimPolicy, _ trace: ClaimIndex.Trace,
    wanted: () -> Int, at now: Instant
  ) throws(StoreError) -> (items: [Shelf.Found], isAhead: Bool) {
    let shelf = Shelf(
      pool: request.pool, order: policy.order, cutoff: now + line.minRemaining,
      hasStale: hasStale(request.pool), connection: connection)
    guard let part = try reach(of: request, line, shelf, at: now) else { return ([], false) }
    if part == .all, line.match.isEmpty, line.minRemaining == policy.minRemaining {
      let read = try ahead.take(for: request, wanted: wanted, shelf)
      if let read { return (read, true) }
    }
    // It may take what was read ahead.
    try settleWithin()
    ahead.forget()
    let items = try shelf.take(request.count, for: request.user, request.match, from: part)
    if part == .own, items.count == request.count, !trace.isEmpty,
      try waits(request.user, line, in: request.pool, trace, at: now)
    {
      return ([], false)
    }
    return (items, false)
  }

  /// Grants a plain claim its items, which are on the shelf: a row for each is all that is written
  /// now.
  private func grant(
    _ items: [Shelf.Found], to request: ClaimRequest, key: String?, _ trace: ClaimIndex.Trace,
    _ line: Line, at now: Instant
  ) throws(StoreError) -> Claim {
    missMemory.forgetAvailable(in: request.pool)
    let id = ids.next(at: now)
    let seq = claimIndex.nextSeq
    let fingerprint = request.fingerprint
    let shared = GrantRow(
      pool: request.pool, principal: request.principal, fingerprint: fingerprint, grantedAt: now,
      count: items.count, minRemaining: line.minRemaining)
    try grantRows.insert(
      ClaimHead(seq: seq, id: id, user: request.user, key: key), shared, items)
    claimIndex.note(
      seq: seq, trace, pool: request.pool, principal: request.principal, key: key)
    let claim = Claim(
      id: id, pool: request.pool, user: request.user, state: .claimed, claimedAt: now,
      items: items.count == 1
        ? [items[0].item] : items.sorted { $0.seq < $1.seq }.map(\.item))
    unsettled.add(
      Grant(
        claim: claim, principal: request.principal, key: key, fingerprint: fingerprint), at: seq)
    return claim
  }

  private static let earlier: String = {
    #if MUTANTS
      if Mutant.current == .sharedKeys {
        return """
          SELECT \(ClaimRecord.columns), fingerprint FROM settled_claims
          WHERE seq = ? AND user = ? AND pool = ? AND ? <> '' AND key = ?
          """
      }
    #endif
    return """
      SELECT \(ClaimRecord.columns), fingerprint FROM settled_claims
      WHERE seq = ? AND user = ? AND pool = ? AND principal = ? AND key = ?
      """
  }()

  /// The claim that bound the key, if it was bound.
  private func earlierClaim(
    _ request: ClaimRequest, key: String, _ trace: ClaimIndex.Trace, at now: Instant
  ) throws(StoreError) -> ClaimOutcome? {
    let seqs = try claimIndex.claims(
      ofKey: key, request.principal, pool: request.pool, trace)
    for seq in seqs {
      if let grant = unsettled[seq] {
        var isPrincipals = grant.principal == request.principal
        #if MUTANTS
          if Mutant.current == .unreadGrants { continue }
          if Mutant.current == .sharedKeys { isPrincipals = true }
        #endif
        guard
          isPrincipals, grant.key == key, grant.claim.user == request.user,
          grant.claim.pool == request.pool
        else { continue }
        guard grant.fingerprint == request.fingerprint else { return .keyReused }
        return .repeated(grant.claim)
      }
      let found = try connection.first(
        Self.earlier,
        [
          .integer(seq), .text(request.user), .text(request.pool), .text(request.principal),
          .text(key),
        ]
      ) { row in (claim: ClaimRecord(row), fingerprint: row.text(ClaimRecord.width)) }
      guard let found else { continue }
      guard found.fingerprint == request.fingerprint else { return .keyReused }
      return .repeated(try show(found.claim, at: now))
    }
    return nil
  }

  /// A claim as answers show it.
  func show(_ record: ClaimRecord, at now: Instant) throws(StoreError) -> Claim {
    var claim = try record.claim(at: now, connection)
    if claim.state == .pending { claim.position = try record.position(connection) }
    return claim
  }

  private func itemsOf(
    user: String, pool: String, _ trace: ClaimIndex.Trace, at now: Instant
  ) throws(StoreError) -> Int {
    guard !trace.isEmpty else { return 0 }
    var items = 0
    for seq in try claimIndex.claims(trace) {
      if let claim = unsettled[seq]?.claim {
        if claim.user == user, claim.pool == pool { items += claim.items.count }
        continue
      }
      items +=
        try connection.first(
          """
          SELECT count FROM settled_claims
          WHERE seq = ?1 AND user = ?2 AND pool = ?3 AND (state = 'claimed'
            OR state = 'held' AND hold_expires_at > ?4 OR state = 'pending' AND timeout_at > ?4)
          """, [.integer(seq), .text(user), .text(pool), .instant(now)]
        ) { $0.int(0) } ?? 0
    }
    return items
  }

  /// What comes of a request that finds too few items.
  private func miss(
    _ request: ClaimRequest, key: String?, _ pool: Pool, _ line: Line, at now: Instant
  ) throws(StoreError) -> ClaimOutcome {
    let reason = try missReason(request.count, in: pool, at: now)
    demand.miss(request.count, because: reason, in: pool.name, at: now)
    guard (request.onMiss ?? pool.claims.onMiss) == .backorder, !retired.contains(pool.name),
      waiting(in: pool.name) < Limits.backordersPerPool
    else { return .outOfStock }
    let before = try length(of: line, in: pool.name)
    let record = try insert(
      request, key: key, .pending, hold: request.hold.map { min($0, pool.claims.hold) }, line,
      timeoutAt: now + pool.claims.backorderTimeout, at: now)
    changes.addPending(claims: 1, items: request.count, in: pool.name)
    lines.change(by: 1, line, in: pool.name)
    var claim = try record.claim(at: now, connection)
    if claim.state == .pending, before < Limits.placesInLine { claim.position = before + 1 }
    return .accepted(claim)
  }

  private func insert(
    _ request: ClaimRequest, key: String?, _ state: ClaimState, hold: Duration?, _ line: Line,
    timeoutAt: Instant?, at now: Instant
  ) throws(StoreError) -> ClaimRecord {
    let id = ids.next(at: now)
    let holdExpiresAt = state == .held ? hold.map { now + $0 } : nil
    let seq = claimIndex.nextSeq
    try claimRows.insert(
      ClaimHead(seq: seq, id: id, user: request.user, key: key),
      ClaimRow(
        pool: request.pool, principal: request.principal, fingerprint: request.fingerprint,
        state: state, count: request.count, claimedAt: now, hold: hold,
        holdExpiresAt: holdExpiresAt, line: line, timeoutAt: timeoutAt))
    claimIndex.note(
      seq: seq, user: request.user, pool: request.pool, principal: request.principal, key: key)
    return ClaimRecord(
      seq: seq, id: id, pool: request.pool, user: request.user, state: state,
      count: request.count, claimedAt: now, hold: hold, holdExpiresAt: holdExpiresAt,
      timeoutAt: timeoutAt, line: line)
  }

  private static let givePlain =
    "UPDATE items SET state = ?, claim = ?, claimed_at = ?, room = NULL WHERE seq = ?"
  private static let giveWithAttributes = """
    UPDATE items SET state = ?, claim = ?, claimed_at = ?, room = NULL, shelf_order = shelf_order
    WHERE seq = ?
    """

  /// Makes items from the shelf a claim's, which is held or claimed already.
  func give(
    _ items: [Shelf.Found], to claim: ClaimRecord, at now: Instant
  ) throws(StoreError) -> Claim {
    let state: ItemState = claim.state == .held ? .held : .claimed
    for found in items {
      try connection.run(
        found.item.attributes == nil ? Self.givePlain : Self.giveWithAttributes,
        [
          .text(state.rawValue), .text(claim.id), state == .held ? .null : .instant(now),
          .integer(found.seq),
        ])
    }
    changes.move(items.count, from: .available, to: state, in: claim.pool)
    changes.addStale(-items.count { $0.isStale }, in: claim.pool)
    var given = Claim(
      id: claim.id, pool: claim.pool, user: claim.user, state: claim.state, claimedAt: now,
      items: items.sorted { $0.seq < $1.seq }.map(\.item))
    given.holdExpiresAt = claim.holdExpiresAt
    return given
  }
}
