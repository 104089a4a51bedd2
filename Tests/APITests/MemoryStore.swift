import Larder
import Lock
import Sizing

/// A store in memory: claims have lives in it, all else does as it is told.
final class MemoryStore: Sendable {
  struct State {
    var claims: [String: Claim] = [:]
    /// Claims by user and key.
    var keys: [String: String] = [:]
    var order: [String] = []
    var available = 1_000_000
    /// Whether the pool allows holds.
    var allowsHolds = true
    /// What was decided, in order.
    var orders: [ClaimOrder] = []
    var resolved: [String] = []
    /// Every transaction, in order, with what it was asked for.
    var transactions: [String] = []
    /// What recalls, purges and forgetting find.
    var recallable = 0
    var purgeable = 0
    var forgettable = 0
    var recalls: Set<Recall> = []
    /// What the last reading of a list of claims asked for.
    var asked: String?
    var pools: Set<String> = ["p"]
    var pending: Int { claims.values.count { $0.state == .pending } }
  }

  private let state = Lock(State())

  func change<Value>(_ body: (inout State) -> sending Value) -> sending Value {
    state.withLock { body(&$0) }
  }

  func claim(_ id: String) -> Claim? { change { $0.claims[id] } }

  var transactions: [String] { change { $0.transactions } }
}

extension MemoryStore.State {
  mutating func decide(_ order: ClaimOrder) -> ClaimOutcome {
    orders.append(order)
    switch order {
    case .request(let request): return decide(request)
    case .change(let id, let command):
      guard let claim = claims[id] else { return .unknownClaim }
      if claim.state == command.state { return .changed(claim) }
      guard claim.state == command.from else { return .wrongState(claim.state) }
      move(id, to: command.state)
      return .changed(claims[id]!)
    }
  }

  private mutating func decide(_ request: ClaimRequest) -> ClaimOutcome {
    guard pools.contains(request.pool) else { return .unknownPool }
    if let key = request.key, let earlier = keys["\(request.user)/\(key)"] {
      return .repeated(claims[earlier]!)
    }
    if request.hold != nil, !allowsHolds { return .noHolds }
    let isMiss = available < request.count
    guard !isMiss || request.onMiss == .backorder else { return .outOfStock }
    let id = "c-\(order.count)"
    order.append(id)
    if let key = request.key { keys["\(request.user)/\(key)"] = id }
    var claim = Claim(
      id: id, pool: request.pool, user: request.user,
      state: isMiss ? .pending : request.hold == nil ? .claimed : .held,
      claimedAt: isMiss ? nil : noon, items: [])
    if isMiss {
      claim.position = pending + 1
    } else {
      available -= request.count
      claim.items = [Self.item(id)]
      claim.holdExpiresAt = request.hold.map { noon + $0 }
    }
    claims[id] = claim
    return isMiss ? .accepted(claim) : .granted(claim)
  }

  static func item(_ claim: String) -> Item {
    Item(
      id: "i-\(claim)", key: nil, payload: #""secret of \#(claim)""#, attributes: nil,
      producedAt: noon, expiresAt: nil)
  }

  mutating func move(_ id: String, to state: ClaimState) {
    let was = claims[id]!.state
    claims[id]!.state = state
    if was == .pending {
      claims[id]!.position = nil
      if state == .claimed { claims[id]!.items = [Self.item(id)] }
      resolved.append(id)
    }
  }

  /// A bounded piece of work on what is left of something.
  mutating func take(
    _ what: WritableKeyPath<Self, Int>, _ limit: Int, _ name: String
  ) -> Piece {
    transactions.append("\(name) \(limit)")
    let done = min(limit, self[keyPath: what])
    self[keyPath: what] -= done
    return Piece(done: done, more: self[keyPath: what] > 0)
  }
}

let noon = Instant(milliseconds: 1_780_000_000_000)

/// The writing side of a memory store.
final class MemoryWriter: Store {
  private let memory: MemoryStore

  init(_ memory: MemoryStore) { self.memory = memory }

  func decide(_ orders: [ClaimOrder], at now: Instant) throws(StoreError) -> [ClaimOutcome] {
    memory.change { state in
      state.transactions.append("decide")
      return orders.map { state.decide($0) }
    }
  }
  func forget(user: String, at now: Instant, limit: Int) throws(StoreError) -> Piece {
    memory.change { $0.take(\.forgettable, limit, "forget") }
  }
  func recall(
    _ recall: Recall, in pool: String, after cursor: String?, at now: Instant, limit: Int
  ) throws(StoreError) -> Piece {
    guard memory.change({ $0.pools.contains(pool) }) else { throw .unknownPool(pool) }
    return memory.change { state in
      state.recalls.insert(recall)
      return state.take(\.recallable, limit, "recall")
    }
  }
  func purge(before: Instant, at now: Instant, limit: Int) throws(StoreError) -> Piece {
    memory.change { $0.take(\.purgeable, limit, "purge before \(RFC3339.format(before))") }
  }
  func takeResolved() -> [String] {
    memory.change { state in
      defer { state.resolved = [] }
      return state.resolved
    }
  }
  /// Lets pending claims have their items, in one transaction.
  func put(_ items: [NewItem], in pool: String, at now: Instant) throws(StoreError) -> PutResult {
    memory.change { state in
      for (id, claim) in state.claims where claim.pool == pool && claim.state == .pending {
        state.move(id, to: .claimed)
      }
    }
    return PutResult()
  }

