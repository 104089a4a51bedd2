import Engine
import Larder
import Lock

/// Calls that wait until a claim is no longer pending, or for so long as they want to.
///
/// A call is registered before its claim is read, and whoever resolves claims tells of it after
/// readers can see it: so either the first reading finds the claim resolved, or the news finds the
/// call. No call has a thread. One for all looks at claims that were resolved or whose callers'
/// time is over; it sleeps until the first deadline, and for good where there is none.
final class Waiters: Sendable {
  /// Nil: there is no such claim.
  typealias Answer = @Sendable (Result<Claim?, Problem>) -> Void

  private struct Waiter {
    var claim: String
    var deadline: ContinuousClock.Instant
    var answer: Answer
  }

  private struct State {
    var waiters: [Int: Waiter] = [:]
    var ofClaim: [String: Set<Int>] = [:]
    var lastNumber = 0
    /// Claims that were resolved since they were last looked at, if somebody waits for them.
    var news: Set<String> = []
    /// When the thread wakes by itself; nil: not before the bell rings.
    var wakesAt: ContinuousClock.Instant?
    var thread: WorkThread?
    /// Nobody waits any more: who comes is answered at once.
    var isStopping = false
    /// The thread ends, and nothing more is read.
    var isClosed = false

    mutating func add(_ waiter: Waiter) -> Int {
      lastNumber += 1
      waiters[lastNumber] = waiter
      ofClaim[waiter.claim, default: []].insert(lastNumber)
      return lastNumber
    }

    mutating func remove(_ number: Int) -> Waiter? {
      guard let waiter = waiters.removeValue(forKey: number) else { return nil }
      ofClaim[waiter.claim]?.remove(number)
      if ofClaim[waiter.claim]?.isEmpty == true { ofClaim[waiter.claim] = nil }
      return waiter
    }
  }

  private let readers: StoreReaders
  private let clock: @Sendable () -> Instant
  private let state = Lock(State())
  /// Rung when the thread has something to do before it wakes by itself.
  private let bell = Mailbox(false)

  init(readers: StoreReaders, clock: @escaping @Sendable () -> Instant) {
    self.readers = readers
    self.clock = clock
  }

  /// How many wait now.
  var count: Int { state.withLock { $0.waiters.count } }

  /// Answers with the claim as soon as it is not pending, and as it is when the span is over.
  func wait(
    for claim: String, atMost span: Duration, _ answer: @escaping Answer
  ) throws(Problem) {
    let number = try register(claim, span, answer)
    let accepted = readers.read { [clock] (store) throws(StoreError) in
      try store.claim(claim, at: clock())
    } _: { [self] result in
      if case .success(let claim?) = result, claim.state == .pending { return }
      let waiter = state.withLock { $0.remove(number) }
      waiter?.answer(result.mapError(API.problem))
    }
    // Who was found by news meanwhile has its answer.
    if !accepted, state.withLock({ $0.remove(number) }) != nil {
      throw API.busy("too many calls wait for the store")
    }
  }

  private func register(
    _ claim: String, _ span: Duration, _ answer: @escaping Answer
  ) throws(Problem) -> Int {
    let (number, rings) = try state.withLock { state throws(Problem) in
      guard !state.isClosed else { throw API.busy("the server is stopping") }
      guard state.waiters.count < Limits.waiters else {
        throw API.busy("too many calls wait for claims")
      }
      let deadline = ContinuousClock.now + (state.isStopping ? .zero : span)
      let number = state.add(Waiter(claim: claim, deadline: deadline, answer: answer))
      if state.thread == nil {
        state.thread = WorkThread("claim-waits") { [self] in run() }
      }
      let rings = state.wakesAt.map { deadline < $0 } ?? true
      if rings { state.wakesAt = deadline }
      return (number, rings)
    }
    if rings { ring() }
    return number
  }

  private func ring() { bell.change { $0 = true } }

  /// Tells of claims that were resolved, as readers see by now.
  func resolved(_ claims: [String]) {
    let isNews = state.withLock { state in
      let waited = claims.filter { state.ofClaim[$0] != nil }
      state.news.formUnion(waited)
      return !waited.isEmpty
    }
    if isNews { ring() }
  }

  /// From now on nobody waits: who does, and who comes, is answered at once.
  func stop() {
    state.withLock { $0.isStopping = true }
    ring()
  }

  /// Ends the thread. Nothing more is read; who still waits is refused.
  func close() {
    let thread = state.withLock { state in
      state.isStopping = true
      state.isClosed = true
      defer { state.thread = nil }
      return state.thread
    }
    ring()
    thread?.join()
    let left = state.withLock { state in
      state.waiters.keys.compactMap { state.remove($0) }
    }
    for waiter in left { waiter.answer(.failure(API.busy("the server is stopping"))) }
  }
}

// MARK: - The thread

extension Waiters {
  private func run() {
    while let claims = next() {
      for start in stride(from: 0, to: claims.count, by: Limits.waitedClaimsRead) {
        look(at: Array(claims[start..<min(start + Limits.waitedClaimsRead, claims.count)]))
      }
    }
  }

  /// Sleeps until claims are to be looked at, and gives them; nil at the end.
  private func next() -> [String]? {
    while true {
      let now = ContinuousClock.now
      let (claims, wakesAt, isClosed) = state.withLock { state in
        var claims = state.news
        var first: ContinuousClock.Instant?
        for waiter in state.waiters.values {
          if state.isStopping || waiter.deadline <= now {
            claims.insert(waiter.claim)
          } else {
            first = min(first ?? waiter.deadline, waiter.deadline)
          }
        }
        state.news = []
        state.wakesAt = first
        return (Array(claims), first, state.isClosed)
      }
      if isClosed { return nil }
      if !claims.isEmpty { return claims }
      // The bell counts whole milliseconds: not too early, which would be a turn for nothing.
      let span = wakesAt.map { $0 - .now + .milliseconds(1) }
      _ = bell.take(within: span) { rung -> Bool? in
        defer { rung = false }
        return rung ? true : nil
      }
    }
  }

  /// Reads claims and answers those that wait for them, where there is an answer.
  private func look(at claims: [String]) {
    let done = Mailbox(false)
    let accepted = readers.read { [self] (store) throws(StoreError) in
      for claim in claims {
        // One after the other, since payloads may be large.
        let result = Result { () throws(StoreError) in try store.claim(claim, at: clock()) }
        conclude(claim, result.mapError(API.problem))
      }
    } _: { _ in
      done.change { $0 = true }
    }
    if accepted {
      done.take { $0 ? () : nil }
    } else {
      state.withLock { $0.news.formUnion(claims) }
      _ = done.take(within: Limits.pauseWhenBusy) { _ in nil as Bool? }
    }
  }

  private func conclude(_ id: String, _ result: Result<Claim?, Problem>) {
    var isOver = true
    if case .success(let claim?) = result, claim.state == .pending { isOver = false }
    let now = ContinuousClock.now
    let leaving = state.withLock { state in
      (state.ofClaim[id] ?? []).filter { number in
        isOver || state.isStopping || state.waiters[number].map { $0.deadline <= now } ?? false
      }.compactMap { state.remove($0) }
    }
    for waiter in leaving { waiter.answer(result) }
  }
}
