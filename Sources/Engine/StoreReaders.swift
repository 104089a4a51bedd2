import Larder

/// Threads that read the store, each over a connection of its own, so that no reading waits for
/// the writer and none runs where it would hold up requests.
package final class StoreReaders: Sendable {
  private typealias Work = @Sendable (any StoreReader) -> Void

  private struct Queue {
    var works: [Work] = []
    var stopping = false
    var damage: (@Sendable (StoreError) -> Void)?
  }

  private let queue = Mailbox(Queue())
  private let threads = Mailbox<[WorkThread]>([])

  /// Opens `count` readers. Where one can't be opened, none is left.
  package init(
    count: Int = Limits.readerThreads,
    open: () throws(StoreError) -> sending any StoreReader
  ) throws(StoreError) {
    for index in 0..<count {
      let opened: any StoreReader
      do throws(StoreError) {
        opened = try open()
      } catch {
        stop()
        throw error
      }
      nonisolated(unsafe) let reader = opened  // handed over to the thread, which alone uses it
      let thread = WorkThread("store-reader-\(index)") { [queue] in
        while let work = Self.next(queue) { work(reader) }
        reader.close()
      }
      threads.change { $0.append(thread) }
    }
  }

  /// Who is told, on a reader's thread, that a reader found the store damaged.
  package func observeDamage(_ observer: @escaping @Sendable (StoreError) -> Void) {
    queue.change { $0.damage = observer }
  }

  private static func next(_ queue: Mailbox<Queue>) -> Work? {
    let work = queue.take { queue -> Work?? in
      if !queue.works.isEmpty { return .some(queue.works.removeFirst()) }
      return queue.stopping ? .some(nil) : nil
    }
    return work ?? nil
  }

  /// Queues a reading; false when too many wait. The answer comes on a reader's thread.
  package func read<Value: Sendable>(
    _ work: @escaping @Sendable (any StoreReader) throws(StoreError) -> Value,
    _ answer: @escaping @Sendable (Result<Value, StoreError>) -> Void
  ) -> Bool {
    enqueue(upTo: Limits.waitingReads, work, answer)
  }

  private func enqueue<Value: Sendable>(
    upTo limit: Int, _ work: @escaping @Sendable (any StoreReader) throws(StoreError) -> Value,
    _ answer: @escaping @Sendable (Result<Value, StoreError>) -> Void
  ) -> Bool {
    queue.change { [self] queue in
      guard !queue.stopping, queue.works.count < limit else { return false }
      queue.works.append { [self] reader in
        do throws(StoreError) {
          answer(.success(try work(reader)))
        } catch {
          if case .damaged = error { tellDamage(error) }
          answer(.failure(error))
        }
      }
      return true
    }
  }

  /// Reads and waits for it, as whoever has a thread of its own may. However much waits for a reader,
  /// it is queued: one thread asks for one reading at a time.
  package func read<Value: Sendable>(
    _ work: @escaping @Sendable (any StoreReader) throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    let box = Mailbox<Result<Value, StoreError>?>(nil)
    let isQueued = enqueue(upTo: .max, work) { answer in box.change { $0 = answer } }
    guard isQueued, let answer = box.take({ $0 }) else {
      throw .failed("the store is being closed")
    }
    return try answer.get()
  }

  private func tellDamage(_ error: StoreError) {
    queue.change { $0.damage }?(error)
  }

  /// Does what is queued, then ends the threads.
  package func stop() {
    queue.change { $0.stopping = true }
    for thread in threads.change({ $0 }) { thread.join() }
    threads.change { $0 = [] }
  }
}
