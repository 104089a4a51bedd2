import Larder
import Sizing

@testable import Engine

/// What threads did, in order.
final class Log: Sendable {
  private let entries = Mailbox<[String]>([])

  func add(_ entry: String) { entries.change { $0.append(entry) } }
  var all: [String] { entries.change { $0 } }

  /// Waits until the log satisfies a condition; false if it does not within the time of a test.
  func wait(for condition: ([String]) -> Bool) -> Bool {
    entries.take(within: .seconds(60)) { condition($0) ? true : nil } ?? false
  }
}

/// Closed at first: threads that come to it wait until it is opened.
final class Gate: Sendable {
  private let isOpen = Mailbox(false)
  private let waiting = Mailbox(0)

  func open() { isOpen.change { $0 = true } }

  func pass() {
    waiting.change { $0 += 1 }
    _ = isOpen.take { $0 ? true : nil }
  }

  /// Waits until so many threads have come to the gate.
  func awaitArrivals(_ count: Int) -> Bool {
    waiting.take(within: .seconds(60)) { $0 >= count ? true : nil } ?? false
  }
}

/// A store that writes down how it is called and fails as it is told to.
final class FakeStore: Store {
  let log: Log
  var claimErrors: [StoreError]
  var putErrors: [StoreError]
  /// What the next commits of slices and probes throw.
  var commitErrors: [StoreError] = []
  var probeErrors: [StoreError] = []
  /// The room on the disk that it claims to have.
  let room: Mailbox<DiskSpace?> = Mailbox(nil)
  /// Claims more than this at once find no room.
  var claimsAtOnce = Int.max
  /// Claims that one transaction decides; the rest are left.
  var claimsDecided = Int.max
  /// What the next recalls throw.
  var recallErrors: [StoreError] = []
  /// Items that recalls find.
  var recallable = 0
  /// What the next writes of demand throw; nil where misses leave none.
  private var demandErrors: ArraySlice<StoreError>?
  private(set) var demandWaits = false
  /// Whether slices are under way, so that they can be committed.
  private let commits: Bool
  private var changed: [String: Stock] = [:]
  /// Claims that a command was for, until somebody is told of them.
  private var resolved: [String] = []

  init(
    _ log: Log, claimErrors: [StoreError] = [], putErrors: [StoreError] = [],
    demandErrors: [StoreError]? = nil, commits: Bool = false
  ) {
    self.log = log
    self.demandErrors = demandErrors?[...]
    self.commits = commits
    self.claimErrors = claimErrors
    self.putErrors = putErrors
  }

  func decide(_ orders: [ClaimOrder], at now: Instant) throws(StoreError) -> [ClaimOutcome] {
    log.add("claim \(orders.count)")
    if !claimErrors.isEmpty { throw claimErrors.removeFirst() }
    if orders.count > claimsAtOnce { throw .full("disk") }
    changed["p"] = Stock()
    demandWaits = demandErrors != nil
    return orders.prefix(claimsDecided).map { order in
      switch order {
      case .request(let request):
        return request.user == "u" ? .outOfStock : .userLimit(Int(request.user) ?? -1)
      case .change(let claim, let command):
        resolved.append(claim)
        return .wrongState(command.state)
      }
    }
  }

  func put(_ items: [NewItem], in pool: String, at now: Instant) throws(StoreError) -> PutResult {
    log.add("put \(pool)")
    if !putErrors.isEmpty { throw putErrors.removeFirst() }
    return PutResult()
  }

  func takeChanges() throws(StoreError) -> [String: Stock] {
    log.add("changes")
    defer { changed = [:] }
    return changed
  }

  func close() { log.add("close") }

  func writeDemand() throws(StoreError) {
    log.add("demand")
    if let error = demandErrors?.popFirst() { throw error }
    demandWaits = false
  }

  func noteService(at now: Instant) throws(StoreError) {
    log.add("service \(now.milliseconds)")
  }

  func space() -> DiskSpace? { room.change { $0 } }

  func probe() throws(StoreError) {
    log.add("probe")
    if !probeErrors.isEmpty { throw probeErrors.removeFirst() }
  }

  func lapse(pool: String, at now: Instant, limit: Int) throws(StoreError) -> Int { 0 }
  func forget(user: String, at now: Instant, limit: Int) throws(StoreError) -> Piece {
    Piece(done: 0, more: false)
  }
  func recall(
    _ recall: Recall, in pool: String, after cursor: String?, at now: Instant, limit: Int
  ) throws(StoreError) -> Piece {
    log.add("recall \(limit)\(cursor.map { " after \($0)" } ?? "")")
    if !recallErrors.isEmpty { throw recallErrors.removeFirst() }
    let done = min(limit, recallable)
    recallable -= done
    return Piece(done: done, more: recallable > 0, cursor: "\(recallable)")
  }
  func purge(before: Instant, at now: Instant, limit: Int) throws(StoreError) -> Piece {
    Piece(done: 0, more: false)
  }
  func takeResolved() -> [String] {
    defer { resolved = [] }
    return resolved
  }
  func deliveries(
    at now: Instant, limit: Int, without pools: Set<String>
  ) throws(StoreError) -> (due: [Delivery], next: Instant?) { ([], nil) }
  func webhook(of pool: String) -> WebhookSpec? { nil }
  func delivered(_ id: String) throws(StoreError) {}
  func failedDelivery(_ id: String, nextTryAt: Instant) throws(StoreError) {}

  func importDemand(
    _ demand: DemandSeries, in pool: String, at now: Instant
  ) throws(StoreError) -> DemandImport { DemandImport() }

  func pools() throws(StoreError) -> [PoolStatus] { [] }
  func definitions() throws(StoreError) -> [KeptDefinition] { [] }
  func change(_ changes: DefinitionChanges, at now: Instant) throws(StoreError) {}
  func expire(pool: String, at now: Instant, limit: Int) throws(StoreError) -> Int { 0 }
  func markStale(in pool: String, at now: Instant, limit: Int) throws(StoreError) -> Int { 0 }
  func record(_ events: [RunEvent], at now: Instant) throws(StoreError) -> [Bool] {
    events.map { _ in true }
  }
  func commit(_ slice: SliceCommit, at now: Instant) throws(StoreError) -> PutResult {
    guard commits else { throw .fenced }
    if !commitErrors.isEmpty { throw commitErrors.removeFirst() }
    log.add("commit \(slice.run) \(slice.slice)")
    var result = PutResult()
    result.stored = slice.items.count
    var stock = Stock()
    stock.available = slice.items.count
    changed["p"] = stock
    return result
  }
}

/// A reading side that knows of nothing.
final class FakeReader: StoreReader {
  private let gone: @Sendable () -> Void

  init(gone: @escaping @Sendable () -> Void = {}) { self.gone = gone }

  deinit { gone() }

  func pools(_ names: [String]?, at now: Instant) throws(StoreError) -> [PoolStatus] { [] }
  func claim(_ id: String, at now: Instant) throws(StoreError) -> Claim? { throw .failed(id) }
  func claimsRecalled(
    in pool: String, before cursor: Int64?, limit: Int, at now: Instant
  ) throws(StoreError) -> Page<Claim> { Page(rows: [], cursor: nil) }
  func claims(
    user: String?, pool: String?, state: ClaimState?, before cursor: Int64?, limit: Int,
    at now: Instant
  ) throws(StoreError) -> Page<Claim> { Page(rows: [], cursor: nil) }
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
