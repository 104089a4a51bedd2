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

  struct Work {
    /// About how many bytes of items it stores, and whether they were made already; nil where it
    /// stores none.
    var filling: Filling?
    /// Does the work, and gives the error if there was one, and what answers it.
    var perform: @Sendable (any Store) -> (error: StoreError?, answer: () -> Void)
    /// Answers without doing it.
    var refuse: @Sendable (StoreError) -> Void
  }

  typealias Waiting = (order: ClaimOrder, answer: ClaimAnswer)

  struct Queue {
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
  enum DeskUser {
    case writer, nobody, caller
  }

  /// What deciding needs, and what is to be done after it.
  final class Desk: @unchecked Sendable {
    // Unchecked: only whom the queue names as its user touches it.
    let store: any Store
    var guarding = DiskGuard()
    var agenda = Agenda()
    var turns = WorkTurns()
    /// The store is lost, and the writer has yet to deal with it.
    var error: StoreError?

    init(_ store: any Store) { self.store = store }
  }

  enum Job {
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

  let queue = Mailbox(Queue())
  let desk: Desk
  let clock: @Sendable () -> Instant
  let serves: Bool
  let observers = StoreObservers()
  /// What the disk allows, as the writer's thread saw it last.
  let diskSeen = Mailbox(Disk())

  let failure: @Sendable (StoreError) -> Void

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
  struct Agenda {
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
}
