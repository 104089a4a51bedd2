import Larder
import Testing

/// What a pool must hold, kept as simply as possible: the store is compared with it.
struct ModelPool {
  struct Entry {
    var item: NewItem
    var expiresAt: Instant?
    var state: ItemState
    var place: Int
    /// Gone once another item took it.
    var key: String?
    var revision: String?
    var isStale = false
  }

  var pool: Pool
  var entries: [Entry] = []
  /// By user and key.
  var claims: [String: (fingerprint: String, payloads: [String])] = [:]
  var claimed: [String: Int] = [:]
  /// The running slices.
  var slices: [String: Slice] = [:]
  /// Grants and refusals for too few items, crashes left out.
  var hits = 0
  var misses = 0
  /// Items that runs brought beyond what there was room for.
  var overfill = 0

  func isExpired(_ entry: Entry, at now: Instant, _ remaining: Duration = .zero) -> Bool {
    guard let expiresAt = entry.expiresAt else { return false }
    return expiresAt <= now + max(remaining, pool.claims.minRemaining)
  }

  func available(at now: Instant) -> Int {
    entries.count { $0.state == .available && !isExpired($0, at: now) }
  }

  func stale(at now: Instant) -> Int {
    entries.count { $0.state == .available && $0.isStale && !isExpired($0, at: now) }
  }

  var inFlight: Int { slices.values.reduce(0) { $0 + $1.asked } }

  func isStale(_ revision: String?) -> Bool {
    guard pool.stock.onRevision == .replace, let revision else { return false }
    return revision != pool.producer?.revision
  }

  /// Sets every mark right and says how many were wrong.
  mutating func markStale() -> Int {
    var wrong = 0
    for index in entries.indices where entries[index].state == .available {
      let isStale = isStale(entries[index].revision)
      if entries[index].isStale != isStale { wrong += 1 }
      entries[index].isStale = isStale
    }
    return wrong
  }

  mutating func recall(_ count: Int, at now: Instant) -> Int {
    let found = entries.filter { $0.state == .available && $0.isStale && !isExpired($0, at: now) }
      .sorted(by: isBefore).prefix(count)
    for entry in found { entries[entry.place].state = .recalled }
    return found.count
  }

  /// The order of the shelf.
  func isBefore(_ left: Entry, _ right: Entry) -> Bool {
    if pool.claims.order == .fefo, left.expiresAt != right.expiresAt {
      guard let first = left.expiresAt else { return false }
      return right.expiresAt.map { first < $0 } ?? true
    }
    return left.place < right.place
  }

  /// Keeps items, and says how many were recalled for the slice that they are of.
  mutating func put(
    _ items: [NewItem], of slice: Slice? = nil, revision: String? = nil, at now: Instant
  ) -> (result: PutResult, recalled: Int) {
    var result = PutResult()
    var recalled = slice?.recalled ?? 0
    var fresh = 0
    for item in items {
      var entry = Entry(
        item: item, expiresAt: item.expiresAt ?? pool.stock.shelfLife.map { now + $0 },
        state: .available, place: entries.count, key: item.key, revision: revision)
      entry.isStale = isStale(revision)
      let expired = isExpired(entry, at: now)
      if expired { entry.state = .expired }
      let known = entries.firstIndex {
        $0.key != nil && $0.key == item.key && $0.state != .replaced
      }
      if let known {
        let old = entries[known]
        let isRecalledAsStale = old.state == .recalled && old.isStale
        guard pool.stock.duplicates == .replace, !expired,
          [.available, .expired].contains(old.state) || isRecalledAsStale
        else {
          result.duplicates += 1
          continue
        }
        if old.state == .available, !isExpired(old, at: now) {
          entries[known].state = .replaced
          entries.append(entry)
          result.stored += 1
          continue
        }
      }
      if !expired {
        if slice != nil, pool.stock.onRevision == .replace, !entry.isStale, fresh >= recalled {
          recalled += recall(1, at: now)
        }
        guard available(at: now) + inFlight < pool.stock.max else {
          result.overfill += 1
          continue
        }
        fresh += 1
      }
      if let known {
        entries[known].key = nil
        if entries[known].state == .available { entries[known].state = .expired }
      }
      entries.append(entry)
      result.stored += 1
      if expired { result.expired += 1 }
    }
    return (result, recalled)
  }

