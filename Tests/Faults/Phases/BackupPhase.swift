import Harness

extension Phase {
  /// Backups are taken while clients claim; later one is restored, and no item that was issued
  /// since is issued again.
  package static func backups(_ count: Int) -> Phase {
    Phase("backups") { context in
      var random = Randomness(seed: context.seed, purpose: "backups")
      var sum = Tally()
      for _ in 0..<count {
        sum += try Workspace.with { workspace in
          try restore(context, workspace, seed: random.next())
        }
      }
      return sum
    }
  }

  private static func restore(
    _ context: PhaseContext, _ workspace: Workspace, seed: UInt64
  ) throws -> Tally {
    let arena = try Arena(
      workspace, binary: context.binary, environment: context.environment, seed: seed)
    defer { arena.target.close() }
    arena.startLoad()
    guard try arena.start() else { throw ClientError("the server was killed") }
    try wait(for: 600, arena)
    try larder(["backup", "copy.db"], context, workspace)
    try wait(for: 1200, arena)
    try arena.kill()
    try larder(["restore", "copy.db"], context, workspace)
    let before = arena.recorder.snapshot().operations
    guard try arena.start() else { throw ClientError("the server was killed") }
    try wait(for: before.count + 900, arena)
    try arena.kill()
    var tally = Tally()
    // What is gone is gone: claims after the backup, with their keys. But of the items that were
    // ever issued none may come in another claim.
    var owners: [String: Set<String>] = [:]
    for operation in arena.recorder.snapshot().operations
    where operation.action == .claim && operation.outcome == .ok
      && operation.pool != LoadPools.reports
    {
      tally.ok += 1
      for claim in operation.claims {
        for item in claim.items { owners[item.payload, default: []].insert(claim.id) }
      }
    }
    tally.violations = owners.filter { $0.value.count > 1 }.map {
      Violation(.i1, .doubled, "\($0.key) was issued in the claims \($0.value.sorted())")
    }
    return tally
  }

  private static func wait(for operations: Int, _ arena: Arena) throws {
    try eventually("requests") { arena.recorder.count >= operations }
  }

  private static func larder(
    _ words: [String], _ context: PhaseContext, _ workspace: Workspace
  ) throws {
    let child = try workspace.start([context.binary] + words, environment: context.environment)
    guard try child.wait() == 0 else { throw ClientError("\(words): \(child.errors)") }
  }
}
