import Larder

/// The writer thread: it alone calls the store. Between two batches of claims it does one piece
/// of other work, so that no piece keeps claims waiting for longer than itself.
package final class StoreWriter: Sendable {
  package typealias ClaimAnswer = @Sendable (Result<ClaimOutcome, StoreError>) -> Void

  private struct Work {
    /// Does the work, and gives the error if there was one, and what answers it.
    var perform: @Sendable (any Store) -> (error: StoreError?, answer: () -> Void)
    /// Answers without doing it.
    var refuse: @Sendable (StoreError) -> Void
  }

  private struct Queue {
    var claims: [(request: ClaimRequest, answer: ClaimAnswer)] = []
    var works: [Work] = []
    var stopping = false
  }

  private enum Job {
    case claims([(request: ClaimRequest, answer: ClaimAnswer)])
    case work(Work)
    case demand
    case stop
  }

  private let queue = Mailbox(Queue())
  private let clock: @Sendable () -> Instant
  private let observer = Mailbox<(@Sendable ([String: Stock]) -> Void)?>(nil)
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
    self.observer.change { $0 = observer }
  }

  /// Queues a claim; false when too many wait. The answer comes on the writer's thread, when the
  /// claim is on disk.
  package func claim(_ request: ClaimRequest, _ answer: @escaping ClaimAnswer) -> Bool {
    queue.change { queue in
      guard !queue.stopping, queue.claims.count < Limits.waitingClaims else { return false }
      queue.claims.append((request, answer))
      return true
    }
  }

  /// Queues other work; false when too much waits. The answer comes on the writer's thread.
  package func submit<Value: Sendable>(
    _ work: @escaping @Sendable (any Store, Instant) throws(StoreError) -> Value,
    _ answer: @escaping @Sendable (Result<Value, StoreError>) -> Void
  ) -> Bool {
    enqueue(work, answer, atMost: Limits.waitingWrites)
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
      throw .failed("the store is stopping")
    }
    guard let result = box.take({ $0 }) else { preconditionFailure("waited without an end") }
    return try result.get()
  }

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
      case .claims(let batch):
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
      case .claims(let batch): for entry in batch { entry.answer(.failure(error)) }
      case .work(let work): work.refuse(error)
      }
    }
  }

  /// - Parameter due: when demand that waits is written, whatever else there is to do.
  private func next(orDemandAt due: ContinuousClock.Instant? = nil) -> Job {
    let span = due.map { $0 - .now }
    if let span, span <= .zero { return .demand }
    let job = queue.take(within: span) { queue -> Job? in
      if !queue.claims.isEmpty {
        let batch = Array(queue.claims.prefix(Limits.claimBatch))
        queue.claims.removeFirst(batch.count)
        return .claims(batch)
      }
      if !queue.works.isEmpty { return .work(queue.works.removeFirst()) }
      return queue.stopping ? .stop : nil
    }
    return job ?? .demand
  }

  /// Decides a batch of claims; gives an error only where the store is lost.
  private func decide(
    _ batch: [(request: ClaimRequest, answer: ClaimAnswer)], _ store: any Store
  ) -> StoreError? {
    do throws(StoreError) {
      let outcomes = try store.claim(batch.map(\.request), at: clock())
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

  /// Tells the observer of changed stock, before anybody is answered: who acts on an answer, say
  /// by asking for a run, must find that the stock has changed.
  private func tellChanges(_ store: any Store) {
    guard let changes = try? store.takeChanges(), !changes.isEmpty else { return }
    observer.change { $0 }?(changes)
  }
}
