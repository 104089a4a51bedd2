import Glibc
import Lock

/// Nanoseconds of the monotonic clock.
package func monotonicNow() -> Int64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

/// What happened at one store, as far as those outside of the server know.
package struct History: Sendable {
  package enum ServerEvent: Sendable, Equatable {
    case ready(pid: Int32)
    case killed(pid: Int32)
    case ended(pid: Int32, status: Int32)
  }

  package var operations: [Operation]
  /// Starts and ends of servers with their instants, in order.
  package var events: [(at: Int64, event: ServerEvent)]
  /// Spans in which disk and server were well and pools had stock: claims must be quick then.
  package var healthy: [ClosedRange<Int64>]

  package init(
    _ operations: [Operation] = [], events: [(at: Int64, event: ServerEvent)] = [],
    healthy: [ClosedRange<Int64>] = []
  ) {
    self.operations = operations
    self.events = events
    self.healthy = healthy
  }

  /// Claims that were granted or shown again.
  package var okClaims: Int { operations.count { $0.action == .claim && $0.outcome == .ok } }
  /// Claims of which nobody knows.
  package var infoClaims: Int { operations.count { $0.action == .claim && $0.outcome == .info } }
}

/// What clients on many threads write their history to.
package final class Recorder: Sendable {
  private let history = Lock(History())

  package init() {}

  package func record(_ operation: Operation) {
    history.withLock { $0.operations.append(operation) }
  }

  package func record(_ event: History.ServerEvent) {
    let now = monotonicNow()
    history.withLock { $0.events.append((now, event)) }
  }

  /// What was recorded so far.
  package func snapshot() -> History { history.withLock { $0 } }

  /// Some of the claims that were granted so far, by chance; one may come twice.
  package func someClaims(_ count: Int, by random: inout Randomness) -> [Operation] {
    history.withLock { history in
      var some: [Operation] = []
      // One request in two or three is one: a few looks are enough.
      for _ in 0..<(count * 4) where some.count < count {
        guard let operation = history.operations.randomElement(using: &random) else { break }
        if operation.action == .claim, operation.outcome == .ok { some.append(operation) }
      }
      return some
    }
  }

  /// How many requests were recorded so far.
  package var count: Int { history.withLock { $0.operations.count } }
}
