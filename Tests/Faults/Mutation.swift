import Foundation

/// A promise that a test build breaks, by the name that it knows it by, and what should notice.
package struct Mutation: Sendable, CustomStringConvertible {
  package let name: String
  private let phase: Phase

  /// The test build of `larder`, where the one that is tried is none.
  static let testBuild = ProcessInfo.processInfo.environment["LARDER_DEBUG"].flatMap {
    $0.isEmpty ? nil : $0
  }

  package static let all = [
    Mutation("normal-sync", .powerLoss(60)),
    Mutation("early-answer", .randomKills(2)),
    Mutation("no-checkpoint", .powerLoss(60, perRecording: 20)),
    Mutation("retried-commit", .ioFaults(3, of: [.failedSync])),
    Mutation("no-uniqueness", .randomKills(2)),
    Mutation("shared-keys", .principals),
    Mutation("early-slice", .nthCallKills(20)),
    Mutation("inherited-mask", .farewell),
  ]

  private init(_ name: String, _ phase: Phase) {
    self.name = name
    self.phase = phase
  }

  package var description: String { name }

  /// Chance may let it through once, but not each time.
  private static let tries = 8

  /// Whether a violation is found, in some tries.
  package func isCaught(_ context: PhaseContext) throws -> Bool {
    for number in 1...Self.tries {
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
