import Foundation
import Glibc
import Larder
import SQLiteStore
import Sizing
import Testing

@testable import Engine

/// The store under test with errors and other writers in its way.
private final class FlakyStore: Store {
  private let store: SQLiteStore
  /// What the next records throw.
  private var errors: [StoreError]
  /// Called when a run was opened, while the engine is about to decide on its first slice.
  private let opened: @Sendable () -> Void
  private let log: Log

  init(
    _ store: SQLiteStore, _ errors: [StoreError], _ log: Log, opened: @escaping @Sendable () -> Void
  ) {
    self.store = store
    self.errors = errors
    self.log = log
    self.opened = opened
  }

  func record(_ events: [RunEvent], at now: Instant) throws(StoreError) -> [Bool] {
    if !errors.isEmpty { throw errors.removeFirst() }
    let took = try store.record(events, at: now)
    for event in events {
      if case .open = event { opened() }
    }
    for status in try store.pools() {
      let total = status.stock.available + status.inFlight
      if total > status.pool.stock.max { log.add("\(total) items pass the max") }
    }
    return took
  }

  func takeChanges() throws(StoreError) -> [String: Stock] {
    try store.takeChanges()
  }

  func pools() throws(StoreError) -> [PoolStatus] { try store.pools() }
  func definitions() throws(StoreError) -> [KeptDefinition] { try store.definitions() }
  func change(_ changes: DefinitionChanges, at now: Instant) throws(StoreError) {
    try store.change(changes, at: now)
  }
  func decide(_ orders: [ClaimOrder], at now: Instant) throws(StoreError) -> [ClaimOutcome] {
    try store.decide(orders, at: now)
  }
  func lapse(pool: String, at now: Instant, limit: Int) throws(StoreError) -> Int {
    try store.lapse(pool: pool, at: now, limit: limit)
  }
  func forget(user: String, at now: Instant, limit: Int) throws(StoreError) -> Piece {
    try store.forget(user: user, at: now, limit: limit)
  }
  func recall(
    _ recall: Recall, in pool: String, after cursor: String?, at now: Instant, limit: Int
  ) throws(StoreError) -> Piece {
    try store.recall(recall, in: pool, after: cursor, at: now, limit: limit)
  }
  func purge(before: Instant, at now: Instant, limit: Int) throws(StoreError) -> Piece {
    try store.purge(before: before, at: now, limit: limit)
  }
  func importDemand(
    _ demand: DemandSeries, in pool: String, at now: Instant
  ) throws(StoreError) -> DemandImport {
    try store.importDemand(demand, in: pool, at: now)
  }
  func takeResolved() -> [String] { store.takeResolved() }
  func deliveries(
    at now: Instant, limit: Int, without pools: Set<String>
  ) throws(StoreError) -> (due: [Delivery], next: Instant?) {
    try store.deliveries(at: now, limit: limit, without: pools)
  }
  func webhook(of pool: String) -> WebhookSpec? { store.webhook(of: pool) }
  func delivered(_ id: String) throws(StoreError) { try store.delivered(id) }
  func failedDelivery(_ id: String, nextTryAt: Instant) throws(StoreError) {
    try store.failedDelivery(id, nextTryAt: nextTryAt)
  }
  func put(_ items: [NewItem], in pool: String, at now: Instant) throws(StoreError) -> PutResult {
    try store.put(items, in: pool, at: now)
  }
  func markStale(in pool: String, at now: Instant, limit: Int) throws(StoreError) -> Int {
    try store.markStale(in: pool, at: now, limit: limit)
  }
  func expire(pool: String, at now: Instant, limit: Int) throws(StoreError) -> Int {
    try store.expire(pool: pool, at: now, limit: limit)
  }
  func commit(_ slice: SliceCommit, at now: Instant) throws(StoreError) -> PutResult {
    try store.commit(slice, at: now)
  }
  var demandWaits: Bool { store.demandWaits }
  func writeDemand() throws(StoreError) { try store.writeDemand() }
  func noteService(at now: Instant) throws(StoreError) { try store.noteService(at: now) }
  func close() { store.close() }
}

