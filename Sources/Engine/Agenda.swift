import Larder

/// When each pool is to be looked at again: a binary heap, with outdated entries left in it until
/// they come up.
struct Agenda: Sendable {
  private(set) var heap: [(time: Instant, pool: String)] = []
  private var current: [String: Instant] = [:]

  /// The earliest deadline.
  var first: Instant? { heap.first?.time }

  /// Sets or forgets a pool's deadline.
  mutating func set(_ time: Instant?, for pool: String) {
    guard current[pool] != time else { return }
    current[pool] = time
    if let time { push((time, pool)) }
    dropOutdated()
    compact()
  }

  /// Outdated entries that are not worth dropping before they come up.
  static let tolerated = 64

  /// Drops all outdated entries where they outnumber the others: behind a near deadline those of
  /// pools whose far ones change with every claim would pile up.
  private mutating func compact() {
    guard heap.count > 2 * current.count + Self.tolerated else { return }
    // What is in order is a heap.
    heap = current.map { ($1, $0) }.sorted { $0.time < $1.time }
  }

  /// Takes out the pools whose deadline has come.
  mutating func removeDue(at now: Instant) -> [String] {
    var due: [String] = []
    while let next = heap.first, next.time <= now {
      if current[next.pool] == next.time {
        due.append(next.pool)
        current[next.pool] = nil
      }
      pop()
    }
    dropOutdated()
    return due
  }

  private mutating func dropOutdated() {
    while let next = heap.first, current[next.pool] != next.time { pop() }
  }

  private mutating func push(_ entry: (time: Instant, pool: String)) {
    heap.append(entry)
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard heap[child].time < heap[parent].time else { return }
      heap.swapAt(child, parent)
      child = parent
    }
  }

  private mutating func pop() {
    heap.swapAt(0, heap.count - 1)
    heap.removeLast()
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
        if heap[child].time < heap[least].time { least = child }
      }
      if least == parent { return }
      heap.swapAt(parent, least)
      parent = least
    }
  }
}
