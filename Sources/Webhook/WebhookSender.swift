import Engine
import Larder

/// Pushes what the store has to push: at least once each, in order per claim, several at once.
///
/// Its loop looks for pushes that are due and hands them to threads that post. It sleeps while
/// nothing is due, and altogether where nothing waits.
package final class WebhookSender: Sendable {
  /// The store's side. Called on the sender's threads, several at once.
  package struct Outbox: Sendable {
    /// The first pushes that wait, one a claim at most, of those whose time has come, at most so
    /// many, and when the next one's comes. Those of the pools that are named are left out of the
    /// first; a store that does not is less fair to the other pools, and nothing else.
    package var due:
      @Sendable (_ now: Instant, _ limit: Int, _ without: Set<String>) throws(StoreError) -> (
        due: [Delivery], next: Instant?
      )
    /// A push arrived, or has nowhere to go any more.
    package var delivered: @Sendable (_ id: String) throws(StoreError) -> Void
    /// A push failed and is tried again.
    package var failed: @Sendable (_ id: String, _ nextTryAt: Instant) throws(StoreError) -> Void

    package init(
      due:
        @escaping @Sendable (
          _ now: Instant, _ limit: Int, _ without: Set<String>
        ) throws(StoreError) -> (due: [Delivery], next: Instant?),
      delivered: @escaping @Sendable (_ id: String) throws(StoreError) -> Void,
      failed: @escaping @Sendable (_ id: String, _ nextTryAt: Instant) throws(StoreError) -> Void
    ) {
      self.due = due
      self.delivered = delivered
      self.failed = failed
    }
  }

  /// Who is told what happens, on the sender's threads.
  package struct Observer: Sendable {
    /// A try failed, and another one is to come.
    package var failed: @Sendable (WebhookSetback) -> Void
    /// A push was given up, since its pool has no webhook any more.
    package var dropped: @Sendable (_ id: String, _ pool: String, _ claim: String) -> Void
    /// The store refused.
    package var trouble: @Sendable (StoreError) -> Void

    package init(
      failed: @escaping @Sendable (WebhookSetback) -> Void,
      dropped: @escaping @Sendable (_ id: String, _ pool: String, _ claim: String) -> Void,
      trouble: @escaping @Sendable (StoreError) -> Void
    ) {
      self.failed = failed
      self.dropped = dropped
      self.trouble = trouble
    }
  }

  private struct State {
    /// There may be more to post than was seen.
    var isNew = true
    var stopping = false
    var underWay = UnderWay()
    /// What no thread has taken yet.
    var jobs: [Delivery] = []
    /// One a thread, while it has one.
    var posters: [WebhookPoster?] = Array(repeating: nil, count: Limits.webhookPosts)
  }

  private let outbox: Outbox
  private let webhook: @Sendable (_ pool: String) -> WebhookSpec?
  private let bounds: WebhookPoster.Bounds
  private let clock: @Sendable () -> Instant
  private let observer: Observer
  private let state = Mailbox(State())
  private let threads = Mailbox<[WorkThread]>([])

  /// - Parameter webhook: the webhook of a pool's definition in force; nil where it has none.
  ///   Called on the sender's threads, once for each try.
  package init(
    outbox: Outbox, bounds: WebhookPoster.Bounds = WebhookPoster.Bounds(),
    clock: @escaping @Sendable () -> Instant = Instant.now, observer: Observer,
    webhook: @escaping @Sendable (_ pool: String) -> WebhookSpec?
  ) {
    self.outbox = outbox
    self.bounds = bounds
    self.clock = clock
    self.observer = observer
    self.webhook = webhook
  }

  /// Starts to push, beginning with what waits already.
  package func start() {
    threads.change { threads in
      threads = [WorkThread("webhooks") { [self] in run() }]
      for index in 0..<Limits.webhookPosts {
        threads.append(WorkThread("webhook-\(index)") { [self] in post(index) })
      }
    }
  }

  /// Says that there may be something new to push. From any thread.
  package func wake() {
    state.change { $0.isNew = true }
  }

  /// Cuts off the posts that are under way, which are tried again after the next start, and waits
  /// for the threads. The store must still answer.
  package func stop() {
    state.change { state in
      state.stopping = true
      for poster in state.posters { poster?.cancel() }
    }
    threads.change { threads in
      for thread in threads { thread.join() }
      threads = []
    }
  }

  // MARK: - The loop

  private func run() {
    var next: Instant?
    while waitForWork(until: next) { next = handOut() }
  }

  /// Waits for news or a time of the clock; false when the sender stops.
  private func waitForWork(until next: Instant?) -> Bool {
    while true {
      // In short sleeps, so that a jump of the clock is noticed.
      let span = next.map { min($0 - clock(), Limits.longestSleep) }
      let news = state.take(within: span) { state -> Bool? in
        if state.stopping { return false }
        guard state.isNew else { return nil }
        state.isNew = false
        return true
      }
      if let news { return news }
      if let next, clock() >= next { return true }
    }
  }

  /// Hands what is due to threads, as far as there are any, and says when more will be due.
  private func handOut() -> Instant? {
    while true {
      // What is under way before the store is read: a push that ends meanwhile is still among what
      // the store gives, and must not be posted again.
      let before = state.change { $0.underWay }
      guard before.hasRoom else { return nil }
      let limit = 2 * Limits.webhookPosts
      let now = clock()
      let found: (due: [Delivery], next: Instant?)
      do throws(StoreError) {
        found = try outbox.due(now, limit, before.fullPools)
      } catch {
        observer.trouble(error)
        return now + Limits.pauseAfterTrouble
      }
      let count = found.due.count { !before.has($0) && begin($0) }
      if count == 0 || found.due.count < limit {
        return found.next.map { $0 > now ? $0 : now + Limits.longestSleep }
      }
    }
  }

  /// Queues a push for a thread, unless it must wait for others.
  private func begin(_ delivery: Delivery) -> Bool {
    state.change { state in
      guard state.underWay.begin(delivery) else { return false }
      state.jobs.append(delivery)
      return true
    }
  }

  // MARK: - The threads that post

  private enum Job {
    case post(Delivery)
    /// The connections have been kept long enough.
    case close
    case stop
  }

  private func post(_ index: Int) {
    var kept: WebhookPoster?
    while true {
      switch nextJob(within: kept == nil ? nil : Limits.webhookIdle) {
      case .stop: return
      case .close:
        kept = nil
        state.change { $0.posters[index] = nil }
      case .post(let delivery):
        let poster = kept ?? WebhookPoster(bounds: bounds)
        kept = poster
        let isStopping = state.change { state in
          state.posters[index] = poster
          return state.stopping
        }
        // Whoever stops the sender may have looked before the poster was there.
        if isStopping { return }
        send(delivery, poster)
        state.change { state in
          state.underWay.end(delivery)
          state.isNew = true
        }
      }
    }
  }

  private func nextJob(within span: Duration?) -> Job {
    let job = state.take(within: span) { state -> Job? in
      if state.stopping { return .stop }
      return state.jobs.isEmpty ? nil : .post(state.jobs.removeFirst())
    }
    return job ?? .close
  }

  private func send(_ delivery: Delivery, _ poster: WebhookPoster) {
    guard let webhook = webhook(delivery.pool) else {
      observer.dropped(delivery.id, delivery.pool, delivery.claim)
      return record { () throws(StoreError) in try outbox.delivered(delivery.id) }
    }
    switch poster.post(delivery, to: webhook, at: clock()) {
    case .accepted:
      record { () throws(StoreError) in try outbox.delivered(delivery.id) }
    case .cancelled:
      return
    case .failed(let why):
      var random = SystemRandomNumberGenerator()
      let tries = delivery.attempts + 1
      let nextTryAt = clock() + WebhookRetry.wait(after: tries, using: &random)
      observer.failed(
        WebhookSetback(
          id: delivery.id, pool: delivery.pool, claim: delivery.claim, attempt: tries, why: why,
          nextTryAt: nextTryAt))
      record { () throws(StoreError) in try outbox.failed(delivery.id, nextTryAt) }
    }
  }

  /// Has the store keep what came of a post, however often it refuses: a host whose answer was
  /// forgotten would get the same push without an end.
  private func record(_ write: () throws(StoreError) -> Void) {
    while true {
      do throws(StoreError) {
        return try write()
      } catch {
        observer.trouble(error)
        let isStopping = state.take(within: Limits.pauseAfterTrouble) { $0.stopping ? true : nil }
        if isStopping == true { return }
      }
    }
  }
}
