import HTTPServer
import Larder
import Lock

/// What `/livez` and `/readyz` answer.
package final class Health: Sendable {
  private struct State {
    var warnings: [String] = []
    var disk: Disk?
    var leaving: String?
  }

  private let state = Lock(State())

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

  /// Sets what the disk allows. While claims fail for it, the server is not ready.
  package func set(disk: Disk) {
    state.withLock { $0.disk = disk }
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
      return Documents.problem(Problem(.busy, leaving, retryAfter: Limits.busyRetryAfter))
    }
    let disk = state.disk?.why
    if let disk, state.disk?.isFull == true {
      return Documents.problem(Problem(.diskFull, disk, retryAfter: Limits.diskRetryAfter))
    }
    let warnings = state.warnings + (disk.map { [$0] } ?? [])
    return Documents.json(200) { json in
      json.object {
        $0.member("status", "ready")
        $0.array("warnings") { json in warnings.forEach { json.string($0) } }
      }
    }
  }
}