  enum Answer: Equatable {
    case granted([String])
    case repeated([String])
    case refused(ClaimOutcome)
  }

  mutating func claim(_ request: ClaimRequest, at now: Instant) -> Answer {
    let limit = pool.claims.perUser
    let key = (request.key ?? (limit == 1 ? "" : nil)).map { request.user + "/" + $0 }
    if let key, let earlier = claims[key] {
      return earlier.fingerprint == request.fingerprint
        ? .repeated(earlier.payloads) : .refused(.keyReused)
    }
    if limit > 0, claimed[request.user, default: 0] + request.count > limit {
      return .refused(.userLimit(limit))
    }
    let found = entries.filter {
      $0.state == .available && ($0.item.user == nil || $0.item.user == request.user)
        && !isExpired($0, at: now, request.minRemaining ?? .zero)
    }.sorted { left, right in
      if (left.item.user == nil) != (right.item.user == nil) { return left.item.user != nil }
      if left.isStale != right.isStale { return right.isStale }
      return isBefore(left, right)
    }.prefix(request.count)
    guard found.count == request.count else {
      misses += 1
      return .refused(.outOfStock)
    }
    hits += 1
    for entry in found { entries[entry.place].state = .claimed }
    claimed[request.user, default: 0] += request.count
    let payloads = found.map(\.item.payload).sorted()
    if let key { claims[key] = (request.fingerprint, payloads) }
    return .granted(payloads)
  }

  mutating func expire(at now: Instant, limit: Int) -> Int {
    let due = entries.filter { $0.state == .available && isExpired($0, at: now) }
      .sorted { ($0.expiresAt!, $0.place) < ($1.expiresAt!, $1.place) }.prefix(limit)
    for entry in due { entries[entry.place].state = .expired }
    return due.count
  }

  var counts: [ItemState: Int] {
    Dictionary(grouping: entries, by: \.state).mapValues(\.count)
  }
}

/// Thousands of operations in an order that a seed gives, on a store and on models of its pools.
struct Comparison {
  let fixture: any StoreFixture
  var models: [String: ModelPool] = [:]
  var stocks: [String: Stock] = [:]
  var random: SeededGenerator
  var now = start
  private var made = 0
  private var runs = 0
  private(set) var granted = 0
  private(set) var repeated = 0

  static let pools = [
    "one": "stock: {target: 1, max: 12}\nclaims: {per_user: 1, min_remaining: 3s}",
    "few": "stock: {target: 1, max: 30}\nclaims: {per_user: 4, order: fifo}",
    "many": "stock: {target: 1, max: 20, shelf_life: 15s}\nclaims: {per_user: 0}",
    "renewed": "stock: {target: 1, max: 15\(renewing)}\nclaims: {per_user: 0}",
    "revised": "stock: {target: 1, max: 25\(replacingStale)}\nclaims: {per_user: 0}",
    "reports": """
    stock: {target: 1, max: 25\(renewing)\(replacingStale)}
    claims: {per_user: 0, order: fifo, min_remaining: 2s}
    """,
  ]
  static let names = pools.keys.sorted()

  private static func producer(_ revision: Int) -> String {
    "producer: {command: [make-items], revision: r\(revision)}\n"
  }

  init(_ fixture: any StoreFixture, seed: UInt64) throws {
    self.fixture = fixture
    random = SeededGenerator(seed: seed)
    for (pool, keys) in Self.pools {
      let definition = try definition(pool, Self.producer(0) + keys)
      try fixture.store.adopt(definition, at: now)
      models[pool] = ModelPool(pool: definition.pool)
    }
  }

  private mutating func number(_ range: Range<Int>) -> Int {
    Int.random(in: range, using: &random)
  }

