import Foundation

/// A promise that a test build breaks, by the names of the ways in which it does, and what should
/// notice each.
package struct Mutation: Sendable, CustomStringConvertible {
  package let name: String
  private let ways: [(name: String, phase: Phase)]

  /// The test build of `larder`, where the one that is tried is none.
  static let testBuild = ProcessInfo.processInfo.environment["LARDER_DEBUG"].flatMap {
    $0.isEmpty ? nil : $0
  }

  package static let all = [
    Mutation(
      "normal-sync", .powerLoss(60), ("normal-sync-from-the-first-settlement", .powerLoss(60))),
    Mutation("early-answer", .randomKills(2)),
    Mutation("no-checkpoint", .powerLoss(60, perRecording: 20)),
    Mutation("retried-commit", .ioFaults(3, of: [.failedSync])),
    Mutation(
      "no-uniqueness", .randomKills(2),
      ("no-uniqueness-of-the-grants", .randomKills(3)),
      ("no-uniqueness-of-the-tail", .randomKills(3)),
      ("no-uniqueness-of-the-runs", .randomKills(3))),
    Mutation("shared-keys", .principals),
    Mutation("early-slice", .nthCallKills(20)),
    Mutation("inherited-mask", .farewell),
  ]

  private init(_ name: String, _ phase: Phase, _ others: (name: String, phase: Phase)...) {
    self.name = name
    ways = [(name, phase)] + others
  }

  package var description: String { name }

  /// Chance may let it through once, but not each time.
  private static let tries = 8

  /// Whether a violation is found of each way, in some tries.
  package func isCaught(_ context: PhaseContext) throws -> Bool {
    try ways.allSatisfy { try Self.isCaught($0.name, $0.phase, context) }
  }

  private static func isCaught(
    _ name: String, _ phase: Phase, _ context: PhaseContext
  ) throws -> Bool {
    for number in 1...tries {
      var tried = try PhaseContext(
        seed: Randomness.mixed(context.seed, purpose: "\(name) \(number)"),
        folder: context.folder + "/\(name)", binary: context.binary
      ) { _ in }
      tried.environment = context.environment
      tried.environment["LARDER_MUTANT"] = name
      defer { try? FileManager.default.removeItem(atPath: tried.folder) }
      if try !phase.run(tried).violations.isEmpty { return true }
    }
    return false
  }
}
