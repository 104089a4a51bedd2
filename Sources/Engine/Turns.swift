/// Pools that wait for a producer, each once, in the order of their turns.
struct Turns: Sendable {
  private var queue: [String] = []
  /// Entries before this one were taken.
  private var head = 0
  private var members: Set<String> = []

  var isEmpty: Bool { members.isEmpty }

  /// Puts a pool at the end, unless it waits already.
  mutating func append(_ pool: String) {
    if members.insert(pool).inserted { queue.append(pool) }
  }

  mutating func popFirst() -> String? {
    guard head < queue.count else { return nil }
    let pool = queue[head]
    head += 1
    members.remove(pool)
    // Moving the rest up now and then keeps taking from the front cheap.
    if head > 1024, head * 2 > queue.count {
      queue.removeFirst(head)
      head = 0
    }
    return pool
  }
}
