import Glibc
import Lock

/// Where the server listens now. Clients go on across its restarts by it.
package final class Target: Sendable {
  package struct Place: Sendable, Equatable {
    package let port: UInt16
    /// Counts the servers: a connection to an earlier one is dead.
    package let generation: Int
  }

  private struct State {
    var port: UInt16?
    var generation = 0
    var isClosed = false
  }

  private let state = Lock(State())
  private static let pause: useconds_t = 1_000

  package init() {}

  /// A server listens there now, or none does.
  package func set(port: UInt16?) {
    state.withLock {
      $0.port = port
      if port != nil { $0.generation += 1 }
    }
  }

  /// Lets those end who wait.
  package func close() { state.withLock { $0.isClosed = true } }

  package var isClosed: Bool { state.withLock { $0.isClosed } }

  /// Waits until there is a server, and says where; nil when it is closed.
  package func wait() -> Place? {
    while true {
      let (place, isClosed) = state.withLock { state in
        (state.port.map { Place(port: $0, generation: state.generation) }, state.isClosed)
      }
      if isClosed { return nil }
      if let place { return place }
      usleep(Self.pause)
    }
  }
}
