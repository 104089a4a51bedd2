import Larder

/// What was found out of lines. How many pending claims stand in one that was counted: a new claim then
/// knows its place without counting those before it. And, for a batch of claims, which of them a claim
/// waits in whose time is not over.
struct LineMemory {
  /// By pool and line, compared by bytes as the database does.
  private var lengths: [[UInt8]: Int] = [:]
  private var taken: Set<[UInt8]> = []

  /// Nil where the line was not counted.
  func length(of line: Line, in pool: String) -> Int? { lengths[Self.name(line, pool)] }

  /// The line was counted.
  mutating func set(_ length: Int, of line: Line, in pool: String) {
    if lengths.count >= Limits.linesCounted { lengths = [:] }
    lengths[Self.name(line, pool)] = length
  }

  /// Whether it was found that nobody new may be served before those in the line.
  func isTaken(_ line: Line, in pool: String) -> Bool {
    !taken.isEmpty && taken.contains(Self.name(line, pool))
  }

  /// A claim waits in the line, whose time is not over.
  mutating func noteTaken(_ line: Line, in pool: String) { taken.insert(Self.name(line, pool)) }

  /// To be called when the time goes on.
  mutating func forgetTaken() {
    if !taken.isEmpty { taken = [] }
  }

  /// A claim joined the line, or left it.
  mutating func change(by number: Int, _ line: Line, in pool: String) {
    if number < 0 { forgetTaken() }
    guard !lengths.isEmpty else { return }
    lengths[Self.name(line, pool)]? += number
  }

  /// Forgets all, as when what was counted did not come about.
  mutating func forget() {
    if !lengths.isEmpty { lengths = [:] }
    forgetTaken()
  }

  private static func name(_ line: Line, _ pool: String) -> [UInt8] {
    // Neither a pool's name nor a match's text has a NUL.
    Array("\(pool)\0\(line.match)\0\(line.minRemaining.inMilliseconds)".utf8)
  }
}
