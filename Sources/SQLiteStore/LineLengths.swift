import Larder

/// How many pending claims stand in each line, for lines that were counted: a new claim then knows its
/// place without counting those before it.
struct LineLengths {
  /// By pool and line, compared by bytes as the database does.
  private var lengths: [[UInt8]: Int] = [:]

  /// Nil where the line was not counted.
  func length(of line: Line, in pool: String) -> Int? { lengths[Self.name(line, pool)] }

  /// The line was counted.
  mutating func set(_ length: Int, of line: Line, in pool: String) {
    if lengths.count >= Limits.linesCounted { lengths = [:] }
    lengths[Self.name(line, pool)] = length
  }

  /// A claim joined the line, or left it.
  mutating func change(by number: Int, _ line: Line, in pool: String) {
    guard !lengths.isEmpty else { return }
    lengths[Self.name(line, pool)]? += number
  }

  /// Forgets all, as when what was counted did not come about.
  mutating func forget() {
    if !lengths.isEmpty { lengths = [:] }
  }

  private static func name(_ line: Line, _ pool: String) -> [UInt8] {
    // Neither a pool's name nor a match's text has a NUL.
    Array("\(pool)\0\(line.match)\0\(line.minRemaining.inMilliseconds)".utf8)
  }
}
