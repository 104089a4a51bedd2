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
    /// What the disk allows, where that changed.
    var disk: Disk?
    var stopping = false

    var isEmpty: Bool {
      stocks.isEmpty && results.isEmpty && orders.isEmpty && disk == nil && !stopping
    }
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
      for change in changes {
        change.answer(problem.word == .diskFull ? .full(problem.detail) : .failed(problem.detail))
      }
    }
  }

  private struct Making {
    var thread: WorkThread
    var process: ProducerProcess
    var halt: Mailbox<Bool>

    /// Ends the producer, or the wait for room to store what it made.
    func cancel() {
      process.cancel()
      halt.change { $0 = true }
    }
  }

  private let writer: StoreWriter
  private let readers: StoreReaders
  private let producers: Int
  private let automatic: Bool
  private let clock: @Sendable () -> Instant
  private let observer: Observer
  private let inbox = Mailbox(Inbox())
  private let thread = Mailbox<WorkThread?>(nil)
  private let fills = Mailbox<[String: ExpectedFill]>([:])
  private let settled = Mailbox<Instant?>(nil)
  /// The slices that are being made, by run.
  private let makings = Mailbox<[String: Making]>([:])

  /// - Parameters:
  ///   - producers: slices that are made at once, over all pools.
  ///   - automatic: whether schedules and reorder points start runs; without, only runs that
  ///     are requested take place.
  package init(
    writer: StoreWriter, readers: StoreReaders, producers: Int, automatic: Bool,
    clock: @escaping @Sendable () -> Instant = Instant.now, observer: Observer
  ) {
    self.writer = writer
    self.readers = readers
    self.producers = producers
    self.automatic = automatic
    self.clock = clock
    self.observer = observer
  }

  /// Starts the loop's thread.
  package func start() {
    writer.observe { [inbox] stocks in
      inbox.leave { $0.stocks.merge(stocks) { $1 } }
    } soonAfter: { [inbox] in
      inbox.wake()
    }
    writer.observeDisk { [inbox] disk in
      inbox.change { $0.disk = disk }
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
    fills.change { $0[pool]?.at }
  }

  /// The same for a claim that waits. It may have come this moment and start a run at once.
  package func expectedFill(ofBackorderIn pool: String, at now: Instant) -> Instant? {
    guard let fill = fills.change({ $0[pool] }) else { return nil }
    return [fill.at, fill.backorderRunTime.map { now + $0 }].compactMap { $0 }.min()
  }

  /// The time up to which all that was to be decided is; what was decided may still be going on.
  package var settledAt: Instant? { settled.change { $0 } }

  private func run() {
    let awakeSince = clock()
    while true {
      do throws(StoreError) {
        let pools = try writer.perform { (store, _) throws(StoreError) in try store.pools() }
        var state = EngineState(
          pools: pools, producers: producers, automatic: automatic, awakeSince: awakeSince)
        state.diskChanged(writer.disk)
        try loop(&state)
        return end()
      } catch {
        if inbox.change({ $0.stopping }) { return end() }
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
    if let disk = mail.disk { state.diskChanged(disk) }
    for (changes, answer) in mail.orders.changes { change(changes, answer, &state) }
    var sum = Tick()
    for (launch, result) in mail.results {
      let making = makings.change { $0.removeValue(forKey: launch.run) }
      making?.thread.join()
      let tick = state.sliceEnded(launch, result, at: now)
      sum.events += tick.events
      sum.ended += tick.ended
      sum.setbacks += tick.setbacks
    }
    try record(Recording(sum.events, in: state), &state)
    sum.setbacks.forEach(observer.setback)
    sum.ended.forEach(observer.ended)
    try take(mail.orders, &state, at: now)
  }

  /// Does what was asked for, all of it in one transaction. On a full disk it is refused, and the
  /// state is as if nobody had asked.
  private func take(
    _ orders: Orders, _ state: inout EngineState, at now: Instant
  ) throws(StoreError) {
    guard !orders.commands.isEmpty || !orders.requests.isEmpty else { return }
    let before = state
    var events: [RunEvent] = []
    var performed: [CommandAnswer] = []
    for (command, pool, answer) in orders.commands {
      do throws(Problem) {
        events += try state.perform(command, on: pool, at: now)
        performed.append(answer)
      } catch {
        answer(.failure(error))
      }
    }
    var opened: [(run: Run, answer: RunAnswer)] = []
    for (pool, count, answer) in orders.requests {
      do throws(Problem) {
        let request = try state.request(pool, count: count, at: now)
        events.append(request.event)
        opened.append((request.run, answer))
      } catch {
        answer(.failure(error))
      }
    }
    func refuse(_ problem: Problem) {
      for answer in performed { answer(.failure(problem)) }
      for (_, answer) in opened { answer(.failure(problem)) }
    }
    do throws(StoreError) {
      try record(Recording(events, in: state), &state, isPatient: false)
      for answer in performed { answer(.success(())) }
      for (run, answer) in opened { answer(.success(run)) }
    } catch .full(let why) {
      state = before
      refuse(Problem(diskFull: why))
    } catch {
      refuse(Problem(.busy, "\(error)", retryAfter: .seconds(1)))
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
    for run in tick.cancellations { makings.change { $0[run] }?.cancel() }
    for launch in tick.launches where !crowded.contains(launch) { make(launch, state) }
    for pool in tick.expiries {
      _ = try persist { (store, now) throws(StoreError) in
        try store.expire(pool: pool, at: now, limit: Limits.expirySlice)
      }
    }
    for pool in tick.lapses {
      _ = try persist { (store, now) throws(StoreError) in
        try store.lapse(pool: pool, at: now, limit: Limits.lapseSlice)
      }
    }
    for pool in tick.markings {
      let changed = try persist { (store, now) throws(StoreError) in
        try store.markStale(in: pool, at: now, limit: Limits.expirySlice)
      }
      if changed < Limits.expirySlice { state.marked(pool) }
    }
    try study(tick.studies, &state)
    for run in tick.ended where !refused.contains(run.id) { observer.ended(run) }
    fills.change { fills in
      for pool in tick.examined {
        fills[pool] = ExpectedFill(
          at: state.expectedFill(of: pool, at: now),
          backorderRunTime: state.status(of: pool)?.backorderRunTime(at: now))
      }
    }
    guard state.isSettled, tick.expiries.isEmpty, tick.lapses.isEmpty else { return now }
    settled.change { $0 = now }
    return tick.deadline
  }

  /// Reads what pools are sized from. What requests found nothing and wait to be written comes first.
  private func study(
    _ studies: [Study], _ state: inout EngineState
  ) throws(StoreError) {
    guard !studies.isEmpty else { return }
    let statuses = studies.map { state.status(of: $0.pool) }
    let now = clock()
    try persist { (store, _) throws(StoreError) in
      if store.demandWaits { try store.writeDemand() }
    }
    let evidence = try readers.read { (reader) throws(StoreError) in
      var evidence: [StockPlan.Evidence] = []
      for (study, status) in zip(studies, statuses) {
        evidence.append(
          try status.map { (status) throws(StoreError) in
            try reader.evidence(of: status, from: study.from, at: now)
          } ?? StockPlan.Evidence())
      }
      return evidence
    }
    for (study, evidence) in zip(studies, evidence) { state.studied(study, evidence, at: now) }
  }

  /// Puts events on disk. Gives the runs that were refused, since they took place before, and
  /// the slices that were taken back, since there is no room for them any more.
  ///
  /// - Parameter isPatient: whether to wait until a full disk has room.
  @discardableResult
  private func record(
    _ recording: Recording, _ state: inout EngineState, isPatient: Bool = true
  ) throws(StoreError) -> (refused: Set<String>, crowded: [Launch]) {
    guard !recording.isEmpty else { return ([], []) }
    let work = { @Sendable [inbox] (store: any Store, now: Instant) throws(StoreError) in
      try recording.record(in: store, at: now) { changes in
        inbox.change { inbox in
          inbox.stocks.merge(changes) { $1 }
          return inbox.stocks
        }
      }
    }
    let done = try isPatient ? persist(work) : writer.perform(work)
    for launch in done.crowded { state.takeBack(launch) }
    for run in done.refused { state.refused(run) }
    return (Set(done.refused.map(\.id)), done.crowded)
  }

  /// Has the store do something, again and again while its disk is full. Nothing is decided meanwhile,
  /// and what was decided stays so. A stop ends the wait with the error.
  private func persist<Value: Sendable>(
    _ work: @escaping @Sendable (any Store, Instant) throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    while true {
      do throws(StoreError) {
        return try writer.perform(work)
      } catch .full(let why) {
        guard waitForRoom(why) else { throw .full(why) }
      }
    }
  }

  /// Waits for a moment, and refuses meanwhile what is asked of the engine; false where it stops.
  private func waitForRoom(_ why: String) -> Bool {
    let end = ContinuousClock.now + Limits.pauseAfterTrouble
    while true {
      let left = end - .now
      guard left > .zero else { return true }
      let news = inbox.take(within: left) { inbox -> (stopping: Bool, orders: Orders)? in
        guard inbox.stopping || !inbox.orders.isEmpty else { return nil }
        // What was asked for when it stops is answered at the end.
        if inbox.stopping { return (true, Orders()) }
        defer { inbox.orders = Orders() }
        return (false, inbox.orders)
      }
      guard let news else { return true }
      if news.stopping { return false }
      news.orders.refuse(Problem(diskFull: why))
    }
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
    let halt = Mailbox(false)
    let maker = SliceMaker(
      launch: launch, spec: spec, process: process, writer: writer, halt: halt,
      waits: { [observer] in observer.trouble("\(launch.pool): \($0)") }
    ) { [inbox] result, stocks in
      inbox.change { inbox in
        inbox.stocks.merge(stocks) { $1 }
        inbox.results.append((launch, result))
      }
    }
    let isStarted = makings.change { makings in
      guard let thread = WorkThread(ifPossible: "producer", { maker.make() }) else { return false }
      makings[launch.run] = Making(thread: thread, process: process, halt: halt)
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
    for making in all { making.cancel() }
    for making in all { making.thread.join() }
    inbox.change { $0.results = [] }
  }
}