  func pools() throws(StoreError) -> [PoolStatus] { [] }
  func definitions() throws(StoreError) -> [KeptDefinition] { [] }
  func change(_ changes: DefinitionChanges, at now: Instant) throws(StoreError) {}
  func lapse(pool: String, at now: Instant, limit: Int) throws(StoreError) -> Int { 0 }
  func deliveries(
    at now: Instant, limit: Int, without pools: Set<String>
  ) throws(StoreError) -> (due: [Delivery], next: Instant?) { ([], nil) }
  func webhook(of pool: String) -> WebhookSpec? { nil }
  func delivered(_ id: String) throws(StoreError) {}
  func failedDelivery(_ id: String, nextTryAt: Instant) throws(StoreError) {}
  func expire(pool: String, at now: Instant, limit: Int) throws(StoreError) -> Int { 0 }
  func markStale(in pool: String, at now: Instant, limit: Int) throws(StoreError) -> Int { 0 }
  func record(_ events: [RunEvent], at now: Instant) throws(StoreError) -> [Bool] { [] }
  func commit(_ slice: SliceCommit, at now: Instant) throws(StoreError) -> PutResult {
    throw .fenced
  }
  func importDemand(
    _ demand: DemandSeries, in pool: String, at now: Instant
  ) throws(StoreError) -> DemandImport { DemandImport() }
  var demandWaits: Bool { false }
  func writeDemand() throws(StoreError) {}
  func noteService(at now: Instant) throws(StoreError) {}
  func takeChanges() throws(StoreError) -> [String: Stock] { [:] }
  func close() {}
}

/// The reading side of a memory store.
final class MemoryReader: StoreReader {
  private let memory: MemoryStore

  init(_ memory: MemoryStore) { self.memory = memory }

  func pools(_ names: [String]?, at now: Instant) throws(StoreError) -> [PoolStatus] {
    memory.change { state in
      (names ?? state.pools.sorted()).filter(state.pools.contains).map { name in
        var status = PoolStatus(
          pool: Pool(name: name))
        status.stock.pending = state.pending
        return status
      }
    }
  }
  func claim(_ id: String, at now: Instant) throws(StoreError) -> Claim? {
    if id == "broken" { throw .failed("no such page") }
    return memory.claim(id)
  }
  func claimsRecalled(
    in pool: String, before cursor: Int64?, limit: Int, at now: Instant
  ) throws(StoreError) -> Page<Claim> { Page(rows: [], cursor: nil) }
  func claims(
    user: String?, pool: String?, state: ClaimState?, before cursor: Int64?, limit: Int,
    at now: Instant
  ) throws(StoreError) -> Page<Claim> {
    memory.change { memory in
      memory.asked = "\(user ?? "-") \(pool ?? "-") \(state?.rawValue ?? "-") \(limit)"
      let rows = memory.order.reversed().compactMap { memory.claims[$0] }.filter {
        state == nil || $0.state == state
      }
      return Page(rows: Array(rows.prefix(limit)), cursor: nil)
    }
  }
  func item(_ key: String, in pool: String, at now: Instant) throws(StoreError) -> ItemStatus? {
    nil
  }
  func runs(
    pool: String?, before cursor: Int64?, limit: Int
  ) throws(StoreError) -> Page<Run> { Page(rows: [], cursor: nil) }
  func run(_ id: String) throws(StoreError) -> Run? { nil }
  func misses(
    of pool: String, from start: Instant, before end: Instant, limit: Int
  ) throws(StoreError) -> [MissBin] { [] }
  func waste(
    of pools: [String]?, from start: Instant, before end: Instant, after place: WasteRow.Place?,
    limit: Int
  ) throws(StoreError) -> [WasteRow] { [] }
  func demand(
    of pool: String, from start: Instant, before end: Instant, limit: Int
  ) throws(StoreError) -> DemandRecord { DemandRecord() }
  func expiring(
    in pool: String, from start: Instant, before end: Instant
  ) throws(StoreError) -> [Int: Int] { [:] }
  func backup(to path: String) throws(StoreError) {}
  func close() {}
}
