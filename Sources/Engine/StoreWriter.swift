import Larder

/// The writer thread: it alone calls the store, but for claims that come alone. Between two batches of
/// claims it does one piece of other work, so that no piece keeps claims waiting for longer than itself.
///
/// While it rests, it leaves its `Desk` to whoever has a claim and expects no others meanwhile: to hand
/// that over to another thread and the answer back takes longer than the claim.
package final class StoreWriter: Sendable {
  /// A bounded piece of work, which goes on after the last one's cursor.
  package typealias SliceOfWork =
    @Sendable (
      _ store: any Store, _ now: Instant, _ after: String?, _ limit: Int
    ) throws(StoreError) -> Piece
  package typealias ClaimAnswer = @Sendable (Result<ClaimOutcome, StoreError>) -> Void

  /// Items that are to be stored.
  package struct Filling: Sendable {
    /// About how much they take.
    package var bytes: Int
    /// Whether they were asked for before, and are lost if they are not stored.
    package var isMade: Bool

    package init(bytes: Int, isMade: Bool) {
      self.bytes = bytes
      self.isMade = isMade
    }
  }

  private struct Work {
    /// About how many bytes of items it stores, and whether they were made already; nil where it
    /// stores none.
    var filling: Filling?
    /// Does the work, and gives the error if there was one, and what answers it.
    var perform: @Sendable (any Store) -> (error: StoreError?, answer: () -> Void)
    /// Answers without doing it.
    var refuse: @Sendable (StoreError) -> Void
  }

  private typealias Waiting = (order: ClaimOrder, answer: ClaimAnswer)

  private struct Queue {
    var orders: [Waiting] = []
    var works: [Work] = []
    var stopping = false
    var user = DeskUser.writer
    /// When the writer wakes by itself.
    var wakesAt: ContinuousClock.Instant?
    /// Whether the desk was used while the writer rested, so that it has to look at it before.
    var mustLook = false
    /// Whether the writer waits for a caller to leave the desk.
    var isWanted = false
    var alone = AloneTurns()
  }

  /// Who may touch the desk: that changes under the queue's lock alone.
  private enum DeskUser {
    case writer, nobody, caller
  }

  /// What deciding needs, and what is to be done after it.
  private final class Desk: @unchecked Sendable {
    // Unchecked: only whom the queue names as its user touches it.
    let store: any Store
    var guarding = DiskGuard()
    var agenda = Agenda()
    var turns = WorkTurns()
    /// The store is lost, and the writer has yet to deal with it.
    var error: StoreError?

    init(_ store: any Store) { self.store = store }
  }

  private enum Job {
    case orders([Waiting])
    case work(Work)
    case demand
    case settle
    case service
    case look
    case news
    case upkeep
    case lost(StoreError)
    case stop
  }

  private let queue = Mailbox(Queue())
  private let desk: Desk
  private let clock: @Sendable () -> Instant
  private let serves: Bool
  private let observers = StoreObservers()
  /// What the disk allows, as the writer's thread saw it last.
  private let diskSeen = Mailbox(Disk())

  private let failure: @Sendable (StoreError) -> Void

  /// Takes the store over and starts the thread.
  ///
  /// - Parameters:
  ///   - serves: whether it is a server's, which notes while it counts what is asked for.
  ///   - failure: called once, on the writer's thread, when a commit's outcome is unknown: the
  ///     process has to answer what it can and end.
  package init(
    store: sending any Store, serves: Bool = false,
    clock: @escaping @Sendable () -> Instant = Instant.now,
    failure: @escaping @Sendable (StoreError) -> Void
  ) {
    self.serves = serves
    self.clock = clock
    self.failure = failure
    nonisolated(unsafe) let store = store  // handed over to the desk
    desk = Desk(store)
    thread = Mailbox(nil)
    thread.change { $0 = WorkThread("store-writer") { [self] in run() } }
  }

  private let thread: Mailbox<WorkThread?>

  /// Who is told, on the thread that decided, which pools' stock a transaction changed.
  ///
  /// - Parameter soonAfter: called within `Limits.newsDelay` from then on: where claims come one by one,
  ///   nobody need be woken for each.
  package func observe(
    _ observer: @escaping @Sendable ([String: Stock]) -> Void,
    soonAfter: (@Sendable () -> Void)? = nil
  ) {
    observers.change {
      $0.stocks = observer
      $0.afterStocks = soonAfter
    }
  }

  /// One more who is told, on the thread that decided, which claims a transaction resolved: before
  /// anybody is answered, and when readers see it.
  package func observeResolved(_ observer: @escaping @Sendable ([String]) -> Void) {
    observers.change { $0.resolved.append(observer) }
  }

  /// One more who is told, on the writer's thread, what the disk allows: when that changes, and once
  /// soon. It may be told the same again.
  package func observeDisk(_ observer: @escaping @Sendable (Disk) -> Void) {
    observers.change { $0.disk.append(observer) }
  }

  /// Who is told, on the writer's thread, of errors that clients were answered with: now and then,
  /// where there are many.
  package func observeTrouble(_ observer: @escaping @Sendable (StoreError) -> Void) {
    observers.change { $0.trouble = observer }
  }

  /// What the disk allows, as it was seen a moment ago.
  package var disk: Disk { diskSeen.change { $0 } }

  /// Gives the store up, as after a commit of unknown outcome, since somebody else found it damaged.
  package func give(up error: StoreError) {
    _ = enqueue(
      { (_, _) throws(StoreError) in throw error }, { (_: Result<Void, StoreError>) in },
      nil, atMost: .max)
  }

  /// Queues a claim order; false when too many wait. The answer comes on the writer's thread, when
  /// what was decided is on disk.
  ///
  /// - Parameter alone: whether the caller expects no other order meanwhile and may wait for the disk. If
  ///   the writer rests, the order is then decided and answered before this returns.
  package func decide(
    _ order: ClaimOrder, alone: Bool = false, _ answer: @escaping ClaimAnswer
  ) -> Bool {
    if alone, takeDesk() {
      decideAlone((order, answer))
      return true
    }
    return queue.change { queue in
      guard !queue.stopping, queue.orders.count < Limits.waitingClaims else { return false }
      queue.orders.append((order, answer))
      return true
    }
  }

  /// Queues a request for items, as `decide` does.
  package func claim(_ request: ClaimRequest, _ answer: @escaping ClaimAnswer) -> Bool {
    decide(.request(request), answer)
  }

  /// Queues other work; false when too much waits. The answer comes on the writer's thread.
  ///
  /// - Parameter filling: what it stores, which is refused as `.full` while filling has stopped.
  package func submit<Value: Sendable>(
    filling: Filling? = nil,
    _ work: @escaping @Sendable (any Store, Instant) throws(StoreError) -> Value,
    _ answer: @escaping @Sendable (Result<Value, StoreError>) -> Void
  ) -> Bool {
    enqueue(work, answer, filling, atMost: Limits.waitingWrites)
  }

  /// Queues work that is done in slices, each a transaction of its own with claims between it and
  /// the next, until one says that there is no more or `limit` is reached. False when too much
  /// waits; once begun it keeps its place. The answer, with what all slices did, comes on the
  /// writer's thread. Slices that find no room on the disk become smaller: they may be what makes
  /// room.
  ///
  /// - Parameter work: does about so much and says what it did.
  package func submit(
    inSlicesOf size: Int, limit: Int = .max, _ work: @escaping SliceOfWork,
    _ answer: @escaping @Sendable (Result<Piece, StoreError>) -> Void
  ) -> Bool {
    slice(size, limit, Piece(done: 0, more: true), work, answer, atMost: Limits.waitingWrites)
  }

  private func slice(
    _ size: Int, _ limit: Int, _ before: Piece,
    _ work: @escaping SliceOfWork,
    _ answer: @escaping @Sendable (Result<Piece, StoreError>) -> Void, atMost waiting: Int
  ) -> Bool {
    enqueue(
      { (store, now) throws(StoreError) in
        try work(store, now, before.cursor, min(size, limit - before.done))
      },
      { [self] result in
        if case .failure(.full) = result, size > 1 {
          let smaller = max(1, size / 8)
          if slice(smaller, limit, before, work, answer, atMost: .max) { return }
        }
        guard case .success(var progress) = result else { return answer(result) }
        progress.done += before.done
        guard progress.more, progress.done < limit else { return answer(.success(progress)) }
        if !slice(size, limit, progress, work, answer, atMost: .max) {
          answer(.failure(Self.stopping))
        }
      }, nil, atMost: waiting)
  }

  private func enqueue<Value: Sendable>(
    _ work: @escaping @Sendable (any Store, Instant) throws(StoreError) -> Value,
    _ answer: @escaping @Sendable (Result<Value, StoreError>) -> Void,
    _ filling: Filling?, atMost limit: Int
  ) -> Bool {
    queue.change { queue in
      guard !queue.stopping, queue.works.count < limit else { return false }
      let work = Work(filling: filling) { [clock] store in
        do throws(StoreError) {
          let value = try work(store, clock())
          return (nil, { answer(.success(value)) })
        } catch {
          return (error, { answer(.failure(error)) })
        }
      } refuse: { error in
        answer(.failure(error))
      }
      queue.works.append(work)
      return true
    }
  }

  /// Does work on the writer's thread and waits for it. Not to be called from that thread, nor
  /// from one that must not block. A full queue refuses nothing here: a thread waits for one piece
  /// of work, and clients that flood the queue must not stop the engine and its producers.
  ///
  /// - Parameter filling: as in `submit`.
  package func perform<Value: Sendable>(
    filling: Filling? = nil,
    _ work: @escaping @Sendable (any Store, Instant) throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    let box = Mailbox<Result<Value, StoreError>?>(nil)
    guard enqueue(work, { result in box.change { $0 = result } }, filling, atMost: .max) else {
      throw Self.stopping
    }
    guard let result = box.take({ $0 }) else { preconditionFailure("waited without an end") }
    return try result.get()
  }

  private static let stopping = StoreError.failed("the store is stopping")

  /// Does what is queued, then closes the store.
  package func stop() {
    queue.change { $0.stopping = true }
    thread.change { thread in
      thread?.join()
      thread = nil
    }
  }

  /// When the thread has something to do without being asked.
  private struct Agenda {
    /// When demand that waits is written.
    var demand: ContinuousClock.Instant?
    /// When grants are settled.
    var settle: ContinuousClock.Instant?
    /// When it is noted that requests are counted.
    var service: ContinuousClock.Instant?
    /// When the disk is looked at.
    var look: ContinuousClock.Instant?
    /// When whoever follows the stock is told that it changed.
    var news: ContinuousClock.Instant?

    var next: ContinuousClock.Instant? {
      [demand, settle, service, look, news].compactMap { $0 }.min()
    }

    /// What is to be done at a time, the first of which `next` gave.
    func job(at time: ContinuousClock.Instant?) -> Job {
      if settle == time { return .settle }
      if news == time { return .news }
      if service == time { return .service }
      return demand == time ? .demand : .look
    }
  }

  private func run() {
    let store = desk.store
    if serves { desk.agenda.service = .now }
    tell(desk.guarding.look(store))
    planAhead()
    while true {
      var error: StoreError?
      switch next() {
      case .stop:
        if serves { _ = noteService(store) }
        store.close()
        return
      case .lost(let final):
        error = final
      case .orders(let batch):
        error = decideAndNote(batch)
        // One piece of other work between two batches of claims, when it is its turn.
        if error == nil, desk.turns.isDue(.now),
          let work = queue.change({ $0.works.isEmpty ? nil : $0.works.removeFirst() })
        {
          error = perform(work)
        }
        if error == nil, store.upkeepWaits { error = keepUp(store) }
      case .work(let work):
        error = perform(work)
      case .upkeep:
        error = keepUp(store)
      case .demand:
        error = write(store) { (store) throws(StoreError) in try store.writeDemand() }
        desk.agenda.demand = nil
      case .settle:
        error = write(store) { (store) throws(StoreError) in try store.settle() }
        desk.agenda.settle = store.grantsWait ? .now + Limits.diskRetry : nil
      case .service:
        error = noteService(store)
        desk.agenda.service = .now + nextBin
      case .look:
        error = desk.guarding.lookAndTry(store)
      case .news:
        observers.tellAfterStocks()
        desk.agenda.news = nil
      }
      tell(desk.guarding.disk)
      if let error {
        failure(error)
        refuseAll(error)
        store.close()
        return
      }
      planAhead()
    }
  }

  /// Notes when what waits now is to be done.
  private func planAhead() {
    func time(
      _ planned: ContinuousClock.Instant?, _ waits: Bool, _ delay: Duration
    ) -> ContinuousClock.Instant? {
      waits ? planned ?? .now + delay : nil
    }
    let agenda = desk.agenda
    desk.agenda.settle = time(agenda.settle, desk.store.grantsWait, Limits.settleDelay)
    desk.agenda.demand = time(agenda.demand, desk.store.demandWaits, Limits.demandDelay)
    desk.agenda.news = time(agenda.news, observers.newsWaits, Limits.newsDelay)
    desk.agenda.look = desk.guarding.nextLook
  }

  // MARK: - Claims that come alone

  /// Whether the desk is the caller's from now on: the writer rests, and nothing waits for it.
  private func takeDesk() -> Bool {
    queue.leave { queue in
      guard queue.user == .nobody, queue.orders.isEmpty, queue.works.isEmpty, !queue.stopping,
        queue.alone.mayBegin()
      else { return false }
      queue.user = .caller
      return true
    }
  }

  /// Decides an order on the caller's thread, whose the desk is, and gives the desk back.
  private func decideAlone(_ waiting: Waiting) {
    let began = ContinuousClock.now
    desk.error = decideAndNote([waiting])
    let took = ContinuousClock.now - began
    tell(desk.guarding.disk)
    if desk.error == nil { planAhead() }
    let (error, next, upkeep) = (desk.error, desk.agenda.next, desk.store.upkeepWaits)
    let mustWake = queue.leave { queue in
      queue.alone.note(took)
      // A lost store is the writer's to deal with.
      queue.user = error == nil ? .nobody : .writer
      queue.mustLook = true
      let wakesInTime = next.map { next in queue.wakesAt.map { $0 <= next } ?? false } ?? true
      return error != nil || upkeep || queue.isWanted || !wakesInTime || !queue.orders.isEmpty
        || !queue.works.isEmpty || queue.stopping
    }
    if mustWake { queue.wake() }
  }

  /// Decides orders; gives an error only where the store is lost.
  private func decideAndNote(_ batch: [Waiting]) -> StoreError? {
    let error = decide(batch, desk.store, &desk.guarding)
    desk.turns.noteClaims(.now)
    desk.agenda.settle = nil
    return error
  }

  // MARK: - What is next

  /// Answers everything with the error until the writer is stopped: nobody knows what the store
  /// holds, so nothing more may be asked of it.
  private func refuseAll(_ error: StoreError) {
    while true {
      switch waitForJob(within: nil, works: true, resting: false) {
      case .orders(let batch): for entry in batch { entry.answer(.failure(error)) }
      case .work(let work): work.refuse(error)
      case .stop: return
      default: continue
      }
    }
  }

  /// Waits for what comes next. What is on the agenda comes first when its time has come, whatever else
  /// there is to do; the store's own work waits for a moment with nothing else.
  private func next() -> Job {
    while true {
      if let error = desk.error { return .lost(error) }
      let due = desk.agenda.next
      guard due.map({ $0 > .now }) ?? true else { return desk.agenda.job(at: due) }
      // Work that is there before its turn is looked at again when its turn has come.
      let mayWork = desk.turns.isDue(.now)
      let end = [due, mayWork ? nil : desk.turns.next].compactMap { $0 }.min()
      let upkeep = desk.store.upkeepWaits
      // Waits are counted in whole milliseconds.
      let span = upkeep ? .zero : end.map { max($0 - .now, .milliseconds(1)) }
      if let job = waitForJob(within: span, works: mayWork, resting: !upkeep) { return job }
      // The time is over: the desk is the writer's again, as soon as a caller leaves it.
      _ = queue.take { queue -> Bool? in
        queue.isWanted = queue.user == .caller
        guard !queue.isWanted else { return nil }
        (queue.user, queue.mustLook) = (.writer, false)
        return true
      }
      if upkeep { return .upkeep }
    }
  }

  /// Waits for something to do; nil when the time is over, or somebody used the desk.
  ///
  /// - Parameters:
  ///   - works: whether other work may be the job; it may in any case while the writer stops.
  ///   - resting: whether the desk is left to others meanwhile.
  private func waitForJob(within span: Duration?, works: Bool, resting: Bool) -> Job? {
    let wakesAt = span.map { ContinuousClock.now + $0 }
    let found = queue.take(within: span) { queue -> Job?? in
      guard queue.user != .caller else { return nil }
      queue.user = .writer
      // Before anything else: the store may be lost.
      if queue.mustLook { return .some(nil) }
      if !queue.orders.isEmpty {
        let batch = Array(queue.orders.prefix(Limits.claimBatch))
        queue.orders.removeFirst(batch.count)
        return Job.orders(batch)
      }
      if !queue.works.isEmpty, works || queue.stopping {
        return Job.work(queue.works.removeFirst())
      }
      if queue.stopping { return Job.stop }
      if resting { (queue.user, queue.wakesAt) = (.nobody, wakesAt) }
      return nil
    }
    return found ?? nil
  }

  /// Decides a batch of orders; gives an error only where the store is lost.
  private func decide(
    _ batch: [Waiting], _ store: any Store, _ guarding: inout DiskGuard
  ) -> StoreError? {
    do throws(StoreError) {
      let rest = try decideAtOnce(batch[...], store)
      if !rest.isEmpty { queue.change { $0.orders.insert(contentsOf: rest, at: 0) } }
      return nil
    } catch .full where batch.count > Limits.claimBatchWhenFull {
      return decideInParts(batch, store, &guarding)
    } catch {
      return refuse(batch, error, &guarding)
    }
  }

  /// Fewer claims at once may have room where more of them have none.
  private func decideInParts(
    _ batch: [Waiting], _ store: any Store, _ guarding: inout DiskGuard
  ) -> StoreError? {
    var rest = batch[...]
    while !rest.isEmpty {
      do throws(StoreError) {
        let left = try decideAtOnce(rest.prefix(Limits.claimBatchWhenFull), store)
        rest = rest[left.startIndex...]
      } catch {
        return refuse(Array(rest), error, &guarding)
      }
    }
    return nil
  }

  /// Decides what one transaction takes of a batch, and gives the rest.
  private func decideAtOnce(
    _ batch: ArraySlice<Waiting>, _ store: any Store
  ) throws(StoreError) -> ArraySlice<Waiting> {
    let outcomes = try store.decide(batch.map(\.order), at: clock())
    precondition(!outcomes.isEmpty, "a store that decides nothing would be asked for ever")
    observers.tellChanges(of: store)
    for (entry, outcome) in zip(batch, outcomes) { entry.answer(.success(outcome)) }
    return batch.dropFirst(outcomes.count)
  }

  /// Answers with an error, and gives it where the store is lost.
  private func refuse(
    _ batch: [Waiting], _ error: StoreError, _ guarding: inout DiskGuard
  ) -> StoreError? {
    // Before anybody is answered: whoever asks then finds that the server is not ready.
    if case .full = error { tell(guarding.foundFull()) }
    for entry in batch { entry.answer(.failure(error)) }
    return error.isFinal ? error : note(error)
  }

  /// Does a piece of other work; gives an error only where the store is lost.
  private func perform(_ work: Work) -> StoreError? {
    let store = desk.store
    let began = ContinuousClock.now
    defer { desk.turns.noteWork(began..<max(began, .now)) }
    if let filling = work.filling {
      tell(desk.guarding.look(store))
      if let why = desk.guarding.refusal(of: filling) {
        work.refuse(.full(why))
        return nil
      }
    }
    let (error, answer) = work.perform(store)
    defer { answer() }
    if let error, error.isFinal { return error }
    let lost = desk.guarding.note(error, of: work.filling, store)
    tell(desk.guarding.disk)
    if let lost { return lost }
    if let error { _ = note(error) }
    observers.tellChanges(of: store)
    return nil
  }

  /// Does a piece of the store's own work; gives an error only where the store is lost. What could not
  /// be done goes on waiting.
  private func keepUp(_ store: any Store) -> StoreError? {
    write(store) { (store) throws(StoreError) in try store.keepUp() }
  }

  private func noteService(_ store: any Store) -> StoreError? {
    write(store) { (store) throws(StoreError) in try store.noteService(at: clock()) }
  }

  /// How long it is until the next bin of demand begins.
  private var nextBin: Duration {
    let now = clock()
    return Demand.bin(of: now) + Demand.bin - now
  }

  private func write(
    _ store: any Store, _ work: (any Store) throws(StoreError) -> Void
  ) -> StoreError? {
    do throws(StoreError) {
      try work(store)
      return nil
    } catch {
      return error.isFinal ? error : note(error)
    }
  }

  /// Tells of an error that is not final, and gives none.
  private func note(_ error: StoreError) -> StoreError? {
    if error.isTrouble { observers.tell(of: error) }
    return nil
  }

  /// Lets others see what the disk allows.
  private func tell(_ disk: Disk) {
    diskSeen.change { $0 = disk }
    observers.tell(of: disk)
  }
}