  private mutating func someItems(_ count: Int, for pool: String) -> [NewItem] {
    // Keys of late, so that many are still on the shelf, or any.
    let renews = models[pool]!.pool.stock.duplicates == .replace
    return (0..<count).map { _ in
      made += 1
      var item = NewItem(payload: "\(made)")
      if number(0..<2) == 0 {
        item.key = "key-\(renews ? made / 4 - number(0..<12) : number(0..<400))"
      }
      if number(0..<2) == 0 { item.expiresAt = now + .milliseconds(number(-500..<20_000)) }
      if number(0..<4) == 0 { item.user = "u\(number(0..<30))" }
      return item
    }
  }

  mutating func step() throws {
    now = now + .milliseconds(number(0..<400))
    let pool = Self.names[number(0..<Self.names.count)]
    switch number(0..<100) {
    case 0..<15: try put(pool)
    case 15..<70:
      // Where old items matter, most stay on the shelf for a while.
      let policy = models[pool]!.pool.stock
      let keeps = policy.duplicates == .replace || policy.onRevision == .replace
      if keeps, number(0..<3) > 0 { try run(pool) } else { try claim(pool) }
    case 70..<85: try run(pool)
    case 85..<93:
      let limit = number(1..<6)
      let expired = try fixture.store.expire(pool: pool, at: now, limit: limit)
      #expect(expired == models[pool]!.expire(at: now, limit: limit))
    case 93..<96: try changeDefinition(pool)
    case 96..<99: break
    default: if number(0..<4) == 0 { try again() }
    }
    try compare(pool)
  }

  private mutating func put(_ pool: String) throws {
    let items = someItems(number(0..<9), for: pool)
    let result = try fixture.store.put(items, in: pool, at: now)
    #expect(result == models[pool]!.put(items, at: now).result)
  }

  private mutating func claim(_ pool: String) throws {
    let requests = (0..<number(1..<5)).map { _ in
      ClaimRequest(
        pool: pool, user: "u\(number(0..<30))",
        key: number(0..<3) == 0 ? nil : "k\(number(0..<9))",
        count: [1, 1, 1, 2, 3][number(0..<5)],
        minRemaining: number(0..<6) == 0 ? .seconds(number(0..<9)) : nil)
    }
    for (request, outcome) in zip(requests, try fixture.store.claim(requests, at: now)) {
      let wanted = models[pool]!.claim(request, at: now)
      switch outcome {
      case .granted(let claim):
        granted += 1
        #expect(wanted == .granted(claim.items.map(\.payload).sorted()))
      case .repeated(let claim):
        repeated += 1
        #expect(wanted == .repeated(claim.items.map(\.payload).sorted()))
      case let refused: #expect(wanted == .refused(refused))
      }
    }
  }

