import Larder

/// Histories that are made up from seeds, run and checked step by step.
package enum Simulation {
  /// A history that broke a promise.
  package struct Failure: Sendable, CustomStringConvertible {
    package var seed: UInt64
    /// Steps of the whole history up to the failure.
    package var length: Int
    package var violation: Violation
    fileprivate var history: [Step]

    package var description: String {
      var lines = ["seed \(seed) fails after \(length) steps", "  \(violation)"]
      lines.append("make simulate SEED=\(seed) STEPS=\(length) repeats it. Shrunk:")
      for (index, step) in history.enumerated() { lines.append("  \(index + 1). \(step)") }
      lines += ["Its pools:", Simulation.pools(seed)]
      return lines.joined(separator: "\n")
    }
  }

  /// How many steps a history is long unless told otherwise.
  package static let usualLength = 400
  /// Steps that may be run to shrink a failure.
  private static let shrinkingSteps = 200_000

  /// Runs one history; gives what failed, shrunk, or nil where all promises held.
  ///
  /// - Parameter tally: counts what happened.
  package static func run(
    seed: UInt64, steps count: Int = usualLength, tally: inout [String: Int]
  ) -> Failure? {
    let history = history(seed, count)
    guard let (violation, length) = replay(seed, history, tally: &tally) else { return nil }
    var failure = Failure(
      seed: seed, length: length, violation: violation, history: Array(history.prefix(length)))
    shrink(&failure)
    return failure
  }

  /// Runs a history; gives the first failure and how many steps it took.
  static func replay(
    _ seed: UInt64, _ history: [Step], files: [PoolDesign]? = nil, tally: inout [String: Int]
  ) -> (Violation, Int)? {
    var number = 0
    do {
      let world = try World(seed: seed, files: files)
      defer { tally.merge(world.tally) { $0 + $1 } }
      for step in history {
        number += 1
        try world.run(step, number: number)
      }
      number = max(number, 1)
      try world.checkWhole()
      return nil
    } catch let violation as Violation {
      return (violation, number)
    } catch {
      return (Violation(check: "store", detail: "\(error)"), number)
    }
  }

  /// Leaves steps out as long as the same check fails, first many at once and then single ones.
  private static func shrink(_ failure: inout Failure) {
    var tally: [String: Int] = [:]
    var budget = shrinkingSteps
    var size = max(1, failure.history.count / 2)
    while budget > 0 {
      var isShorter = false
      var start = 0
      while start < failure.history.count, budget > 0 {
        var shorter = failure.history
        shorter.removeSubrange(start..<min(start + size, shorter.count))
        budget -= shorter.count + 1
        if let (violation, length) = replay(failure.seed, shorter, tally: &tally),
          violation.check == failure.violation.check
        {
          failure.history = Array(shorter.prefix(length))
          failure.violation = violation
          isShorter = true
        } else {
          start += size
        }
      }
      if size == 1, !isShorter { return }
      size = max(1, isShorter ? min(size, failure.history.count / 2) : size / 2)
    }
  }

  private static func history(_ seed: UInt64, _ count: Int) -> [Step] {
    var random = SeededRandom(seed: seed)
    var source = StepSource(seed: seed, pools: World.poolCount(&random))
    return source.steps(count)
  }

  private static func pools(_ seed: UInt64) -> String {
    var random = SeededRandom(seed: seed)
    let count = World.poolCount(&random)
    return World.designs(count, &random).map(\.text).joined(separator: "---\n")
  }
}
