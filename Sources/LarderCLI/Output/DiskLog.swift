import Larder
import Lock

/// Tells of a disk that runs full and of one that has room again, a line each.
final class DiskLog: Sendable {
  private struct State: Equatable {
    var isShort = false
    var isFull = false
  }

  private let state = Lock(State())

  func note(_ disk: Disk) {
    let now = State(isShort: disk.isShort, isFull: disk.isFull)
    let before = state.withLock { state in
      defer { state = now }
      return state
    }
    guard now != before else { return }
    if let why = disk.why {
      Log.line((before.isFull ? "claims go on; " : "") + why)
    } else {
      Log.line(
        "the disk has room again: " + (before.isFull ? "claims and " : "") + "filling goes on")
    }
  }
}
