/// What is remembered of a pool's runs when they have ended: it decides how long the reorder
/// point waits, whether the breaker is open, and when a run is expected to fill the pool.
package struct RunMemory: Sendable, Hashable {
  /// Runs in a row that failed, ended with a short slice or stored nothing that could be claimed.
  package var fruitless: Int
  /// Runs in a row that failed.
  package var failures: Int
  /// When a run that had started ended last.
  package var lastEndedAt: Instant?
  /// The smoothed time from start to end of runs that stored something.
  package var typicalRunTime: Duration?

  package init(
    fruitless: Int, failures: Int, lastEndedAt: Instant?, typicalRunTime: Duration?
  ) {
    self.fruitless = fruitless
    self.failures = failures
    self.lastEndedAt = lastEndedAt
    self.typicalRunTime = typicalRunTime
  }

  /// The memory after a run ended; runs that never started, or were replaced, leave no trace.
  package func after(_ run: Run, endingAs state: RunState, at now: Instant) -> RunMemory {
    guard let startedAt = run.startedAt, state != .replaced else { return self }
    var memory = self
    memory.lastEndedAt = now
    memory.failures = state == .failed ? failures + 1 : 0
    let supplied = state == .succeeded && !(run.slices.last?.isShort ?? false)
    memory.fruitless = supplied && run.stored > run.expired ? 0 : fruitless + 1
    if state == .succeeded || (state == .short && run.stored > run.expired) {
      // A clock that ran back meanwhile must not make the time negative.
      let took = max(now - startedAt, .zero)
      memory.typicalRunTime = typicalRunTime.map { ($0 * 3 + took) / 4 } ?? took
    }
    return memory
  }
}
