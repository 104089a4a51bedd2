import Larder

/// Lapses, forgetting, recalls, purges and pushes.
extension Model {
  // MARK: Lapses

  /// When the next hold lapses or the next backorder times out.
  func nextLapse(_ pool: String) -> Instant? {
    claims.compactMap { claim in
      guard claim.pool == pool else { return nil }
      return claim.state == .held
        ? claim.holdExpiresAt : claim.state == .pending ? claim.timeoutAt : nil
    }.min()
  }

  /// Ends at most `limit` holds and backorders whose time is over.
  mutating func lapse(_ pool: Pool, at now: Instant, limit: Int) -> Int {
    func due(_ state: ClaimState, _ time: (ModelClaim) -> Instant?) -> [Int] {
      claims.indices.filter {
        claims[$0].pool == pool.name && claims[$0].state == state
          && time(claims[$0]).map { $0 <= now } ?? false
      }.sorted {
        (time(claims[$0])?.milliseconds ?? 0, $0) < (time(claims[$1])?.milliseconds ?? 0, $1)
      }
    }
    let all = (due(.held, \.holdExpiresAt) + due(.pending, \.timeoutAt)).prefix(limit)
    var openings = Openings()
    for number in all { end(number, as: state(number, at: now), &openings, at: now) }
    fill(pool, openings, at: now)
    return all.count
  }

  // MARK: Forgetting

  mutating func forget(_ user: String, at now: Instant, limit: Int) -> Piece {
    let all = claims.indices.filter {
      claims[$0].user == user && claims[$0].state != .forgotten && !claims[$0].isGone
    }
    var openings: [String: Openings] = [:]
    for number in all.prefix(limit) {
      let claim = claims[number]
      var opened = openings[claim.pool] ?? Openings()
      end(number, as: .forgotten, restocking: false, &opened, at: now)
      openings[claim.pool] = opened
      pushes.removeAll { $0.claim == claim.id }
    }
    for (name, opened) in openings.sorted(by: { $0.key < $1.key }) {
      if let pool = pools[name] { fill(pool, opened, at: now) }
    }
    return Piece(done: min(limit, all.count), more: all.count > limit)
  }

  // MARK: Recalls

  func concerns(_ recall: Recall, _ row: Int) -> Bool {
    switch recall {
    case .run(let run): items[row].run == run
    case .revision(let revision): items[row].revision == revision
    case .made(let from, let to): from <= items[row].producedAt && items[row].producedAt < to
    }
  }

  /// Ends the holds whose time is over, which hold items that are to be recalled.
  mutating func endHolds(_ numbers: [Int], _ pool: Pool, at now: Instant) -> Openings {
    var openings = Openings()
    func first(_ number: Int) -> (Int64, Int) {
      claims[number].rows.map { (items[$0].producedAt.milliseconds, $0) }.min { $0 < $1 } ?? (0, 0)
    }
    for number in numbers.sorted(by: { first($0) < first($1) }) {
      end(number, as: .lapsed, &openings, at: now)
    }
    return openings
  }

  /// Recalls items from whoever has them.
  mutating func takeBack(_ taken: [Int], at now: Instant) {
    var losers: [Int] = []
    func time(_ row: Int) -> (Int64, Int) { (items[row].producedAt.milliseconds, row) }
    for row in taken.sorted(by: { time($0) < time($1) }) {
      let loser = items[row].claim.flatMap { numbers[$0] }
      move(row, to: .recalled)
      guard let loser, claims[loser].state != .forgotten else { continue }
      if !losers.contains(loser) { losers.append(loser) }
    }
    for number in losers {
      let left = claims[number].rows.count { [.held, .claimed].contains(items[$0].state) }
      if left == 0 {
        claims[number].state = .recalled
        claims[number].endedAt = claims[number].endedAt ?? now
      } else {
        claims[number].count = left
      }
      resolved.append(claims[number].id)
      tell(number, at: now)
    }
  }

  // MARK: Purges

  /// Whether an item that nobody had may be purged.
  func isOver(_ row: Int, before: Instant) -> Bool {
    let item = items[row]
    guard item.claim == nil, [.expired, .recalled, .quarantined, .replaced].contains(item.state)
    else { return false }
    let over =
      item.state == .expired
      ? max(item.producedAt, item.expiresAt ?? item.producedAt) : item.producedAt
    return over < before
  }

  /// Whether a claim may be purged.
  func isClaimOver(_ number: Int, before: Instant) -> Bool {
    let claim = claims[number]
    guard !claim.isGone, claim.count > 0, claim.state != .pending, claim.state != .held
    else { return false }
    return claim.endedAt ?? claim.claimedAt < before
  }

  mutating func purge(item row: Int) {
    let item = items[row]
    gone.insert(row)
    rows[item.id] = nil
    counts[item.pool]?[item.state] -= 1
    guard let key = item.key, item.state != .replaced else { return }
    if keys[item.pool]?[key] == row { keys[item.pool]?[key] = nil }
    let isFree =
      item.claim == nil && (item.state == .expired || item.state == .recalled && item.isStale)
    purgedKeys[item.pool, default: [:]][key] =
      isFree && purgedKeys[item.pool]?[key] ?? true
  }

  mutating func purge(claim number: Int) {
    for row in claims[number].rows { purge(item: row) }
    claims[number].rows = []
    claims[number].count = 0
    pushes.removeAll { $0.claim == claims[number].id }
    if claims[number].key == nil {
      claims[number].isGone = true
      numbers[claims[number].id] = nil
    } else {
      claims[number].state = .forgotten
    }
  }

  // MARK: Pushes

  /// The pushes that have a time, the first first.
  var timedPushes: [Push] {
    pushes.filter { $0.nextAt != nil }.sorted {
      ($0.nextAt?.milliseconds ?? 0, $0.number) < ($1.nextAt?.milliseconds ?? 0, $1.number)
    }
  }

  /// A push is over: the next one of its claim may go at once.
  mutating func arrived(_ id: String) {
    guard let push = pushes.first(where: { $0.id == id }) else { return }
    pushes.removeAll { $0.id == id }
    let next = pushes.firstIndex { $0.claim == push.claim }
    if let next, pushes[next].nextAt == nil { pushes[next].nextAt = Instant(milliseconds: 0) }
  }

  /// What is told of a claim has its body as it is now.
  mutating func tell(_ number: Int, at now: Instant) {
    let claim = claims[number]
    guard pools[claim.pool]?.claims.webhook != nil else { return }
    let body = JSONWriter.text { shown(number, at: now).write(to: &$0) }
    pushes.append(
      Push(
        number: told, claim: claim.id, pool: claim.pool,
        body: String(decoding: body, as: UTF8.self),
        nextAt: pushes.contains { $0.claim == claim.id } ? nil : now))
    told += 1
  }
}