/// An engine over a real store with producers that are shell scripts.
private final class Running {
  let folder: TemporaryFolder
  let definitions: Definitions
  let writer: StoreWriter
  let readers: StoreReaders
  let engine: Engine
  let ended = Mailbox<[Run]>([])
  let setbacks = Mailbox<[Setback]>([])
  let trouble = Log()

  /// - Parameters:
  ///   - earlier: an engine that was stopped, whose store is taken over.
  ///   - intruders: items that somebody puts in while the first slice is decided on.
  init(
    _ pools: [Pool], after earlier: Running? = nil, automatic: Bool = true,
    errors: [StoreError] = [], intruders: Int = 0
  ) throws {
    folder = earlier?.folder ?? TemporaryFolder()
    definitions = earlier?.definitions ?? Definitions()
    let store = try SQLiteStore.open(in: folder, definitions)
    for pool in pools { try store.adopt(definitions.definition(pool), at: .now()) }
    let opened = Mailbox<@Sendable () -> Void>({})
    let flaky = FlakyStore(store, errors, trouble) { opened.change { $0 }() }
    let writer = StoreWriter(store: flaky) { [trouble] error in trouble.add("failure \(error)") }
    self.writer = writer
    if intruders > 0 {
      let items = (0..<intruders).map { NewItem(payload: "\($0)") }
      // Queued before the engine hears of the opening, so done before what it decides then.
      opened.change {
        $0 = {
          _ = writer.submit { (store, now) throws(StoreError) in
            try store.put(items, in: "keys", at: now)
          } _: { _ in
          }
        }
      }
    }
    let definitions = definitions
    let database = folder.file("db")
    readers = try StoreReaders(count: 1) { () throws(StoreError) in
      try SQLiteReader(path: database, readDefinition: definitions.reader)
    }
    engine = Engine(
      writer: writer, readers: readers, producers: 4, automatic: automatic,
      observer: Engine.Observer(
        ended: { [ended] run in ended.change { $0.append(run) } },
        setback: { [setbacks] setback in setbacks.change { $0.append(setback) } },
        trouble: { [trouble] in trouble.add($0) }))
    engine.start()
  }

  func stop() {
    engine.stop()
    readers.stop()
    writer.stop()
  }

  /// Waits until so many runs have ended.
  func runs(_ count: Int) throws -> [Run] {
    try #require(ended.take(within: .seconds(60)) { $0.count >= count ? $0 : nil })
  }

  func status() throws -> PoolStatus {
    try #require(
      try writer.perform { (store, _) throws(StoreError) in try store.pools() }.first)
  }

  /// Waits until the store says so.
  func awaitStatus(_ condition: (PoolStatus) -> Bool) throws -> PoolStatus {
    let pause = Mailbox(())
    for _ in 0..<12_000 {
      let status = try status()
      if condition(status) { return status }
      _ = pause.take(within: .milliseconds(5)) { _ in nil as Bool? }
    }
    return try #require(nil as PoolStatus?, "the store never came to it")
  }

  /// Has something done, and gives the word of the refusal.
  func perform(_ command: PoolCommand, _ pool: String = "keys") -> Problem.Word? {
    let box = Mailbox<Result<Void, Problem>?>(nil)
    engine.perform(command, on: pool) { result in box.change { $0 = result } }
    switch box.take(within: .seconds(60), { $0 }) {
    case .success: return nil
    case .failure(let problem): return problem.word
    case nil: return .timeout
    }
  }

  func request(_ pool: String, count: Int? = nil) throws -> Result<Run, Problem> {
    let box = Mailbox<Result<Run, Problem>?>(nil)
    engine.request(pool, count: count) { result in box.change { $0 = result } }
    return try #require(box.take(within: .seconds(60)) { $0 })
  }
}

