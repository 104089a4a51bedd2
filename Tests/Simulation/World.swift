import Engine
import Larder
import Lock
import SQLiteStore

/// One history in the making: the engine's core over a real store, on a clock that only steps
/// move, with everything that the engine's threads would do done in its place.
final class World {
  /// What waits for the engine, as in its loop.
  struct Inbox {
    var stocks: [String: Stock] = [:]
    var results: [(launch: Launch, result: SliceResult)] = []
    var changes: [[Change]] = []
    var commands: [(command: PoolCommand, pool: String)] = []
    var requests: [(pool: String, count: Int?)] = []

    var isEmpty: Bool {
      stocks.isEmpty && results.isEmpty && changes.isEmpty && commands.isEmpty
        && requests.isEmpty
    }
  }

  let seed: UInt64
  let producers: Int
  let poolCount: Int
  let folder = StoreFolder()
  /// Texts that were read in this life of the process.
  private let texts = Texts()
  var store: SQLiteStore
  var reader: SQLiteReader
  var database: Database
  private var snapshot: (database: Database, items: Int)?
  var state: EngineState
  var now: Instant
  var lives: UInt64 = 0

  var model = Model()
  var schedules = ScheduleModel()
  var runs = RunsModel()
  var awakeSince: Instant

  /// What the engine has just decided on.
  var decision = Decision()
  /// Its last words, for where it finds no rest.
  var lastDecided = ""
  /// Delays of nominal times, by their schedules' jitter.
  var delays: [Duration: [Duration]] = [:]

  var inbox = Inbox()
  /// Launches that no answer has come for, oldest first.
  var outstanding: [Launch] = []
  /// Launches of the past, for producers that come late.
  var past: [Launch] = []
  /// The revision of the producer that each run's last slice was launched with.
  var revisions: [String: String] = [:]
  /// Runs whose producers are being ended, since they were replaced.
  var leaving: Set<String> = []
  var deadline: Instant?
  /// Steps during which the engine is kept from waking.
  var busySteps = 0
  /// What others do before the next record.
  var meanwhile: [Action] = []
  var serial = 0
  /// Recalls that have not come to their end.
  var recalls: [RecallJob] = []
  /// What was pushed, by its id, and the last push of each claim.
  var received: [String: String] = [:]
  var lastReceived: [String: Int] = [:]
  /// How often what happened, to see that histories reach it.
  var tally: [String: Int] = [:]
  /// What each pool's level may be although it is above `max`.
  var overfull: [String: Int] = [:]

  /// Pools where items may have come to the shelf by the clock, or by a definition, and not to those
  /// who wait.
  var unsettled: Set<String> = []

  /// Where in the present step the process dies.
  var crash: Crash?
  var writes = 0
  var tornBytes: Int?

  /// - Parameter files: the pools' schedule files instead of those that the seed makes up.
  init(seed: UInt64, files: [PoolDesign]? = nil) throws {
    var random = SeededRandom(seed: seed)
    self.seed = seed
    let designs = files ?? Self.designs(Self.poolCount(&random), &random)
    poolCount = designs.count
    producers = random.number(1...4)
    now = Self.start(&random)
    awakeSince = now
    store = try Self.open(folder.database, texts, seed)
    reader = try SQLiteReader(path: folder.database, readDefinition: texts.read)
    database = try Database(path: folder.database)
    state = EngineState(pools: [], producers: producers, automatic: true, awakeSince: now)
    for (index, design) in designs.enumerated() {
      model.designs[design.pool] = design
      try put([.comeBack(pool: index)])
    }
    try begin()
  }

  deinit {
    snapshot?.database.close()
    database.close()
    reader.close()
    store.close()
  }

  static func poolCount(_ random: inout SeededRandom) -> Int { random.number(1...4) }

  static func designs(_ count: Int, _ random: inout SeededRandom) -> [PoolDesign] {
    (0..<count).map { PoolDesign($0, &random) }
  }

