import Larder

/// The writer thread: it alone calls the store. Between two batches of claims it does one piece
/// of other work, so that no piece keeps claims waiting for longer than itself.
package final class StoreWriter: Sendable {
  /// A bounded piece of work, which goes on after the last one's cursor.
  package typealias SliceOfWork =
    @Sendable (
      _ store: any Store, _ now: Instant, _ after: String?, _ limit: Int
    ) throws(StoreError) -> Piece
  package typealias ClaimAnswer = @Sendable (Result<ClaimOutcome, StoreError>) -> Void

  private struct Work {
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
  }

  private enum Job {
    case orders([Waiting])
    case work(Work)
    case demand
    case stop
  }

  private let queue = Mailbox(Queue())
  private let clock: @Sendable () -> Instant
  /// A closure that is itself the state of a generic box is wrapped once more each time that the box
  /// is opened, so that calling it costs more and more: these stand in a structure.
  private struct Observers {
    var stocks: (@Sendable ([String: Stock]) -> Void)?
    var resolved: [@Sendable ([String]) -> Void] = []
  }

  private let observers = Mailbox(Observers())
  private let failure: @Sendable (StoreError) -> Void

  /// Takes the store over and starts the thread.
  ///
  /// - Parameter failure: called once, on the writer's thread, when a commit's outcome is unknown:
  ///   the process has to answer what it can and end.
  package init(
    store: sending any Store, clock: @escaping @Sendable () -> Instant = Instant.now,
    failure: @escaping @Sendable (StoreError) -> Void
  ) {
    self.clock = clock
    self.failure = failure
    nonisolated(unsafe) let store = store  // handed over to the thread, which alone uses it
    thread = Mailbox(nil)
    thread.change { $0 = WorkThread("store-writer") { [self] in run(store) } }
  }

  private let thread: Mailbox<WorkThread?>

  /// Who is told, on the writer's thread, which pools' stock a transaction changed.
  package func observe(_ observer: @escaping @Sendable ([String: Stock]) -> Void) {
    observers.change { $0.stocks = observer }
  }

  /// One more who is told, on the writer's thread, which claims a transaction resolved: before
  /// anybody is answered, and when readers see it.
  package func observeResolved(_ observer: @escaping @Sendable ([String]) -> Void) {
    observers.change { $0.resolved.append(observer) }
  }

  /// Queues a claim order; false when too many wait. The answer comes on the writer's thread, when
  /// what was decided is on disk.
  package func decide(_ order: ClaimOrder, _ answer: @escaping ClaimAnswer) -> Bool {
    queue.change { queue in
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
  package func submit<Value: Sendable>(
    _ work: @escaping @Sendable (any Store, Instant) throws(StoreError) -> Value,
    _ answer: @escaping @Sendable (Result<Value, StoreError>) -> Void
  ) -> Bool {
    enqueue(work, answer, atMost: Limits.waitingWrites)
  }

  /// Queues work that is done in slices, each a transaction of its own with claims between it and
  /// the next, until one says that there is no more or `limit` is reached. False when too much
  /// waits; once begun it keeps its place. The answer, with what all slices did, comes on the
  /// writer's thread.
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
        guard case .success(var progress) = result else { return answer(result) }
        progress.done += before.done
        guard progress.more, progress.done < limit else { return answer(.success(progress)) }
        if !slice(size, limit, progress, work, answer, atMost: .max) {
          answer(.failure(Self.stopping))
        }
      }, atMost: waiting)
  }

  private func enqueue<Value: Sendable>(
    _ work: @escaping @Sendable (any Store, Instant) throws(StoreError) -> Value,
    _ answer: @escaping @Sendable (Result<Value, StoreError>) -> Void, atMost limit: Int
  ) -> Bool {
    queue.change { queue in
      guard !queue.stopping, queue.works.count < limit else { return false }
      let work = Work { [clock] store in
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
  package func perform<Value: Sendable>(
    _ work: @escaping @Sendable (any Store, Instant) throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    let box = Mailbox<Result<Value, StoreError>?>(nil)
    guard enqueue(work, { result in box.change { $0 = result } }, atMost: .max) else {
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

  private func run(_ store: any Store) {
    var demandDue: ContinuousClock.Instant?
    while true {
      var error: StoreError?
      switch next(orDemandAt: demandDue) {
      case .stop:
        store.close()
        return
      case .orders(let batch):
        error = decide(batch, store)
        // One piece of other work between two batches of claims.
        if error == nil,
          let work = queue.change({ $0.works.isEmpty ? nil : $0.works.removeFirst() })
        {
          error = perform(work, store)
        }
      case .work(let work):
        error = perform(work, store)
      case .demand:
        error = writeDemand(store)
        demandDue = nil
      }
      if let error {
        failure(error)
        refuseAll(error)
        store.close()
        return
      }
      demandDue = store.demandWaits ? demandDue ?? .now + Limits.demandDelay : nil
    }
  }

  /// Answers everything with the error until the writer is stopped: nobody knows what the store
  /// holds, so nothing more may be asked of it.
  private func refuseAll(_ error: StoreError) {
    while true {
      switch next() {
      case .stop: return
      case .demand: continue
      case .orders(let batch): for entry in batch { entry.answer(.failure(error)) }
      case .work(let work): work.refuse(error)
      }
    }
  }

  /// - Parameter due: when demand that waits is written, whatever else there is to do.
  private func next(orDemandAt due: ContinuousClock.Instant? = nil) -> Job {
    let span = due.map { $0 - .now }
    if let span, span <= .zero { return .demand }
    let job = queue.take(within: span) { queue -> Job? in
      if !queue.orders.isEmpty {
        let batch = Array(queue.orders.prefix(Limits.claimBatch))
        queue.orders.removeFirst(batch.count)
        return .orders(batch)
      }
      if !queue.works.isEmpty { return .work(queue.works.removeFirst()) }
      return queue.stopping ? .stop : nil
    }
    return job ?? .demand
  }

  /// Decides a batch of orders; gives an error only where the store is lost.
  private func decide(_ batch: [Waiting], _ store: any Store) -> StoreError? {
    do throws(StoreError) {
      let outcomes = try store.decide(batch.map(\.order), at: clock())
      tellChanges(store)
      for (entry, outcome) in zip(batch, outcomes) { entry.answer(.success(outcome)) }
      return nil
    } catch {
      for entry in batch { entry.answer(.failure(error)) }
      return Self.isLost(error) ? error : nil
    }
  }

  /// Does a piece of other work; gives an error only where the store is lost.
  private func perform(_ work: Work, _ store: any Store) -> StoreError? {
    let (error, answer) = work.perform(store)
    defer { answer() }
    if let error, Self.isLost(error) { return error }
    tellChanges(store)
    return nil
  }

  /// Writes the demand that waits; gives an error only where the store is lost. What could not be
  /// written goes on waiting.
  private func writeDemand(_ store: any Store) -> StoreError? {
    do throws(StoreError) {
      try store.writeDemand()
      return nil
    } catch {
      return Self.isLost(error) ? error : nil
    }
  }

  private static func isLost(_ error: StoreError) -> Bool {
    if case .unknownCommit = error { true } else { false }
  }

  /// Tells the observers of changed stock and resolved claims, before anybody is answered: who acts
  /// on an answer, say by asking for a run, must find that the stock has changed.
  private func tellChanges(_ store: any Store) {
    let resolved = store.takeResolved()
    if !resolved.isEmpty {
      for observer in observers.change({ $0.resolved }) { observer(resolved) }
    }
    guard let changes = try? store.takeChanges(), !changes.isEmpty else { return }
    observers.change { $0.stocks }?(changes)
  }
}
