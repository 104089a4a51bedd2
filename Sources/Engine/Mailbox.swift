import Glibc
import Larder

/// State that threads share under a lock, with a way to wait for a change of it.
///
/// A `Lock` has no condition to wait on, and the engine's and the store's threads must sleep until
/// something comes or a deadline passes.
package final class Mailbox<State>: @unchecked Sendable {
  // Unchecked: `state` is touched only while `mutex` is held.
  private var state: State
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  package init(_ state: sending State) {
    self.state = state
    pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    // Waits are spans, so a jump of the wall clock neither shortens nor prolongs them.
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(condition, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  /// Changes the state and wakes whoever waits.
  package func change<Result>(_ body: (inout State) -> sending Result) -> sending Result {
    pthread_mutex_lock(mutex)
    let result = body(&state)
    pthread_cond_broadcast(condition)
    pthread_mutex_unlock(mutex)
    return result
  }

  /// Changes the state and wakes nobody: whoever waits sees it after `wake`, or the next change.
  package func leave<Result>(_ body: (inout State) -> sending Result) -> sending Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return body(&state)
  }

  /// Wakes whoever waits.
  package func wake() {
    pthread_cond_broadcast(condition)
  }

  /// Waits until `body` gives a value, or until the span is over: then nil.
  package func take<Result>(
    within span: Duration? = nil, _ body: (inout State) -> sending Result?
  ) -> sending Result? {
    var deadline = timespec()
    if let span {
      clock_gettime(CLOCK_MONOTONIC, &deadline)
      let nanoseconds =
        Int64(deadline.tv_nsec) + max(0, span.inMilliseconds) % 1000 * 1_000_000
      deadline.tv_sec += Int(max(0, span.inMilliseconds) / 1000 + nanoseconds / 1_000_000_000)
      deadline.tv_nsec = Int(nanoseconds % 1_000_000_000)
    }
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while true {
      if let result = body(&state) { return result }
      if span == nil {
        pthread_cond_wait(condition, mutex)
      } else if pthread_cond_timedwait(condition, mutex, &deadline) == ETIMEDOUT {
        return body(&state)
      }
    }
  }
}
