import Larder
import SQLiteStore
import Testing

@testable import Engine

/// Drives the pure core on a clock of the test's, over a real store, and answers its launches.
final class Driver {
  let folder = TemporaryFolder()
  let definitions = Definitions()
  private(set) var store: SQLiteStore
  private(set) var state: EngineState
  var now: Instant
  let producers: Int
  /// Launches that no answer has come for, oldest first.
  private(set) var outstanding: [Launch] = []
  /// Every launch since the start.
  private(set) var launches: [Launch] = []
  /// Runs whose producers were to be ended.
  private(set) var cancelled: [String] = []
  /// Runs that ended or were skipped, refused ones left out.
  private(set) var ended: [Run] = []
  private(set) var deadline: Instant?
  private var seed: UInt64
  private var serial = 0

  init(
    _ pools: [Pool], producers: Int = 4, at now: Instant = noon, seed: UInt64 = 1,
    prepare: (SQLiteStore) throws -> Void = { _ in }
  ) throws {
    self.now = now
    self.producers = producers
    self.seed = seed
    store = try SQLiteStore.open(in: folder, definitions)
    for pool in pools { try store.adopt(definitions.definition(pool), at: now) }
    try prepare(store)
    state = Self.load([], producers, now, seed)
    try start()
  }

  deinit { store.close() }

  private static func load(
    _ pools: [PoolStatus], _ producers: Int, _ now: Instant, _ seed: UInt64
  ) -> EngineState {
    EngineState(
      pools: pools, producers: producers, automatic: true, awakeSince: now,
      random: SeededRandom(seed: seed))
  }

  private func start() throws {
    seed += 1
    _ = try store.takeChanges()
    state = Self.load(try store.pools(), producers, now, seed)
    outstanding = []
    try settle()
  }

  /// The engine is killed and comes again after a while, on what the store kept.
  func restart(after span: Duration = .zero, _ pools: [Pool] = []) throws {
    store.close()
    now = now + span
    store = try SQLiteStore.open(in: folder, definitions)
    for pool in pools { try store.adopt(definitions.definition(pool), at: now) }
    try start()
  }

  /// A definition changes while the engine runs.
  func adopt(_ pool: Pool) throws {
    var changes = DefinitionChanges()
    changes.adopted = [definitions.definition(pool)]
    try change(changes)
  }

  func change(_ changes: DefinitionChanges) throws {
    try store.change(changes, at: now)
    state.change(changes)
    try settle()
  }

  /// The disk allows something else than before.
  func disk(_ disk: Disk) throws {
    state.diskChanged(disk)
    try settle()
  }

  /// Ticks until nothing is left to be done now.
  func settle() throws {
    for _ in 0..<100 {
      state.stockChanged(try store.takeChanges())
      let tick = state.tick(at: now)
      let refused = try record(tick.events)
      ended += tick.ended.filter { !refused.contains($0.id) }
      for launch in tick.launches {
        launches.append(launch)
        if refused.contains(launch.run) {
          _ = state.sliceEnded(launch, .givenUp, at: now)
        } else {
          outstanding.append(launch)
        }
      }
      cancelled += tick.cancellations
      for pool in tick.expiries {
        _ = try store.expire(pool: pool, at: now, limit: Limits.expirySlice)
      }
      for pool in tick.markings {
        let changed = try store.markStale(in: pool, at: now, limit: Limits.expirySlice)
        if changed < Limits.expirySlice { state.marked(pool) }
      }
      for study in tick.studies { try answer(study) }
      deadline = tick.deadline
      // Recalled, expired and marked items changed the stock.
      state.stockChanged(try store.takeChanges())
      if state.isSettled, tick.deadline.map({ $0 > now }) ?? true { return }
    }
    Issue.record("the core finds no rest at \(RFC3339.format(now))")
  }

  private func answer(_ study: Study) throws {
    try store.writeDemand()
    let reader = try SQLiteReader(
      path: folder.file("db"), readDefinition: definitions.reader)
    defer { reader.close() }
    guard let status = state.status(of: study.pool) else { return }
    state.studied(study, try reader.evidence(of: status, from: study.from, at: now), at: now)
  }

  private func record(_ events: [RunEvent]) throws -> Set<String> {
    guard !events.isEmpty else { return [] }
    var refused: Set<String> = []
    for (event, took) in zip(events, try store.record(events, at: now)) where !took {
      guard case .open(let run) = event else { continue }
      refused.insert(run.id)
      state.refused(run)
    }
    return refused
  }