private let good = """
  i=0
  while [ $i -lt $LARDER_COUNT ]; do
    echo "{\\"payload\\":$i,\\"key\\":\\"$LARDER_RUN-$LARDER_SLICE-$i\\"}"
    i=$((i+1))
  done
  echo "{\\"cursor\\":\\"after $LARDER_SLICE\\"}"
  """

private func scripted(_ script: String, _ change: (inout Pool) -> Void = { _ in }) -> Pool {
  makePool { pool in
    pool.producer = ProducerSpec(
      command: ["/bin/sh", "-c", script], executable: "/bin/sh", directory: "/")
    pool.producer?.slice = 10
    pool.producer?.retry.attempts = 1
    pool.stock.target = 25
    pool.stock.reorderAt = 5
    change(&pool)
  }
}

@Suite struct EngineTests {
  @Test func aPoolIsFilledAndRefilledWhenClaimsEmptyIt() throws {
    let running = try Running([scripted(good)])
    let first = try running.runs(1)[0]
    #expect(first.reason == .start && first.state == .succeeded && first.stored == 25)
    #expect(try running.status().stock.available == 25)
    let accepted = running.writer.claim(ClaimRequest(pool: "keys", user: "u", count: 20)) { _ in }
    #expect(accepted)
    let second = try running.runs(2)[1]
    #expect(second.reason == .reorder && second.asked == 20)
    #expect(try running.status().stock.available == 25)
    running.stop()
    #expect(running.trouble.all == [])
    let reader = try SQLiteReader(
      path: running.folder.file("db"), readDefinition: running.definitions.reader)
    let kept = try #require(try reader.run(first.id))
    #expect(kept.slices.map(\.asked) == [10, 10, 5])
    #expect(kept.slices.map(\.state) == [.committed, .committed, .committed])
    #expect(kept.cursor == "after 3")
    reader.close()
  }

  @Test func aFailedRunSaysWhyAndKeepsItsLog() throws {
    let running = try Running([scripted("echo broken >&2; exit 3") { $0.stock.reorderAt = 0 }])
    _ = try running.request("keys").get()
    let run = try running.runs(1)[0]
    #expect(run.state == .failed)
    #expect(run.why == "slice 1: the producer exited with 3")
    #expect(try running.status().memory.failures == 1)
    running.stop()
    let reader = try SQLiteReader(
      path: running.folder.file("db"), readDefinition: running.definitions.reader)
    #expect(try reader.run(run.id)?.log == "broken\n")
    reader.close()
  }

  @Test func aTryThatIsMadeAgainIsToldOf() throws {
    let pool = scripted("exit 75") {
      $0.producer?.retry.attempts = 2
      $0.producer?.retry.backoff = .milliseconds(1)
    }
    let running = try Running([pool])
    let run = try running.runs(1)[0]
    #expect(run.state == .failed)
    // The reorder point may have started another run already.
    let setbacks = running.setbacks.change { $0.filter { $0.run == run.id } }
    #expect(setbacks.map(\.attempt) == [1] && setbacks.map(\.attempts) == [2])
    running.stop()
  }

  @Test func requestsAreAnsweredWhenTheRunIsOnDisk() throws {
    let running = try Running([scripted(good) { $0.stock.reorderAt = 0 }], automatic: false)
    let run = try running.request("keys", count: 7).get()
    #expect(run.reason == .manual && run.count == 7)
    #expect(try running.runs(1)[0].id == run.id)
    #expect(try running.status().stock.available == 7)
    if case .failure(let problem) = try running.request("nobody") {
      #expect(problem.word == .unknownPool)
    } else {
      Issue.record("a run of an unknown pool was accepted")
    }
    running.stop()
    #expect(throws: Problem.self) { try running.request("keys").get() }
  }

