import Larder

/// What the store must hold, from what it was asked and what it answered: plain values that know
/// neither SQL nor the engine.
struct Model {
  struct ModelItem: Equatable {
    var sequence: Int
    var id: String
    var pool: String
    var key: String?
    var user: String?
    var payload: String
    var expiresAt: Instant?
    var state: ItemState
    var claim: String?
    var run: String?
    var slice: Int?
    var line: Int?
  }

  struct ClaimKey: Hashable {
    var pool: String
    var user: String
    var key: String
  }

  struct Answered {
    var request: ClaimRequest
    var claim: Claim
  }

  var pools: [String: Pool] = [:]
  var retired: Set<String> = []
  /// Every item, by its row; rows are never removed.
  var items: [ModelItem] = []
  var rows: [String: Int] = [:]
  /// The rows of each pool's available items.
  var shelves: [String: Set<Int>] = [:]
  var counts: [String: Stock] = [:]
  var keys: [String: Set<String>] = [:]
  var claims: [Answered] = []
  var bound: [ClaimKey: Int] = [:]
  /// Slices that are under way on disk, by run.
  var flying: [String: Launch] = [:]
  /// What committed slices stored, by run and then in the order of their numbers.
  var committed: [String: [PutResult]] = [:]
  /// What committed slices were asked for.
  var covered: [String: Int] = [:]
  var cursors: [String: String] = [:]
  /// Failed tries of the slice under way, by run.
  var failures: [String: Int] = [:]

  typealias Launch = FlyingSlice

  struct FlyingSlice: Hashable {
    var pool: String
    var run: String
    var slice: Int
    var count: Int
  }

  func inFlight(_ pool: String) -> Int {
    flying.values.reduce(0) { $0 + ($1.pool == pool ? $1.count : 0) }
  }

  /// The rows of the items that claims could get, were there no users.
  func claimable(_ pool: Pool, at now: Instant, remaining: Duration? = nil) -> [Int] {
    let cutoff = now + max(pool.claims.minRemaining, remaining ?? .zero)
    return (shelves[pool.name] ?? []).filter { row in
      items[row].expiresAt.map { $0 > cutoff } ?? true
    }
  }

  /// Why nothing of a pool runs.
  func isAtRest(_ name: String) -> Bool {
    guard let pool = pools[name] else { return true }
    return pool.suspend || pool.producer == nil || retired.contains(name)
  }

  // MARK: Items

  /// What must become of items that are offered to a pool, and the rows that they give.
  func expected(
    _ offered: [NewItem], in pool: Pool, from launch: Launch?, at now: Instant
  ) -> (result: PutResult, rows: [ModelItem]) {
    let taken = inFlight(pool.name) - (launch?.count ?? 0)
    var room = max(0, pool.stock.max - claimable(pool, at: now).count - taken)
    var result = PutResult()
    var added: [ModelItem] = []
    var known = keys[pool.name] ?? []
    for (index, item) in offered.enumerated() {
      if let key = item.key, known.contains(key) {
        result.duplicates += 1
        continue
      }
      let expiresAt = item.expiresAt ?? pool.stock.shelfLife.map { now + $0 }
      let isExpired = expiresAt.map { $0 <= now + pool.claims.minRemaining } ?? false
      if !isExpired {
        guard room > 0 else {
          result.overfill += 1
          continue
        }
        room -= 1
      }
      result.stored += 1
      if isExpired { result.expired += 1 }
      if let key = item.key { known.insert(key) }
      added.append(
        ModelItem(
          sequence: items.count + added.count + 1, id: "", pool: pool.name, key: item.key,
          user: item.user, payload: item.payload, expiresAt: expiresAt,
          state: isExpired ? .expired : .available, claim: nil, run: launch?.run,
          slice: launch?.slice, line: launch.map { _ in index + 1 }))
    }
    return (result, added)
  }

  mutating func add(_ item: ModelItem) {
    let row = items.count
    items.append(item)
    rows[item.id] = row
    counts[item.pool, default: Stock()][item.state] += 1
    if let key = item.key { keys[item.pool, default: []].insert(key) }
    if item.state == .available { shelves[item.pool, default: []].insert(row) }
  }

  private mutating func move(_ row: Int, to state: ItemState) {
    let pool = items[row].pool
    shelves[pool]?.remove(row)
    counts[pool]?[items[row].state] -= 1
    counts[pool]?[state] += 1
    items[row].state = state
  }

  /// Takes what has expired from the shelf, and says how many items that were.
  mutating func expire(_ pool: Pool, at now: Instant) -> Int {
    let left = Set(claimable(pool, at: now))
    let gone = (shelves[pool.name] ?? []).filter { !left.contains($0) }
    for row in gone { move(row, to: .expired) }
    return gone.count
  }

  // MARK: Claims

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
    func rank(_ row: Int) -> (Int, Int64, Int) {
      let item = items[row]
      let order = pool.claims.order == .fifo ? 0 : item.expiresAt?.milliseconds ?? .max
      return (item.user == nil ? 1 : 0, order, row)
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
