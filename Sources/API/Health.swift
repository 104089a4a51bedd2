import HTTPServer
import Larder
import Synchronization

/// What `/livez` and `/readyz` answer.
package final class Health: Sendable {
  private struct State {
    var warnings: [String] = []
    var leaving: String?
  }

  private let state = Mutex(State())

  package init() {}

  /// Sets what operators should look at: schedule files that are not in force as they stand.
  /// Gives those that were set before.
  @discardableResult
  package func set(warnings: [String]) -> [String] {
    state.withLock { state in
      defer { state.warnings = warnings }
      return state.warnings
    }
  }

  /// From now on the server is not ready, and why.
  package func leave(_ why: String) {
    state.withLock { $0.leaving = why }
  }

  func live() -> HTTPResponse {
    Documents.json(200) { $0.object { $0.member("status", "live") } }
  }

  func ready() -> HTTPResponse {
    let state = state.withLock { $0 }
    if let leaving = state.leaving {
      return Documents.problem(Problem(.busy, leaving, retryAfter: .seconds(1)))
    }
    return Documents.json(200) { json in
      json.object {
        $0.member("status", "ready")
        $0.array("warnings") { json in state.warnings.forEach { json.string($0) } }
      }
    }
  }
}
