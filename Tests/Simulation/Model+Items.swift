import Larder

/// What becomes of items.
extension Model {
  /// Takes items in that are offered to a pool, as far as they must be, and says what became of
  /// them. The store has yet to say how it names those that were stored.
  mutating func arrive(
    _ offered: [NewItem], in pool: Pool, from launch: Launch?, revision: String?, at now: Instant
  ) -> (result: PutResult, recalled: Int, openings: Openings) {
    var room = max(0, room(pool, at: now) + (launch?.count ?? 0))
    var openings = Openings()
    var sequence = lastSequence
    var result = PutResult()
    var recalled = launch.flatMap { recalledAhead[$0.run] } ?? 0
    let renews = revision != nil && revision == freshRevision(pool)
    var exchanged = 0
    for (index, item) in offered.enumerated() {
      let expiresAt = item.expiresAt ?? pool.stock.shelfLife.map { now + $0 }
      let isExpired = isExpired(expiresAt, pool, at: now)
      let known = item.key.flatMap { keys[pool.name]?[$0] }
      if known == nil, let isFree = item.key.flatMap({ purgedKeys[pool.name]?[$0] }),
        !isFree || isExpired || pool.stock.duplicates != .replace
      {
        result.duplicates += 1
        continue
      }
      if let known, !gives(known, to: isExpired, pool) {
        result.duplicates += 1
        continue
      }
      if let known, isOnShelf(known, pool, at: now) {
        move(known, to: .replaced)
      } else {
        if !isExpired {
          // One stale item is recalled for each new one, those before the slice counted in.
          if renews, exchanged >= recalled, recall(1, in: pool, at: now) == 1 {
            recalled += 1
            room += 1
          }
          guard room > 0 else {
            result.overfill += 1
            continue
          }
          room -= 1
          exchanged += 1
        }
        if let known {
          if items[known].state == .available { move(known, to: .expired) }
          items[known].key = nil
        }
      }
      result.stored += 1
      if isExpired { result.expired += 1 }
      sequence += 1
      add(
        ModelItem(
          sequence: sequence, id: "", pool: pool.name, key: item.key, user: item.user,
          payload: item.payload, attributes: item.attributes, producedAt: now,
          expiresAt: expiresAt,
          state: isExpired ? .expired : .available, claim: nil, run: launch?.run,
          slice: launch?.slice, line: launch.map { _ in index + 1 }, revision: revision,
          isStale: isOld(revision, pool)))
      if !isExpired { openings.add(items[items.count - 1]) }
    }
    return (result, recalled, openings)
  }

  /// Whether the item of a key gives way to another of that key.
  private func gives(_ row: Int, to isExpired: Bool, _ pool: Pool) -> Bool {
    guard pool.stock.duplicates == .replace, !isExpired else { return false }
    let item = items[row]
    return switch item.state {
    case .available, .expired: true
    case .recalled: item.isStale && item.claim == nil
    default: false
    }
  }

  func isExpired(_ expiresAt: Instant?, _ pool: Pool, at now: Instant) -> Bool {
    expiresAt.map { $0 <= now + pool.claims.minRemaining } ?? false
  }

  private func isOnShelf(_ row: Int, _ pool: Pool, at now: Instant) -> Bool {
    items[row].state == .available && !isExpired(items[row].expiresAt, pool, at: now)
  }

  private mutating func add(_ item: ModelItem) {
    let row = items.count
    items.append(item)
    counts[item.pool, default: Stock()][item.state] += 1
    if let key = item.key { keys[item.pool, default: [:]][key] = row }
    guard item.state == .available else { return }
    shelves[item.pool, default: []].insert(row)
    if item.isStale { counts[item.pool]?.stale += 1 }
  }

  /// Takes over how the store named an item.
  mutating func name(_ row: Int, _ id: String) {
    items[row].id = id
    rows[id] = row
  }

  /// Takes at most `limit` expired items from the shelf, and says how many that were.
  mutating func expire(_ pool: Pool, at now: Instant, limit: Int) -> Int {
    let gone = (shelves[pool.name] ?? []).filter { !isOnShelf($0, pool, at: now) }
    func rank(_ row: Int) -> (Int64, Int) { (items[row].expiresAt?.milliseconds ?? .max, row) }
    let first = gone.sorted { rank($0) < rank($1) }.prefix(limit)
    for row in first { move(row, to: .expired) }
    return first.count
  }

  // MARK: Stale items

  private func freshRevision(_ pool: Pool) -> String? {
    pool.stock.onRevision == .replace ? pool.producer?.revision : nil
  }

  func isOld(_ revision: String?, _ pool: Pool) -> Bool {
    guard let revision, let fresh = freshRevision(pool) else { return false }
    return revision != fresh
  }

  /// The items on the shelf whose stale mark is not right.
  func wronglyMarked(_ pool: Pool) -> Set<Int> {
    (shelves[pool.name] ?? []).filter { items[$0].isStale != isOld(items[$0].revision, pool) }
  }

  mutating func mark(_ row: Int) {
    items[row].isStale.toggle()
    counts[items[row].pool]?.stale += items[row].isStale ? 1 : -1
  }

  /// Recalls at most so many stale items, in the order in which they would leave the shelf.
  mutating func recall(_ count: Int, in pool: Pool, at now: Instant) -> Int {
    guard count > 0, counts[pool.name]?.stale ?? 0 > 0 else { return 0 }
    let stale = claimable(pool, at: now).filter { items[$0].isStale }
    let first = stale.sorted { place($0, pool) < place($1, pool) }.prefix(count)
    for row in first { move(row, to: .recalled) }
    return first.count
  }
}