  /// Lets the clock run to an instant, with a tick at each deadline on the way.
  func advance(to end: Instant) throws {
    while let next = deadline, next <= end {
      now = max(now, next)
      try settle()
    }
    now = end
    try settle()
  }

  func advance(by span: Duration) throws { try advance(to: now + span) }

  /// Answers a launch with a good slice of `printed` items, or as many as asked for.
  func finish(
    _ launch: Launch, printed: Int? = nil, expiresAt: Instant? = nil, cursor: String? = nil
  ) throws {
    let count = printed ?? launch.count
    let result = try commit(launch, count, expiresAt: expiresAt, cursor: cursor)
    state.stockChanged(try store.takeChanges())
    try answer(launch, .committed(result, printed: count, cursor: cursor))
  }

  /// Keeps a slice's items, as its producer's thread does, which the core hears of later. What a
  /// producer prints beyond the count is no concern of the store.
  @discardableResult
  func commit(
    _ launch: Launch, _ count: Int, expiresAt: Instant? = nil, cursor: String? = nil
  ) throws -> PutResult {
    let items = (0..<count).map { _ in
      serial += 1
      return NewItem(payload: "\(serial)", key: "k\(serial)", expiresAt: expiresAt)
    }
    let slice = SliceCommit(
      run: launch.run, slice: launch.slice, items: items, cursor: cursor, overfill: 0,
      revision: state.status(of: launch.pool)?.pool.producer?.revision ?? "", log: [])
    return try store.commit(slice, at: now)
  }

  /// Answers a launch with the same items as ever, and no cursor.
  func repeatItems(_ launch: Launch) throws {
    let items = (0..<launch.count).map { NewItem(payload: "\($0)", key: "same-\($0)") }
    let slice = SliceCommit(
      run: launch.run, slice: launch.slice, items: items, cursor: nil, overfill: 0, revision: "",
      log: [])
    let result = try store.commit(slice, at: now)
    state.stockChanged(try store.takeChanges())
    try answer(launch, .committed(result, printed: launch.count, cursor: nil))
  }

  func fail(_ launch: Launch, _ why: String = "exit 1") throws {
    try answer(launch, .failed(why, log: []))
  }

  func answer(_ launch: Launch, _ result: SliceResult) throws {
    outstanding.removeAll { $0 == launch }
    let tick = state.sliceEnded(launch, result, at: now)
    _ = try record(tick.events)
    ended += tick.ended
    try settle()
  }

  /// The oldest launch that no answer has come for; a test without one fails.
  func next() throws -> Launch {
    try #require(outstanding.first)
  }

  /// Answers launches, the oldest first, until there are none.
  func finishAll() throws {
    while let launch = outstanding.first { try finish(launch) }
  }

  @discardableResult
  func claim(_ pool: String = "keys", count: Int) throws -> [ClaimOutcome] {
    let outcomes = try store.claim([ClaimRequest(pool: pool, user: "u", count: count)], at: now)
    try settle()
    return outcomes
  }

  func put(_ count: Int, in pool: String = "keys", expiresAt: Instant? = nil) throws {
    let items = (0..<count).map { NewItem(payload: "\($0)", expiresAt: expiresAt) }
    _ = try store.put(items, in: pool, at: now)
    try settle()
  }

  @discardableResult
  func request(_ pool: String = "keys", count: Int? = nil) throws -> Run {
    let (run, event) = try state.request(pool, count: count, at: now)
    _ = try record([event])
    try settle()
    return run
  }

  /// Lets the core do a command, and gives how many events it recorded.
  @discardableResult
  func perform(_ command: PoolCommand, _ pool: String = "keys") throws -> Int {
    let events = try state.perform(command, on: pool, at: now)
    _ = try record(events)
    try settle()
    return events.count
  }

  /// The pool as the core knows it.
  func status(_ pool: String = "keys") throws -> PoolStatus {
    try #require(state.status(of: pool))
  }

  /// A run as the store keeps it.
  func kept(_ run: String) throws -> Run {
    let reader = try SQLiteReader(path: folder.file("db"), readDefinition: definitions.reader)
    defer { reader.close() }
    return try #require(try reader.run(run))
  }

  /// Every run that the store keeps, the oldest first.
  func runs(_ pool: String? = nil) throws -> [Run] {
    let reader = try SQLiteReader(path: folder.file("db"), readDefinition: definitions.reader)
    defer { reader.close() }
    return try reader.runs(pool: pool, before: nil, limit: 10_000).rows.reversed()
  }
}