  /// Near a change of some zone's offset, or anywhere.
  private static func start(_ random: inout SeededRandom) -> Instant {
    let near = random.pick([
      "2026-03-08T07:00:00Z", "2026-11-01T06:00:00Z", "2026-03-29T01:00:00Z",
      "2026-10-25T01:00:00Z", "2026-04-04T15:00:00Z", "2026-10-03T15:30:00Z",
      "2026-04-04T14:00:00Z", "2026-09-26T14:00:00Z", "2026-06-01T12:00:00Z",
      "2027-12-31T23:59:00Z",
    ])
    let instant = RFC3339.parse(near) ?? Instant(seconds: 0)
    return instant - .milliseconds(random.number(0...5_400_000))
  }

  private static func open(
    _ path: String, _ texts: Texts, _ seed: UInt64
  ) throws(StoreError) -> SQLiteStore {
    try SQLiteStore(
      path: path, ids: UUIDv7(random: SeededRandom(seed: seed &* 3 &+ 1)),
      readDefinition: texts.read)
  }

  // MARK: Lives of the process

  /// The engine begins on what the store keeps.
  func begin() throws {
    lives += 1
    inbox = Inbox()
    outstanding = []
    leaving = []
    awakeSince = now
    _ = try store.takeChanges()
    model.resolved = []
    let random = SeededRandom(seed: seed &+ lives &* 1_000_003)
    state = EngineState(
      pools: try store.pools(), producers: producers, automatic: true, awakeSince: now,
      ids: UUIDv7(random: random), random: random)
    runs.begin()
    deadline = now
    try checkWhole()
    try settle()
  }

  /// The process ends, by a crash or by a stop, and another one opens what it left.
  func reopen(copying: Bool, downtime: Int) throws {
    let copying = copying || tornBytes != nil
    if copying { try folder.copy(logBytes: tornBytes) }
    tornBytes = nil
    crash = nil
    meanwhile = []
    busySteps = 0
    database.close()
    reader.close()
    store.close()
    if copying { releaseSnapshot() }
    now = now + .milliseconds(downtime)
    texts.forget()
    store = try Self.open(folder.database, texts, seed &+ lives &* 7919)
    reader = try SQLiteReader(path: folder.database, readDefinition: texts.read)
    database = try Database(path: folder.database)
    if snapshot == nil { folder.leaveOld() }
  }

  /// One write to the store, and what follows from it. The process may die before it, within it,
  /// when nothing of it is kept, or after it, when nobody has heard of it.
  func write<Value>(
    _ body: () throws(StoreError) -> Value, then follow: (Value) throws -> Void
  ) throws {
    writes += 1
    let isLast = crash.map { $0.write == writes - 1 } ?? false
    if isLast, crash?.moment == .before {
      tally["crash before a write", default: 0] += 1
      throw Crashed()
    }
    let before = isLast && crash?.moment == .within ? folder.logState : nil
    let value = try body()
    if isLast, crash?.moment == .within, let after = folder.logState, before != after {
      let begin = before?.salt == after.salt ? before?.frames ?? 0 : 0
      // Some of the transaction's frames, and a part of the next.
      var random = SeededRandom(seed: seed &+ UInt64(after.frames))
      let whole = random.number(begin...after.frames - 1)
      tornBytes = after.bytes(frames: whole) + random.number(0...4000)
      tally["crash within a write", default: 0] += 1
      throw Crashed()
    }
    try follow(value)
    if isLast, crash?.moment == .after {
      tally["crash after a write", default: 0] += 1
      throw Crashed()
    }
  }

  // MARK: Another program that reads

  func holdSnapshot() throws {
    guard snapshot == nil else { return }
    let other = try Database(path: folder.database)
    _ = try other.rows("BEGIN")
    snapshot = (other, try other.number("SELECT count(*) FROM inventory"))
  }

  func checkSnapshot() throws {
    guard let snapshot else { return }
    let count = try snapshot.database.number("SELECT count(*) FROM inventory")
    try same(count, snapshot.items, "snapshot", "the count that another program reads")
  }

  func releaseSnapshot() {
    snapshot?.database.close()
    snapshot = nil
  }
}

/// The definitions that one life of the process has read from the store's texts.
private final class Texts: Sendable {
  private let pools = Lock<[String: Pool]>([:])

  var read: Definition.Reader {
    { [self] source, file throws(StoreError) in
      if let pool = pools.withLock({ $0[source] }) { return pool }
      let pool = try PoolDesign.read(source, file)
      pools.withLock { $0[source] = pool }
      return pool
    }
  }

  func forget() { pools.withLock { $0 = [:] } }
}