  @Test func aRunningSliceIsEndedByTheStopAndGoesOnAfterwards() throws {
    let first = try Running([scripted("exec sleep 1000")])
    let before = try first.awaitStatus {
      $0.runs.first?.process != nil && first.engine.expectedFill(of: "keys") != nil
    }
    let pid = try #require(before.runs.first?.process?.pid)
    #expect(kill(pid, 0) == 0)
    first.stop()
    #expect(kill(pid, 0) == -1)
    #expect(first.ended.change { $0 } == [])

    let second = try Running([scripted(good)], after: first)
    let run = try second.runs(1)[0]
    #expect(run.id == before.runs.first?.id)
    #expect(run.state == .succeeded && run.stored == 25)
    second.stop()
    let reader = try SQLiteReader(
      path: second.folder.file("db"), readDefinition: second.definitions.reader)
    #expect(try reader.run(run.id)?.slices.map(\.attempts) == [1, 1, 1])
    #expect(try reader.runs(pool: nil, before: nil, limit: 10).rows.count == 1)
    reader.close()
  }

  @Test func aCommandIsOnDiskWhenItIsAnswered() throws {
    let running = try Running([scripted(good) { $0.stock.reorderAt = 0 }])
    #expect(running.perform(.pause) == nil)
    #expect(try running.status().paused)
    if case .failure(let problem) = try running.request("keys") {
      #expect(problem.word == .wrongState)
    } else {
      Issue.record("a paused pool took a run")
    }
    #expect(running.perform(.pause) == nil)
    #expect(running.perform(.resume) == nil)
    #expect(try running.status().paused == false)
    #expect(try running.request("keys", count: 1).get().count == 1)
    #expect(running.perform(.pause, "nobody") == .unknownPool)
    running.stop()
    #expect(running.perform(.pause) == .busy)
    #expect(running.trouble.all == [])
  }

