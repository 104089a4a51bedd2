/// The nominal instants that went by in a stretch of time, the newest of them listed.
package struct MissedTimes: Sendable, Equatable {
  /// The newest instants, oldest first, in seconds since the Unix epoch; at most as many as asked.
  package let instants: [Int64]
  /// How many there were, or `countBound` if there were more.
  package let count: Int
  /// False if there were more than `countBound`.
  package let countIsExact: Bool

  /// The number up to which missed times are counted (and listed, whatever was asked for).
  package static let countBound = 10_000

  /// Missed times that are known already.
  package init(instants: [Int64], count: Int, countIsExact: Bool) {
    self.instants = instants
    self.count = count
    self.countIsExact = countIsExact
  }
}
