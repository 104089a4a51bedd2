import Larder

/// What claims have to be answered.
extension Model {
  /// Compares the answer of a request with what it had to be, and takes it over.
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
        outcome, isSame ? .repeated(shown(number, at: now)) : .keyReused, "same key, same answer",
        "\(request)")
    }
    if request.hold != nil, pool.claims.hold == .zero {
      return try same(outcome, .noHolds, "answer", "\(request)")
    }
    if pool.claims.perUser > 0 {
      if itemsOf(request.user, pool, at: now) + request.count > pool.claims.perUser {
        return try same(outcome, .userLimit(pool.claims.perUser), "per_user", "\(request)")
      }
    }
    var claim = ModelClaim(request: request, key: key?.key, pool: pool, at: now)
    let wanted = reach(claim, at: now).map { take(claim, pool, $0, at: now) } ?? []
    guard wanted.count == request.count else {
      guard (request.onMiss ?? pool.claims.onMiss) == .backorder, !retired.contains(pool.name)
      else { return try same(outcome, .outOfStock, "answer", "\(request)") }
      guard case .accepted(let accepted) = outcome else {
        throw Violation(check: "answer", detail: "\(request) got \(outcome), and may wait")
      }
      claim.id = accepted.id
      claim.state = .pending
      claim.timeoutAt = now + pool.claims.backorderTimeout
      counts[pool.name, default: Stock()].pending += claim.count
      append(claim, key)
      return try same(accepted, shown(claims.count - 1, at: now), "answer", "a backorder")
    }
    guard case .granted(let granted) = outcome else {
      throw Violation(check: "answer", detail: "\(request) got \(outcome) with items there")
    }
    for item in granted.items {
      let row = rows[item.id] ?? -1
      try check(row >= 0, "answer", "item \(item.id) is unknown")
      try check(
        items[row].claim == nil, "one claim an item",
        "\(item.id) of \(items[row].claim ?? "") was given to \(granted.id)")
      try check(
        item.expiresAt.map { $0 > now + claim.minRemaining } ?? true, "no expired item",
        "\(item.id) with \(item.expiresAt.map(RFC3339.format) ?? "")")
    }
    claim.id = granted.id
    claim.state = claim.hold == nil ? .claimed : .held
    claim.holdExpiresAt = claim.hold.map { now + $0 }
    append(claim, key)
    give(wanted, to: claims.count - 1)
    demand[pool.name, default: Demand()] += .hit(claim.count)
    try same(granted, shown(claims.count - 1, at: now), "answer", "a grant")
  }

  private mutating func append(_ claim: ModelClaim, _ key: ClaimKey?) {
    if let key { bound[key] = claims.count }
    numbers[claim.id] = claims.count
    claims.append(claim)
    if claim.state == .pending { pending.insert(claims.count - 1) }
  }

  /// Compares the answer of a command with what it had to be, and takes it over.
  mutating func follow(
    _ id: String, _ command: ClaimCommand, _ outcome: ClaimOutcome, at now: Instant
  ) throws(Violation) {
    guard let number = numbers[id], claims[number].state != .forgotten,
      let pool = pools[claims[number].pool]
    else { return try same(outcome, .unknownClaim, "command", "\(command) of \(id)") }
    var openings = Openings()
    if state(number, at: now) != claims[number].state {
      end(number, as: state(number, at: now), &openings, at: now)
    } else {
      switch (command, claims[number].state) {
      case (.confirm, .held):
        for row in claims[number].rows where items[row].state == .held { move(row, to: .claimed) }
        claims[number].holdExpiresAt = nil
        claims[number].state = .claimed
      case (.release, .held): end(number, as: .released, &openings, at: now)
      case (.cancel, .pending): end(number, as: .cancelled, &openings, at: now)
      default: break
      }
    }
    fill(pool, openings, at: now)
    let state = claims[number].state
    let wanted: ClaimState =
      switch command {
      case .confirm: .claimed
      case .release: .released
      case .cancel: .cancelled
      }
    try same(
      outcome, state == wanted ? .changed(shown(number, at: now)) : .wrongState(state), "command",
      "\(command) of \(id)")
  }

  /// Items that count for the limit of a user.
  private func itemsOf(_ user: String, _ pool: Pool, at now: Instant) -> Int {
    claims.indices.reduce(0) { sum, number in
      let claim = claims[number]
      guard claim.pool == pool.name, claim.user == user else { return sum }
      return [.pending, .held, .claimed].contains(state(number, at: now)) ? sum + claim.count : sum
    }
  }

  /// The state of a claim by the clock.
  func state(_ number: Int, at now: Instant) -> ClaimState {
    let claim = claims[number]
    switch claim.state {
    case .held: return claim.holdExpiresAt.map { $0 <= now } ?? false ? .lapsed : .held
    case .pending: return claim.timeoutAt.map { $0 <= now } ?? false ? .timedOut : .pending
    default: return claim.state
    }
  }

  /// A claim as answers show it.
  func shown(_ number: Int, at now: Instant) -> Claim {
    let claim = claims[number]
    let state = state(number, at: now)
    var shown = Claim(
      id: claim.id, pool: claim.pool, user: claim.user, state: state, claimedAt: nil, items: [])
    if ![.pending, .cancelled, .timedOut, .forgotten].contains(state) {
      shown.claimedAt = claim.claimedAt
      shown.holdExpiresAt = claim.holdExpiresAt
    }
    if state == .held || state == .claimed {
      shown.items = claim.rows.filter { [.held, .claimed].contains(items[$0].state) }.map { row in
        Item(
          id: items[row].id, key: items[row].key, payload: items[row].payload,
          attributes: items[row].attributes, producedAt: items[row].producedAt,
          expiresAt: items[row].expiresAt)
      }
    }
    if state == .pending {
      shown.position =
        1
        + pending.count {
          $0 < number && claims[$0].pool == claim.pool && claims[$0].match == claim.match
            && claims[$0].minRemaining == claim.minRemaining
        }
    }
    return shown
  }

  // MARK: The shelf

  /// What of the shelf a new claim may take from; nil: nothing.
  private func reach(_ claim: ModelClaim, at now: Instant) -> Part? {
    let before = pending.filter { number in
      claims[number].pool == claim.pool && claims[number].match == claim.match
        && claims[number].minRemaining <= claim.minRemaining
        && state(number, at: now) == .pending
    }
    if before.isEmpty { return .all }
    return before.contains { claims[$0].user == claim.user } ? nil : .own
  }

  /// The rows that a claim gets if they are enough, in the order of its answer.
  func take(_ claim: ModelClaim, _ pool: Pool, _ part: Part, at now: Instant) -> [Int] {
    // What is made for the user first, and stale items last.
    func rank(_ row: Int) -> (Int, Int64, Int) {
      let (order, place) = place(row, pool)
      return ((items[row].user == nil ? 2 : 0) + (items[row].isStale ? 1 : 0), order, place)
    }
    // A definition since the request may want items to have more life left.
    let cutoff = now + max(claim.minRemaining, pool.claims.minRemaining)
    let mine = (shelves[pool.name] ?? []).filter { row in
      let item = items[row]
      return (item.expiresAt.map { $0 > cutoff } ?? true)
        && (item.user == claim.user || item.user == nil && part == .all)
        && Attributes.satisfies(item.attributes, claim.request.match)
    }
    return mine.sorted { rank($0) < rank($1) }.prefix(claim.count).sorted()
  }

  private mutating func give(_ wanted: [Int], to number: Int) {
    for row in wanted {
      move(row, to: claims[number].state == .held ? .held : .claimed)
      items[row].claim = claims[number].id
    }
    claims[number].rows = wanted
  }

  // MARK: Ends

  private mutating func leave(_ number: Int) {
    guard claims[number].state == .pending else { return }
    pending.remove(number)
    counts[claims[number].pool]?.pending -= claims[number].count
    resolved.append(claims[number].id)
  }

  /// Ends a hold or a backorder.
  mutating func end(
    _ number: Int, as state: ClaimState, restocking: Bool = true, _ openings: inout Openings,
    at now: Instant
  ) {
    let claim = claims[number]
    leave(number)
    claims[number].state = state
    claims[number].endedAt = claims[number].endedAt ?? now
    guard claim.state == .held, let pool = pools[claim.pool] else {
      if claim.state == .pending { openings.matches.insert(claim.match) }
      return
    }
    let restocks = restocking && pool.claims.onRelease == .restock
    var kept: [Int] = []
    for row in claim.rows {
      guard items[row].state == .held else {
        kept.append(row)
        continue
      }
      guard restocks, room(pool, at: now) >= 0 else {
        move(row, to: .quarantined)
        kept.append(row)
        continue
      }
      items[row].claim = nil
      items[row].isStale = isOld(items[row].revision, pool)
      if isExpired(items[row].expiresAt, pool, at: now) {
        move(row, to: .expired)
      } else {
        move(row, to: .available)
        openings.add(items[row])
      }
    }
    claims[number].rows = kept
  }

  /// How many items more a pool has room for.
  func room(_ pool: Pool, at now: Instant) -> Int {
    pool.stock.max - claimable(pool, at: now).count - inFlight(pool.name) - restockable(pool)
  }

  /// Held items that come back to the shelf if they are released.
  func restockable(_ pool: Pool) -> Int {
    pool.claims.onRelease == .restock ? counts[pool.name]?.held ?? 0 : 0
  }

  // MARK: Filling

  /// What pending claims may get that they could not get before.
  struct Openings {
    var matches: Set<String> = []
    /// The attributes of items for anybody.
    var items: [String?] = []
    var users: [String] = []

    mutating func add(_ item: ModelItem) {
      guard let user = item.user else { return items.append(item.attributes) }
      if !users.contains(user) { users.append(user) }
    }
  }

  /// Gives pending claims what they can get: those for whom items were made first, then all in their
  /// order, each behind those before it that want the same and no longer a life of it.
  mutating func fill(_ pool: Pool, _ openings: Openings, at now: Instant) {
    // Claims whose time is over leave when they are met, as long as there is anything to get.
    var available = counts[pool.name]?.available ?? 0
    var openings = openings
    for user in openings.users {
      var unfilled: [Int] = []
      for number in pending.sorted() where claims[number].pool == pool.name && available > 0 {
        guard claims[number].user == user, !stands(number, behind: unfilled) else { continue }
        openings.matches.insert(claims[number].match)
        if !leaves(number, pool, .own, &available, at: now) { unfilled.append(number) }
      }
    }
    var unfilled: [Int] = []
    for number in pending.sorted() where claims[number].pool == pool.name && available > 0 {
      let claim = claims[number]
      let isOpen =
        openings.matches.contains(claim.match)
        || openings.items.contains { Attributes.satisfies($0, claim.request.match) }
      guard isOpen, !stands(number, behind: unfilled) else { continue }
      if !leaves(number, pool, .all, &available, at: now) { unfilled.append(number) }
    }
  }

  /// The first pending claim that could have its items now; nil where none waits in vain.
  func waitingInVain(_ pool: Pool, at now: Instant) -> Int? {
    var unfilled: [Int] = []
    for number in pending.sorted() where claims[number].pool == pool.name {
      // Own items go past others' claims, but not past the user's own.
      let own = unfilled.filter { claims[$0].user == claims[number].user }
      for (part, before) in [(Part.own, own), (.all, unfilled)] {
        guard !stands(number, behind: before) else { continue }
        if take(claims[number], pool, part, at: now).count == claims[number].count { return number }
      }
      unfilled.append(number)
    }
    return nil
  }

  private func stands(_ number: Int, behind others: [Int]) -> Bool {
    others.contains {
      claims[$0].match == claims[number].match
        && claims[$0].minRemaining <= claims[number].minRemaining
    }
  }

  /// Whether a pending claim leaves its line, with its items or since its time is over.
  private mutating func leaves(
    _ number: Int, _ pool: Pool, _ part: Part, _ available: inout Int, at now: Instant
  ) -> Bool {
    if state(number, at: now) == .timedOut {
      leave(number)
      claims[number].state = .timedOut
      claims[number].endedAt = now
      return true
    }
    let claim = claims[number]
    let wanted = take(claim, pool, part, at: now)
    guard wanted.count == claim.count else { return false }
    available -= claim.count
    leave(number)
    claims[number].state = claim.hold == nil ? .claimed : .held
    claims[number].claimedAt = now
    claims[number].holdExpiresAt = claim.hold.map { now + $0 }
    give(wanted, to: number)
    demand[pool.name, default: Demand()].claimed += claim.count
    filled += 1
    tell(number, at: now)
    return true
  }
}
