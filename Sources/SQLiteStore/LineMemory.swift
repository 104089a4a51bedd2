import Larder

/// What was found out of lines. How many pending claims stand in one that was counted: a new claim then
/// knows its place without counting those before it. And, for a batch of claims, which of them a claim
/// waits in whose time is not over.
struct LineMemory {
  private struct Place: Hashable {
    let pool: String
    let line: Line
  }

  private var lengths = RecentFirst<Place, Int>()
  /// Of lines that are taken: whether the pool's shelf has items that were made for a user.
  private var taken = RecentFirst<Place, Bool>()

  /// Nil where the line was not counted.
  func length(of line: Line, in pool: String) -> Int? { lengths[Place(pool: pool, line: line)] }

  /// The line was counted.
  mutating func set(_ length: Int, of line: Line, in pool: String) {
    if lengths.count >= Limits.linesCounted { lengths.removeAll() }
    lengths[Place(pool: pool, line: line)] = length
  }

  /// Where it was found that nobody new may be served before those in the line: whether the shelf has
  /// items that were made for a user, which may be had all the same. Nil where it was not found.
  func left(by line: Line, in pool: String) -> Bool? {
    taken.isEmpty ? nil : taken[Place(pool: pool, line: line)]
  }

  /// A claim waits in the line, whose time is not over.
  mutating func noteTaken(_ line: Line, in pool: String, hasPersonal: Bool) {
    taken[Place(pool: pool, line: line)] = hasPersonal
  }

  /// To be called when the time goes on, or items come to a shelf.
  mutating func forgetTaken() {
    if !taken.isEmpty { taken.removeAll() }
  }

  /// A claim joined the line, or left it.
  mutating func change(by number: Int, _ line: Line, in pool: String) {
    if number < 0 { forgetTaken() }
    let place = Place(pool: pool, line: line)
    guard !lengths.isEmpty, let length = lengths[place] else { return }
    lengths[place] = length + number
  }

  /// Forgets all, as when what was counted did not come about.
  mutating func forget() {
    if !lengths.isEmpty { lengths.removeAll() }
    forgetTaken()
  }
}