  @Test func everyRequestIsAnsweredWhenTheEngineStops() throws {
    let running = try Running([scripted(good) { $0.stock.reorderAt = 0 }], automatic: false)
    let gate = Gate()
    #expect(
      running.writer.submit { (_, _) throws(StoreError) in
        gate.pass()
      } _: { _ in
      })
    #expect(gate.awaitArrivals(1))
    let answers = Mailbox(0)
    let engine = running.engine
    for _ in 0..<10 { engine.request("keys", count: 1) { _ in answers.change { $0 += 1 } } }
    for _ in 0..<10 { engine.perform(.pause, on: "keys") { _ in answers.change { $0 += 1 } } }
    let thread = WorkThread("stop") { engine.stop() }
    // The stop has begun as soon as a request is turned down at once.
    let refused = Mailbox(false)
    var asked = 20
    while !refused.change({ $0 }) {
      asked += 1
      engine.request("keys", count: 1) { result in
        answers.change { $0 += 1 }
        if case .failure = result { refused.change { $0 = true } }
      }
    }
    gate.open()
    thread.join()
    #expect(answers.change { $0 } == asked)
    running.writer.stop()
  }

  @Test func whatTheStoreRefusedIsDecidedAnew() throws {
    let running = try Running([scripted(good)], errors: [.failed("disk")])
    let run = try running.runs(1)[0]
    #expect(run.state == .succeeded && run.stored == 25)
    #expect(running.trouble.all == ["the engine starts anew: the store failed: disk"])
    running.stop()
  }

  /// Not even a try is lost: what was decided is recorded as soon as it can be.
  @Test func onAFullDiskWhatWasDecidedWaits() throws {
    let running = try Running([scripted(good)], errors: [.full("disk"), .full("disk")])
    let run = try running.runs(1)[0]
    #expect(run.state == .succeeded && run.stored == 25)
    #expect(try running.status().lastRun?.slices.last?.attempts == 1)
    #expect(running.setbacks.change { $0 } == [])
    #expect(running.trouble.all == [])
    running.stop()
  }

  @Test func commandsAreRefusedWhileTheEngineWaitsForRoomAndAStopEndsTheWait() throws {
    let running = try Running(
      [scripted(good)], errors: Array(repeating: .full("disk"), count: 10_000))
    #expect(running.perform(.pause) == .diskFull)
    guard case .failure(let problem) = try running.request("keys") else {
      Issue.record("a run was opened on a full disk")
      return
    }
    #expect(problem.word == .diskFull && problem.retryAfter == Limits.diskRetryAfter)
    running.stop()
    #expect(running.trouble.all == [])
  }

  /// Nothing of a command that found no room is left: done again, it is done.
  @Test func aCommandThatFindsNoRoomIsAsIfItHadNeverBeen() throws {
    let running = try Running([scripted(good)], automatic: false, errors: [.full("disk")])
    #expect(running.perform(.pause) == .diskFull)
    #expect(try running.status().paused == false)
    #expect(running.perform(.pause) == nil)
    #expect(try running.status().paused)
    running.stop()
  }

  @Test func itemsThatOthersPutInMeanwhileDoNotPassTheMax() throws {
    let pool = scripted(good) {
      $0.stock.reorderAt = 0
      $0.producer?.slice = 60
    }
    let running = try Running([pool], automatic: false, intruders: 100)
    let run = try running.request("keys", count: 60).get()
    let ended = try running.runs(1)[0]
    #expect(ended.id == run.id && ended.state == .succeeded && ended.stored == 50)
    #expect(ended.why == "no room: the pool is at its max of 150")
    #expect(try running.status().stock.available == 150)
    running.stop()
    #expect(running.trouble.all == [])
  }

  @Test func theEngineStopsWhenTheStoreIsLost() throws {
    let running = try Running([scripted(good)], errors: [.unknownCommit("disk")])
    #expect(running.trouble.wait { $0.contains { $0.hasPrefix("the engine starts anew") } })
    running.stop()
    #expect(running.trouble.all.count { $0.hasPrefix("failure") } == 1)
    #expect(running.ended.change { $0 } == [])
  }

  /// The first producer hangs, one that is deaf to SIGTERM in the second case. Every other makes
  /// items, unless it finds the first one alive.
  @Test(arguments: ["", "trap '' TERM;"])
  func aProducerOfAReplacedRunIsEndedBeforeTheNextStarts(_ deaf: String) throws {
    let folder = TemporaryFolder()
    let first = folder.file("first")
    let script = """
      if [ ! -e \(first) ]; then
        \(deaf)
        echo $$ > \(first).new; mv \(first).new \(first)
        echo '{"payload":"of the first"}'
        sleep 1000; exit 0
      fi
      kill -0 $(cat \(first)) && exit 9
      \(good)
      """
    let pool = scripted(script) {
      $0.stock.target = 10
      $0.stock.reorderAt = 0
      $0.schedules = [schedule("*/2 * * * * *")]
      $0.schedules[0].overlap = .replace
    }
    let running = try Running([pool])
    let isFilled = running.ended.take(within: .seconds(60)) { runs in
      runs.contains { $0.state == .succeeded || $0.state == .failed } ? true : nil
    }
    #expect(isFilled == true)
    let pid = try #require(
      pid_t(
        String(contentsOfFile: first, encoding: .utf8).trimmingCharacters(in: .newlines)))
    #expect(kill(pid, 0) == -1)
    #expect(try running.status().stock.available == 10)
    running.stop()
    let runs = running.ended.change { $0 }
    let replaced = try #require(runs.first { $0.startedAt != nil })
    #expect(replaced.state == .replaced)
    #expect(replaced.why?.hasPrefix("replaced by run ") == true)
    #expect(!runs.contains { $0.state == .failed })
    #expect(running.trouble.all == [])
  }

  @Test func aScheduleFiresOnTheRealClock() throws {
    let pool = scripted(good) {
      $0.stock.reorderAt = 0
      // A time that comes while the first run goes on, or that was missed, is skipped.
      $0.schedules = [schedule("* * * * * *", catchup: .none)]
    }
    let running = try Running([pool])
    let run = try #require(
      running.ended.take(within: .seconds(60)) { $0.first { $0.state != .skipped } })
    #expect(run.state == .succeeded)
    #expect(run.reason == .schedule && run.why == nil && run.stored == 25)
    let nominal = try #require(run.nominalAt)
    #expect(run.createdAt >= nominal)
    running.stop()
  }
}
