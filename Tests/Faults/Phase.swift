import Harness

/// What a phase is told: everything else follows from its seed.
package struct PhaseContext: Sendable {
  package let seed: UInt64
  /// Where stores with violations are kept.
  package let folder: String
  /// Takes lines that say how far it is.
  package let report: @Sendable (String) -> Void

  package init(seed: UInt64, folder: String, report: @escaping @Sendable (String) -> Void) {
    self.seed = seed
    self.folder = folder
    self.report = report
  }
}

/// A part of the campaign.
package struct Phase: Sendable {
  package let name: String
  package let run: @Sendable (PhaseContext) throws -> Tally

  package init(_ name: String, run: @escaping @Sendable (PhaseContext) throws -> Tally) {
    self.name = name
    self.run = run
  }

  /// Tries one store under load: `body` brings the faults, then all is judged.
  ///
  /// - Parameters:
  ///   - binary: the `larder` that is tried; the one beside this program if none is named.
  ///   - auditing: how many claims are asked for once more at the end.
  static func tryStore(
    _ context: PhaseContext, seed: UInt64, binary: String? = nil, auditing: Int,
    _ body: (Arena, inout Tally) throws -> Void
  ) throws -> Tally {
    try Workspace.with { workspace in
      let arena = try Arena(workspace, binary: binary ?? Workspace.binary(), seed: seed)
      defer { arena.target.close() }
      var done = Tally()
      arena.startLoad()
      try body(arena, &done)
      let evidence = try arena.finish(auditing: auditing)
      let violations = Checker.violations(in: evidence)
      if !violations.isEmpty { try arena.keep(violations, evidence, in: context.folder) }
      done += Tally(evidence.history, violations)
      if arena.refusals > 0 {
        context.report("\(arena.refusals) starts found the lock of a server that was killed")
      }
      return done
    }
  }
}
