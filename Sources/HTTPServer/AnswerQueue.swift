import CLinux
import Glibc
import Lock
import Synchronization

/// How a handler ended.
enum Answer: Sendable {
  case response(HTTPResponse)
  /// The responder was dropped without an answer.
  case dropped
}

/// Where other threads leave answers, and the wish to stop, for the loop thread.
///
/// Descriptor and state live as long as anybody can post. The loop is woken once for all that is
/// posted while it sleeps, and not at all while it works.
final class AnswerQueue: Sendable {
  struct Letter: Sendable {
    let connection: Connection
    let request: UInt64
    let answer: Answer
  }

  private struct State {
    var letters: [Letter] = []
    var isSleeping = false
    var isClosed = false
    var drainTime: Int64?
    var isNews: Bool { !letters.isEmpty || drainTime != nil }
  }

  private let state = Lock(State())
  private let loopThread = Atomic<UInt>(0)
  /// Readable when the loop should look into the mailbox.
  let descriptor: Int32

  init() throws(HTTPServerError) {
    descriptor = clinux_eventfd_create()
    guard descriptor >= 0 else { throw .cannotStart(code: errno) }
  }

  deinit { Glibc.close(descriptor) }

  /// Whether this is the loop thread.
  var isOnLoopThread: Bool {
    loopThread.load(ordering: .relaxed) == UInt(pthread_self())
  }

  func post(_ letter: Letter) {
    let mustWake = state.withLock { state in
      guard !state.isClosed else { return false }
      state.letters.append(letter)
      defer { state.isSleeping = false }
      return state.isSleeping
    }
    if mustWake { clinux_eventfd_signal(descriptor) }
  }

  func requestStop(drainTime: Int64) {
    let mustWake = state.withLock { state in
      state.drainTime = drainTime
      defer { state.isSleeping = false }
      return state.isSleeping
    }
    if mustWake { clinux_eventfd_signal(descriptor) }
  }

  // MARK: The loop's side

  func adoptCurrentThread() { loopThread.store(UInt(pthread_self()), ordering: .relaxed) }

  /// Exchanges the letters for the (empty) ones given; returns the drain time if a stop was
  /// requested since the last call.
  func take(_ letters: inout [Letter]) -> Int64? {
    state.withLock { state in
      swap(&state.letters, &letters)
      state.isSleeping = false
      defer { state.drainTime = nil }
      return state.drainTime
    }
  }

  /// From now on a post wakes the loop; false if there is news already.
  func prepareToSleep() -> Bool {
    state.withLock { state in
      state.isSleeping = !state.isNews
      return state.isSleeping
    }
  }

  /// Drops what comes from now on.
  func close() {
    state.withLock { state in
      state.isClosed = true
      state.letters = []
    }
  }
}
