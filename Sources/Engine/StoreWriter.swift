import Larder

/// The writer thread: it alone calls the store. Between two batches of claims it does one piece
/// of other work, so that no piece keeps claims waiting for longer than itself.
package final class StoreWriter: Sendable {
  package typealias ClaimAnswer = @Sendable (Result<ClaimOutcome, StoreError>) -> Void
  private typealias Work = @Sendable (any Store) -> StoreError?

  private struct Queue {
    var claims: [(request: ClaimRequest, answer: ClaimAnswer)] = []
    var works: [Work] = []
    var stopping = false
    var stopped = false
  }

  private enum Job {
    case claims([(request: ClaimRequest, answer: ClaimAnswer)])
    case work(Work)
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
    queue.change { queue in
      guard !queue.stopping, queue.works.count < Limits.waitingWrites else { return false }
      queue.works.append { [clock] store in
        do throws(StoreError) {
          let value = try work(store, clock())
          answer(.success(value))
          return nil
        } catch {
          answer(.failure(error))
          return error
        }
      }
      return true
    }
  }

  /// Does work on the writer's thread and waits for it. Not to be called from that thread, nor
  /// from one that must not block.
  package func perform<Value: Sendable>(
    _ work: @escaping @Sendable (any Store, Instant) throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    let box = Mailbox<Result<Value, StoreError>?>(nil)
    guard submit(work, { result in box.change { $0 = result } }) else {
      throw .failed("the store is stopping, or too much waits for it")
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
    while true {
      switch next() {
      case .stop:
        store.close()
        return
      case .claims(let batch): decide(batch, store)
      case .work(let work):
        let error = work(store)
        finish(store, error)
      }
      // One piece of other work between two batches of claims.
      if let work = queue.change({ $0.works.isEmpty ? nil : $0.works.removeFirst() }) {
        let error = work(store)
        finish(store, error)
      }
    }
  }

  private func next() -> Job {
    let job = queue.take { queue -> Job? in
      if !queue.claims.isEmpty {
        let batch = Array(queue.claims.prefix(Limits.claimBatch))
        queue.claims.removeFirst(batch.count)
        return .claims(batch)
      }
      if !queue.works.isEmpty { return .work(queue.works.removeFirst()) }
      return queue.stopping ? .stop : nil
    }
    return job ?? .stop
  }

  private func decide(
    _ batch: [(request: ClaimRequest, answer: ClaimAnswer)], _ store: any Store
  ) {
    do throws(StoreError) {
      let outcomes = try store.claim(batch.map(\.request), at: clock())
      for (entry, outcome) in zip(batch, outcomes) { entry.answer(.success(outcome)) }
      finish(store, nil)
    } catch {
      for entry in batch { entry.answer(.failure(error)) }
      finish(store, error)
    }
  }

  private func finish(_ store: any Store, _ error: StoreError?) {
    if case .unknownCommit = error {
      failure(error ?? .failed(""))
      return
    }
    guard let changes = try? store.takeChanges(), !changes.isEmpty else { return }
    observer.change { $0 }?(changes)
  }
}
