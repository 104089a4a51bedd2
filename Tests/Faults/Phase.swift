import Harness

/// What a phase is told: everything else follows from its seed.
package struct PhaseContext: Sendable {
  package let seed: UInt64
  /// Where stores with violations are kept.
  package let folder: String
  /// The `larder` that is tried, and what it finds in its environment.
  package var binary: String
  package var environment: [String: String] = [:]
  /// Takes lines that say how far it is.
  package let report: @Sendable (String) -> Void

  /// - Parameter binary: the one beside this program if none is named.
  package init(
    seed: UInt64, folder: String, binary: String? = nil,
    report: @escaping @Sendable (String) -> Void
  ) throws {
    self.seed = seed
    self.folder = folder
    self.binary = try binary ?? Workspace.binary()
    self.report = report
  }
}

extension PhaseContext {
  /// Starts the `larder` that is tried as a server, and waits for nothing.
  func startServer(
    in workspace: Workspace, environment: [String: String] = [:]
  ) throws -> ChildProcess {
    try workspace.start(
      [binary, "serve", "--listen", "127.0.0.1:0"],
      environment: environment.merging(self.environment) { $1 })
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
  ///   - loaded: whether clients claim all the time.
  ///   - auditing: how many claims are asked for once more at the end.
  static func tryStore(
    _ context: PhaseContext, seed: UInt64, loaded: Bool = true, auditing: Int,
    _ body: (Arena, inout Tally) throws -> Void
  ) throws -> Tally {
    try Workspace.with { workspace in
      let arena = try Arena(
        workspace, binary: context.binary, environment: context.environment, seed: seed)
      defer { arena.target.close() }
      var done = Tally()
      if loaded { arena.startLoad() }
      try body(arena, &done)
      let evidence = try arena.finish(auditing: auditing)
      let violations = Checker.violations(in: evidence)
      if !violations.isEmpty { try arena.keep(violations, evidence, in: context.folder) }
      done += Tally(evidence.history, violations)
      return done
    }
  }
}
