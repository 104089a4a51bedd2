import Larder
import Testing

/// What a pool must hold, kept as simply as possible: the store is compared with it.
struct ModelPool {
  struct Entry {
    var item: NewItem
    var expiresAt: Instant?
    var state: ItemState
    var place: Int
  }

  var pool: Pool
  var entries: [Entry] = []
  var keys: Set<String> = []
  /// By user and key.
  var claims: [String: (fingerprint: String, payloads: [String])] = [:]
  var claimed: [String: Int] = [:]
  var inFlight: [String: Int] = [:]
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

  mutating func put(
    _ items: [NewItem], releasing run: String? = nil, at now: Instant
  ) -> PutResult {
    var result = PutResult()
    if let run { inFlight[run] = nil }
    for item in items {
      if let key = item.key, keys.contains(key) {
        result.duplicates += 1
        continue
      }
      var entry = Entry(
        item: item, expiresAt: item.expiresAt ?? pool.stock.shelfLife.map { now + $0 },
        state: .available, place: entries.count)
      let room = pool.stock.max - available(at: now) - inFlight.values.reduce(0, +)
      if isExpired(entry, at: now) {
        entry.state = .expired
        result.expired += 1
      } else if room <= 0 {
        result.overfill += 1
        continue
      }
      if let key = item.key { keys.insert(key) }
      entries.append(entry)
      result.stored += 1
    }
    return result
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
      if pool.claims.order == .fefo, left.expiresAt != right.expiresAt {
        guard let first = left.expiresAt else { return false }
        return right.expiresAt.map { first < $0 } ?? true
      }
      return left.place < right.place
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
  ]

  init(_ fixture: any StoreFixture, seed: UInt64) throws {
    self.fixture = fixture
    random = SeededGenerator(seed: seed)
    for (pool, keys) in Self.pools {
      let definition = try definition(pool, "producer: {command: [make-items]}\n" + keys)
      try fixture.store.adopt(definition, at: now)
      models[pool] = ModelPool(pool: definition.pool)
    }
  }

  private mutating func number(_ range: Range<Int>) -> Int {
    Int.random(in: range, using: &random)
  }

  private mutating func someItems(_ count: Int) -> [NewItem] {
    (0..<count).map { _ in
      made += 1
      var item = NewItem(payload: "\(made)")
      if number(0..<2) == 0 { item.key = "key-\(number(0..<400))" }
      if number(0..<2) == 0 { item.expiresAt = now + .milliseconds(number(-500..<20_000)) }
      if number(0..<4) == 0 { item.user = "u\(number(0..<30))" }
      return item
    }
  }

  mutating func step() throws {
    now = now + .milliseconds(number(0..<400))
    let pool = ["few", "many", "one"][number(0..<3)]
    switch number(0..<100) {
    case 0..<15: try put(pool)
    case 15..<70: try claim(pool)
    case 70..<85: try run(pool)
    case 85..<93:
      let limit = number(1..<6)
      let expired = try fixture.store.expire(pool: pool, at: now, limit: limit)
      #expect(expired == models[pool]!.expire(at: now, limit: limit))
    case 93..<96: try changeOrder(pool)
    case 96..<99: break
    default: if number(0..<4) == 0 { try again() }
    }
    try compare(pool)
  }

  private mutating func put(_ pool: String) throws {
    let items = someItems(number(0..<9))
    let result = try fixture.store.put(items, in: pool, at: now)
    #expect(result == models[pool]!.put(items, at: now))
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
    if let (run, asked) = model.inFlight.sorted(by: { $0.key < $1.key }).first, number(0..<2) == 0 {
      if number(0..<4) == 0 {
        models[pool]!.inFlight[run] = nil
      } else {
        let items = someItems(number(0..<(asked + 1)))
        let result = try fixture.commit(run, items, at: now)
        #expect(result == models[pool]!.put(items, releasing: run, at: now))
        models[pool]!.overfill += result.overfill
      }
      #expect(
        try fixture.store.record([.end(run: run, state: .short, why: nil)], at: now) == [true])
      return
    }
    let room =
      model.pool.stock.max - model.available(at: now)
      - model.inFlight.values.reduce(0, +)
    guard room > 0 else { return }
    runs += 1
    let asked = number(1..<(min(room, 5) + 1))
    try fixture.startRun("r\(runs)", pool: pool, asked: asked, at: now)
    models[pool]!.inFlight["r\(runs)"] = asked
  }

  private mutating func changeOrder(_ pool: String) throws {
    let order = ClaimPolicy.Order.allCases[number(0..<2)]
    let keys = Self.pools[pool]!.replacing(", order: fifo", with: "")
      .replacing("per_user", with: "order: \(order), per_user")
    let definition = try definition(pool, "producer: {command: [make-items]}\n" + keys)
    try fixture.store.adopt(definition, at: now)
    models[pool]!.pool = definition.pool
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
    #expect(seen.inFlight == model.inFlight.values.reduce(0, +))
    #expect(seen.stock.available + seen.inFlight <= seen.pool.stock.max)
    #expect(seen.stock.produced == model.entries.count)
    let demand = seen.demand.lastDay
    #expect(demand.hits == model.hits)
    #expect(demand.claimed == model.counts[.claimed] ?? 0)
    #expect(demand.misses <= model.misses)
    let unclaimed = model.entries.count { $0.state != .claimed }
    #expect(demand.wasted == unclaimed - model.available(at: now) + model.overfill)
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
    }
  }
}

@Suite struct ModelTests {
  @Test(arguments: StoreKind.all, [1, 2, 3] as [UInt64])
  func thousandsOfOperationsGoAsTheModelSays(_ kind: StoreKind, _ seed: UInt64) throws {
    var comparison = try Comparison(try kind.open(), seed: seed)
    for step in 0..<1500 {
      try comparison.step()
      if step % 50 == 49 { try comparison.compareAll() }
    }
    #expect(comparison.granted > 200)
    #expect(comparison.repeated > 50)
  }
}
