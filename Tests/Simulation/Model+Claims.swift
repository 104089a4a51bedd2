import Larder

/// What claims have to be answered.
extension Model {
  /// Compares the answer of a claim with what it had to be, and takes it over.
  mutating func follow(
    _ request: ClaimRequest, _ outcome: ClaimOutcome, at now: Instant
  ) throws(Violation) {
    guard let pool = pools[request.pool] else {
      return try same(outcome, .unknownPool, "answer", "\(request)")
    }
    let key = (request.key ?? (pool.claims.perUser == 1 ? "" : nil)).map {
      ClaimKey(pool: request.pool, user: request.user, key: $0)
    }
    if let key, let number = bound[key] {
      let isSame = claims[number].request.fingerprint == request.fingerprint
      return try same(
        outcome, isSame ? .repeated(claims[number].claim) : .keyReused, "same key, same answer",
        "\(request)")
    }
    if pool.claims.perUser > 0 {
      let has = claims.reduce(0) {
        $0
          + ($1.claim.pool == request.pool && $1.claim.user == request.user
            ? $1.claim.items.count : 0)
      }
      if has + request.count > pool.claims.perUser {
        return try same(outcome, .userLimit(pool.claims.perUser), "per_user", "\(request)")
      }
    }
    let wanted = choose(request, pool, at: now)
    guard wanted.count == request.count else {
      return try same(outcome, .outOfStock, "answer", "\(request)")
    }
    guard case .granted(let claim) = outcome else {
      throw Violation(check: "answer", detail: "\(request) got \(outcome) with items there")
    }
    try grant(claim, to: request, key, wanted, at: now)
  }

  /// The rows that a claim has to get, in the order of its answer.
  private func choose(_ request: ClaimRequest, _ pool: Pool, at now: Instant) -> [Int] {
    // What is made for the user first, and stale items last.
    func rank(_ row: Int) -> (Int, Int64, Int) {
      let (order, place) = place(row, pool)
      return ((items[row].user == nil ? 2 : 0) + (items[row].isStale ? 1 : 0), order, place)
    }
    let mine = claimable(pool, at: now, remaining: request.minRemaining).filter {
      items[$0].user == nil || items[$0].user == request.user
    }
    return mine.sorted { rank($0) < rank($1) }.prefix(request.count).sorted()
  }

  private mutating func grant(
    _ claim: Claim, to request: ClaimRequest, _ key: ClaimKey?, _ wanted: [Int], at now: Instant
  ) throws(Violation) {
    for item in claim.items {
      let row = rows[item.id] ?? -1
      try check(row >= 0, "answer", "item \(item.id) is unknown")
      try check(
        items[row].claim == nil, "one claim an item",
        "\(item.id) of \(items[row].claim ?? "") was given to \(claim.id)")
      let cutoff =
        now
        + max(
          pools[request.pool]?.claims.minRemaining ?? .zero,
          request.minRemaining ?? .zero)
      try check(
        item.expiresAt.map { $0 > cutoff } ?? true, "no expired item",
        "\(item.id) with \(item.expiresAt.map(RFC3339.format) ?? "")")
      try same(item.payload, items[row].payload, "payload", item.id)
      try same(item.key, items[row].key, "answer", item.id)
      try same(item.expiresAt, items[row].expiresAt, "answer", item.id)
    }
    try same(claim.items.map(\.id), wanted.map { items[$0].id }, "order", "\(request)")
    try same(claim.pool, request.pool, "answer")
    try same(claim.user, request.user, "answer")
    try same(claim.claimedAt, now, "answer")
    for row in wanted {
      move(row, to: .claimed)
      items[row].claim = claim.id
    }
    if let key { bound[key] = claims.count }
    claims.append(Answered(request: request, claim: claim))
  }
}
