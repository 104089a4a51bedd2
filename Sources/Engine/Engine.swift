import Larder
import Producer

/// The loop around `EngineState`: it waits for news or the next deadline, lets the state decide,
/// puts the decisions on disk, and has slices made, each on a thread of its own.
package final class Engine: Sendable {
  package typealias RunAnswer = @Sendable (Result<Run, Problem>) -> Void
  package typealias CommandAnswer = @Sendable (Result<Void, Problem>) -> Void

  /// Who is told what happens, on the engine's thread.
  package struct Observer: Sendable {
    /// A run ended or was skipped.
    package var ended: @Sendable (Run) -> Void
    /// A try of a slice failed, and another one is to come.
    package var setback: @Sendable (Setback) -> Void
    /// Something went wrong that is not a run's.
    package var trouble: @Sendable (String) -> Void

    package init(
      ended: @escaping @Sendable (Run) -> Void,
      setback: @escaping @Sendable (Setback) -> Void = { _ in },
      trouble: @escaping @Sendable (String) -> Void
    ) {
      self.ended = ended
      self.setback = setback
      self.trouble = trouble
    }
  }

  private struct Inbox {
    var stocks: [String: Stock] = [:]
    var results: [(launch: Launch, result: SliceResult)] = []
    var orders = Orders()
    var stopping = false

    var isEmpty: Bool { stocks.isEmpty && results.isEmpty && orders.isEmpty && !stopping }
  }

  /// What others ask of the engine. Each is answered, at the latest when it stops.
  private struct Orders {
    var requests: [(pool: String, count: Int?, answer: RunAnswer)] = []
    var commands: [(command: PoolCommand, pool: String, answer: CommandAnswer)] = []
    var changes: [(changes: DefinitionChanges, answer: @Sendable (StoreError?) -> Void)] = []

    var isEmpty: Bool { requests.isEmpty && commands.isEmpty && changes.isEmpty }

    func refuse(_ problem: Problem) {
      for request in requests { request.answer(.failure(problem)) }
      for command in commands { command.answer(.failure(problem)) }
      for change in changes { change.answer(.failed(problem.detail)) }
    }
  }

  private struct Making {
    var thread: WorkThread
    var process: ProducerProcess
  }

  private let writer: StoreWriter
  private let producers: Int
  private let automatic: Bool
  private let clock: @Sendable () -> Instant
  private let observer: Observer
  private let inbox = Mailbox(Inbox())
  private let thread = Mailbox<WorkThread?>(nil)
  private let fills = Mailbox<[String: Instant]>([:])
  /// The slices that are being made, by run.
  private let makings = Mailbox<[String: Making]>([:])

  /// - Parameters:
  ///   - producers: slices that are made at once, over all pools.
  ///   - automatic: whether schedules and reorder points start runs; without, only runs that
  ///     are requested take place.
  package init(
    writer: StoreWriter, producers: Int, automatic: Bool,
    clock: @escaping @Sendable () -> Instant = Instant.now, observer: Observer
  ) {
    self.writer = writer
    self.producers = producers
    self.automatic = automatic
    self.clock = clock
    self.observer = observer
  }

  /// Starts the loop's thread.
  package func start() {
    writer.observe { [inbox] stocks in
      inbox.change { $0.stocks.merge(stocks) { $1 } }
    }
    thread.change { $0 = WorkThread("engine") { [self] in run() } }
  }

  /// Ends the loop and all producers. Their slices go on at the next start.
  package func stop() {
    inbox.change { $0.stopping = true }
    thread.change { thread in
      thread?.join()
      thread = nil
    }
  }

  /// Asks for a run of a pool, for `count` items or up to the target. The answer comes when the
  /// run is on disk.
  package func request(_ pool: String, count: Int?, _ answer: @escaping RunAnswer) {
    let accepted = inbox.change { inbox in
      if inbox.stopping { return false }
      inbox.orders.requests.append((pool, count, answer))
      return true
    }
    if !accepted { answer(.failure(Self.stopping)) }
  }

  /// Puts definitions in force and retires pools, on disk and in the engine, and waits for it. A
  /// running slice goes on as it was asked for.
  package func change(_ changes: DefinitionChanges) throws(StoreError) {
    let box = Mailbox<StoreError??>(nil)
    let accepted = inbox.change { inbox in
      if inbox.stopping { return false }
      inbox.orders.changes.append((changes, { error in box.change { $0 = .some(error) } }))
      return true
    }
    guard accepted, let error = box.take({ $0 }) else { throw .failed(Self.stopping.detail) }
    if let error { throw error }
  }

  /// Has something done to a pool. The answer comes when it is on disk, and from then on the engine
  /// decides by it; done again, it changes nothing.
  package func perform(
    _ command: PoolCommand, on pool: String, _ answer: @escaping CommandAnswer
  ) {
    let accepted = inbox.change { inbox in
      if inbox.stopping { return false }
      inbox.orders.commands.append((command, pool, answer))
      return true
    }
    if !accepted { answer(.failure(Self.stopping)) }
  }

  private static let stopping = Problem(
    .busy, "the server is stopping", retryAfter: .seconds(1))

  /// When the next run should have filled the pool; nil where nobody can say.
  package func expectedFill(of pool: String) -> Instant? {
    fills.change { $0[pool] }
  }

  private func run() {
    let awakeSince = clock()
    while true {
      do throws(StoreError) {
        let pools = try writer.perform { (store, _) throws(StoreError) in try store.pools() }
        var state = EngineState(
          pools: pools, producers: producers, automatic: automatic, awakeSince: awakeSince)
        try loop(&state)
        return end()
      } catch {
        // What was decided may not be on disk: begin again from what is.
        observer.trouble("the engine starts anew: \(error)")
        cancelAll()
        let stopping = inbox.take(within: Limits.pauseAfterTrouble) { $0.stopping ? true : nil }
        if stopping == true { return end() }
      }
    }
  }

  private func end() {
    cancelAll()
    let orders = inbox.change { inbox in
      defer { inbox.orders = Orders() }
      return inbox.orders
    }
    orders.refuse(Self.stopping)
  }

  /// Runs until the engine is stopped.
  private func loop(_ state: inout EngineState) throws(StoreError) {
    var deadline: Instant? = clock()
    while true {
      let now = clock()
      let span = min(deadline.map { max($0 - now, .zero) } ?? .seconds(1), Limits.longestSleep)
      let mail = inbox.take(within: span) { inbox -> Inbox? in
        guard !inbox.isEmpty else { return nil }
        var mail = inbox
        // What was asked for too late is answered at the end.
        if mail.stopping { mail.orders = Orders() } else { inbox = Inbox() }
        return mail
      }
      if let mail {
        if mail.stopping { return }
        try take(mail, &state)
      }
      deadline = try act(&state)
    }
  }

  private func take(_ mail: Inbox, _ state: inout EngineState) throws(StoreError) {
    let now = clock()
    state.stockChanged(mail.stocks)
    for (changes, answer) in mail.orders.changes { change(changes, answer, &state) }
    var events: [RunEvent] = []
    var ended: [Run] = []
    var setbacks: [Setback] = []
    for (launch, result) in mail.results {
      let making = makings.change { $0.removeValue(forKey: launch.run) }
      making?.thread.join()
      let tick = state.sliceEnded(launch, result, at: now)
      events += tick.events
      ended += tick.ended
      setbacks += tick.setbacks
    }
    var performed: [CommandAnswer] = []
    for (command, pool, answer) in mail.orders.commands {
      do throws(Problem) {
        events += try state.perform(command, on: pool, at: now)
        performed.append(answer)
      } catch {
        answer(.failure(error))
      }
    }
    var opened: [(run: Run, answer: RunAnswer)] = []
    for (pool, count, answer) in mail.orders.requests {
      do throws(Problem) {
        let request = try state.request(pool, count: count, at: now)
        events.append(request.event)
        opened.append((request.run, answer))
      } catch {
        answer(.failure(error))
      }
    }
    do throws(StoreError) {
      try record(Recording(events, in: state), &state)
      setbacks.forEach(observer.setback)
      ended.forEach(observer.ended)
      for answer in performed { answer(.success(())) }
      for (run, answer) in opened { answer(.success(run)) }
    } catch {
      for answer in performed {
        answer(.failure(Problem(.busy, "\(error)", retryAfter: .seconds(1))))
      }
      for (_, answer) in opened {
        answer(.failure(Problem(.busy, "\(error)", retryAfter: .seconds(1))))
      }
      throw error
    }
  }

  private func change(
    _ changes: DefinitionChanges, _ answer: @Sendable (StoreError?) -> Void,
    _ state: inout EngineState
  ) {
    do throws(StoreError) {
      try writer.perform { (store, now) throws(StoreError) in try store.change(changes, at: now) }
      state.change(changes)
      answer(nil)
    } catch {
      // Nothing of it was kept, so the state still says what is in force.
      answer(error)
    }
  }

  /// Decides and does what is to be done now, and gives the next deadline.
  private func act(_ state: inout EngineState) throws(StoreError) -> Instant? {
    let now = clock()
    let tick = state.tick(at: now)
    let recording = Recording(tick.events, newSlices: tick.newSlices, in: state)
    let (refused, crowded) = try record(recording, &state)
    for run in tick.cancellations { makings.change { $0[run]?.process }?.cancel() }
    for launch in tick.launches where !crowded.contains(launch) { make(launch, state) }
    for pool in tick.expiries {
      _ = try writer.perform { (store, now) throws(StoreError) in
        try store.expire(pool: pool, at: now, limit: Limits.expirySlice)
      }
    }
    for pool in tick.lapses {
      _ = try writer.perform { (store, now) throws(StoreError) in
        try store.lapse(pool: pool, at: now, limit: Limits.lapseSlice)
      }
    }
    for pool in tick.markings {
      let changed = try writer.perform { (store, now) throws(StoreError) in
        try store.markStale(in: pool, at: now, limit: Limits.expirySlice)
      }
      if changed < Limits.expirySlice { state.marked(pool) }
    }
    for run in tick.ended where !refused.contains(run.id) { observer.ended(run) }
    fills.change { fills in
      for pool in tick.examined {
        fills[pool] = state.expectedFill(of: pool, at: now)
      }
    }
    return state.isSettled ? tick.deadline : now
  }

  /// Puts events on disk. Gives the runs that were refused, since they took place before, and
  /// the slices that were taken back, since there is no room for them any more.
  @discardableResult
  private func record(
    _ recording: Recording, _ state: inout EngineState
  ) throws(StoreError) -> (refused: Set<String>, crowded: [Launch]) {
    guard !recording.isEmpty else { return ([], []) }
    let done = try writer.perform { [inbox] (store, now) throws(StoreError) in
      try recording.record(in: store, at: now) { changes in
        inbox.change { inbox in
          inbox.stocks.merge(changes) { $1 }
          return inbox.stocks
        }
      }
    }
    for launch in done.crowded { state.takeBack(launch) }
    for run in done.refused { state.refused(run) }
    return (Set(done.refused.map(\.id)), done.crowded)
  }

  private func make(_ launch: Launch, _ state: EngineState) {
    guard let status = state.status(of: launch.pool), let spec = status.pool.producer,
      status.runs.contains(where: { $0.id == launch.run })
    else {
      inbox.change { $0.results.append((launch, .givenUp)) }
      return
    }
    let process = ProducerProcess(
      spec: spec,
      request: SliceRequest(
        pool: launch.pool, run: launch.run, slice: launch.slice, count: launch.count,
        cursor: launch.cursor))
    let maker = SliceMaker(launch: launch, spec: spec, process: process, writer: writer) {
      [inbox] result, stocks in
      inbox.change { inbox in
        inbox.stocks.merge(stocks) { $1 }
        inbox.results.append((launch, result))
      }
    }
    let isStarted = makings.change { makings in
      guard let thread = WorkThread(ifPossible: "producer", { maker.make() }) else { return false }
      makings[launch.run] = Making(thread: thread, process: process)
      return true
    }
    if !isStarted {
      inbox.change { $0.results.append((launch, .failed("no thread could be started", log: []))) }
    }
  }

  /// Ends all producers and waits for their threads.
  private func cancelAll() {
    let all = makings.change { makings in
      defer { makings = [:] }
      return Array(makings.values)
    }
    for making in all { making.process.cancel() }
    for making in all { making.thread.join() }
    inbox.change { $0.results = [] }
  }
}
