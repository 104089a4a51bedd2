import Glibc
import Synchronization

/// The signals that end `larder serve`.
final class Signals: Sendable {
  private let hasFailed = Atomic<Bool>(false)

  /// Blocks the signals in this thread and in those that it starts from now on.
  init() {
    var set = Self.set
    pthread_sigmask(SIG_BLOCK, &set, nil)
  }

  private static var set: sigset_t {
    var set = sigset_t()
    sigemptyset(&set)
    sigaddset(&set, SIGTERM)
    sigaddset(&set, SIGINT)
    return set
  }

  /// The process has to end, since it failed: as if SIGTERM came, but the exit code is 1.
  func failed() {
    hasFailed.store(true, ordering: .sequentiallyConsistent)
    kill(getpid(), SIGTERM)
  }

  /// Waits for a signal and gives the exit code. A second one then ends the process at once.
  func wait() -> Int32 {
    var set = Self.set
    var received: Int32 = 0
    while sigwait(&set, &received) != 0 {}
    pthread_sigmask(SIG_UNBLOCK, &set, nil)
    return hasFailed.load(ordering: .sequentiallyConsistent) ? 1 : 0
  }
}
