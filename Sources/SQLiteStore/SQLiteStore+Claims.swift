import Larder

extension SQLiteStore {
  package func decide(
    _ orders: [ClaimOrder], at now: Instant
  ) throws(StoreError) -> [ClaimOutcome] {
    try transaction { () throws(StoreError) in
      var outcomes: [ClaimOutcome] = []
      outcomes.reserveCapacity(orders.count)
      for order in orders {
        switch order {
        case .request(let request): outcomes.append(try decide(request, at: now))
        case .change: throw .failed("stub")
        }
      }
      return outcomes
    }
  }

  private func decide(
    _ request: ClaimRequest, at now: Instant
  ) throws(StoreError) -> ClaimOutcome {
    guard let pool = inForce[request.pool] else { return .unknownPool }
    let policy = pool.claims
    // Where a user may have one item, asking again without a key is the same request.
    let key = request.key ?? (policy.perUser == 1 ? "" : nil)
    if let key, let earlier = try earlierClaim(request, key: key) { return earlier }
    if policy.perUser > 0 {
      let has = try itemsOf(user: request.user, pool: request.pool)
      if has + request.count > policy.perUser { return .userLimit(policy.perUser) }
    }
    let remaining = max(policy.minRemaining, request.minRemaining ?? .zero)
    let shelf = Shelf(pool: pool, cutoff: now + remaining, connection: connection)
    let items = try shelf.take(request.count, for: request.user)
    guard items.count == request.count else {
      demand.add(.miss(request.count), in: request.pool, at: now)
      return .outOfStock
    }
    demand.add(.hit(request.count), in: request.pool, at: now)
    return .granted(try grant(items, to: request, key: key, at: now))
  }

  /// The claim that bound the key, if it was bound.
  private func earlierClaim(
    _ request: ClaimRequest, key: String
  ) throws(StoreError) -> ClaimOutcome? {
    let found = try connection.first(
      """
      SELECT \(Rows.claimColumns), fingerprint FROM claims
      WHERE user = ? AND pool = ? AND principal = ? AND key = ?
      """, [.text(request.user), .text(request.pool), .text(request.principal), .text(key)]
    ) { row in (claim: Rows.claim(row), fingerprint: row.text(6)) }
    guard var found else { return nil }
    guard found.fingerprint == request.fingerprint else { return .keyReused }
    found.claim.items = try Rows.items(of: found.claim.id, connection)
    return .repeated(found.claim)
  }

  private func itemsOf(user: String, pool: String) throws(StoreError) -> Int {
    try connection.first(
      """
      SELECT coalesce(sum(count), 0) FROM claims
      WHERE user = ? AND pool = ? AND state IN ('pending', 'held', 'claimed')
      """, [.text(user), .text(pool)]
    ) { $0.int(0) } ?? 0
  }

  private func grant(
    _ items: [Shelf.Found], to request: ClaimRequest, key: String?, at now: Instant
  ) throws(StoreError) -> Claim {
    let id = ids.next(at: now)
    try connection.run(
      """
      INSERT INTO claims (id, pool, principal, user, key, fingerprint, state, count, claimed_at)
      VALUES (?, ?, ?, ?, ?, ?, 'claimed', ?, ?)
      """,
      [
        .text(id), .text(request.pool), .text(request.principal), .text(request.user),
        .optional(key), .text(request.fingerprint), .integer(items.count), .instant(now),
      ])
    for found in items {
      try connection.run(
        "UPDATE inventory SET state = 'claimed', claim = ?, claimed_at = ? WHERE seq = ?",
        [.text(id), .instant(now), .integer(found.seq)])
    }
    changes.move(items.count, from: .available, to: .claimed, in: request.pool)
    return Claim(
      id: id, pool: request.pool, user: request.user, state: .claimed, claimedAt: now,
      items: items.sorted { $0.seq < $1.seq }.map(\.item))
  }
}