  /// Begins a run of one slice, or ends one that is under way.
  private mutating func run(_ pool: String) throws {
    let model = models[pool]!
    if let (run, slice) = model.slices.sorted(by: { $0.key < $1.key }).first, number(0..<2) == 0 {
      models[pool]!.slices[run] = nil
      if number(0..<4) > 0 {
        let items = someItems(number(0..<(slice.asked + 1)), for: pool)
        let newest = model.pool.producer!.revision
        let revision = number(0..<4) == 0 ? "r\(number(0..<3))" : newest
        let result = try fixture.commit(run, items, revision: revision, at: now)
        let wanted = models[pool]!.put(items, of: slice, revision: revision, at: now)
        #expect(result == wanted.result)
        models[pool]!.overfill += result.overfill
        #expect(try fixture.shownRun(run).slices.map(\.recalled) == [wanted.recalled])
      }
      #expect(
        try fixture.store.record([.end(run: run, state: .short, why: nil)], at: now) == [true])
      return
    }
    let recalling = number(0..<4)
    let room =
      model.pool.stock.max - model.available(at: now) - model.inFlight
      + min(recalling, model.stale(at: now))
    guard room > 0 else { return }
    runs += 1
    let asked = number(1..<(min(room, 5) + 1))
    try fixture.startRun(
      "r\(runs)", pool: pool, asked: asked, recalling: recalling, at: now)
    var slice = Slice(number: 1, state: .running, asked: asked, startedAt: now)
    slice.recalled = models[pool]!.recall(recalling, at: now)
    models[pool]!.slices["r\(runs)"] = slice
  }

  private mutating func changeDefinition(_ pool: String) throws {
    let order = ClaimPolicy.Order.allCases[number(0..<2)]
    let keys = Self.pools[pool]!.replacing(", order: fifo", with: "")
      .replacing("per_user", with: "order: \(order), per_user")
    let definition = try definition(pool, Self.producer(number(0..<3)) + keys)
    try fixture.store.adopt(definition, at: now)
    models[pool]!.pool = definition.pool
    var marked = 0
    while case let step = try fixture.store.markStale(in: pool, at: now, limit: 3), step > 0 {
      #expect(step <= 3)
      marked += step
    }
    #expect(marked == models[pool]!.markStale())
  }

  private mutating func again() throws {
    try takeChanges()
    if number(0..<2) == 0 { try fixture.crash() } else { try fixture.reopen() }
  }

  private mutating func takeChanges() throws {
    for (pool, stock) in try fixture.store.takeChanges() { stocks[pool] = stock }
  }

  private mutating func compare(_ pool: String) throws {
    let model = models[pool]!
    let seen = try fixture.status(pool, at: now)
    #expect(seen.stock.available == model.available(at: now))
    #expect(seen.stock.stale == model.stale(at: now))
    #expect(seen.inFlight == model.inFlight)
    #expect(seen.stock.available + seen.inFlight <= seen.pool.stock.max)
    #expect(seen.stock.produced == model.entries.count)
    let demand = seen.demand.lastDay
    #expect(demand.hits == model.hits)
    #expect(demand.claimed == model.counts[.claimed] ?? 0)
    #expect(demand.misses <= model.misses)
    // A replaced item is no waste, whatever went to waste before it was.
    let unclaimed = model.entries.count { $0.state != .claimed && $0.state != .replaced }
    #expect(demand.wasted == unclaimed - model.available(at: now) + model.overfill)
    #expect(demand.wasted == seen.demand.wasted.values.reduce(0) { $0 + $1.items })
    #expect(seen.demand.wasted[.overfill]?.items ?? 0 == model.overfill)
  }

  /// What is kept, what is counted one by one, and what the changes said, against the models.
  mutating func compareAll() throws {
    try takeChanges()
    for status in try fixture.store.pools() {
      let model = models[status.pool.name]!
      let counted = try fixture.countedItems(status.pool.name)
      #expect(counted == model.counts)
      for state in ItemState.allCases { #expect(status.stock[state] == counted[state] ?? 0) }
      #expect(status.stock.produced == counted.values.reduce(0, +))
      #expect(status.stock == stocks[status.pool.name])
      let stale = model.entries.count { $0.state == .available && $0.isStale }
      #expect(status.stock.stale == stale)
      #expect(try fixture.countedStale(status.pool.name) == stale)
    }
  }
}

@Suite struct ModelTests {
  @Test(arguments: StoreKind.all, [1, 2, 3] as [UInt64])
  func thousandsOfOperationsGoAsTheModelSays(_ kind: StoreKind, _ seed: UInt64) throws {
    var comparison = try Comparison(try kind.open(), seed: seed)
    for step in 0..<2000 {
      try comparison.step()
      if step % 50 == 49 { try comparison.compareAll() }
    }
    #expect(comparison.granted > 200)
    #expect(comparison.repeated > 50)
    for (pool, state) in [
      ("renewed", ItemState.replaced), ("reports", .replaced), ("reports", .recalled),
      ("revised", .recalled),
    ] {
      #expect(comparison.models[pool]!.counts[state] ?? 0 > 5, "\(pool) \(state)")
    }
  }
}
