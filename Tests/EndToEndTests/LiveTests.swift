import Foundation
import Testing

/// Schedule files that change while a server runs.
@Suite struct LiveTests {
  private static func pool(target: Int, reorderAt: Int) -> String {
    """
    producer: {command: [./make]}
    stock: {target: \(target), reorder_at: \(reorderAt)}
    claims: {per_user: 0}
    """
  }

  private func warnings(_ server: ServerProcess) throws -> [String] {
    let ready = try server.http.get("/readyz")
    #expect(ready.status == 200)
    return ready.json["warnings"].elements.compactMap(\.string)
  }

  @Test func newChangedBadAndRemovedFilesTakeEffect() throws {
    try Workspace.with { workspace in
      try workspace.producer("make", Scripts.counting)
      try workspace.declare("codes", Self.pool(target: 2, reorderAt: 1))
      let server = try workspace.serve()
      try eventually("the first fill") { try server.http.level("codes")["available"] == .int(2) }

      // A new file, and a changed one.
      try workspace.declare("keys", Self.pool(target: 3, reorderAt: 1))
      try eventually("the new pool") { try server.http.level("keys")["available"] == .int(3) }
      try workspace.declare("codes", Self.pool(target: 7, reorderAt: 6))
      try eventually("the new target") { try server.http.level("codes")["available"] == .int(7) }

      // One that turns bad leaves the last good definition in force, and says so.
      try workspace.declare("codes", "colour: red")
      try eventually("a warning") {
        try warnings(server).contains { $0.contains("codes.yaml:2:1") }
      }
      let level = try server.http.level("codes")
      #expect(level["target"] == .int(7))
      #expect(level["warnings"].elements.contains { $0.string?.contains("codes.yaml:2:1") == true })
      try eventually("a log line") { server.child.errors.contains("codes.yaml:2:1") }
      #expect(try server.http.claim("codes", "u").status == 201)

      // So does one that was never good, without a pool.
      try workspace.declare("extra", "colour: red")
      try eventually("another warning") { try warnings(server).count == 2 }
      #expect(try server.http.get("/v1/pools/extra/level").status == 404)

      // Mended files are in force, also with the text that was in force before.
      try workspace.declare("codes", Self.pool(target: 7, reorderAt: 6))
      try workspace.delete("Schedules/extra.yaml")
      try eventually("no warning") { try warnings(server) == [] }
      #expect(try server.http.level("codes")["warnings"] == .array([]))

      // A removed file retires its pool; its stock stays claimable; it may come back.
      try workspace.delete("Schedules/keys.yaml")
      try eventually("the retirement") { try server.http.level("keys")["retired"] == .bool(true) }
      #expect(try server.http.claim("keys", "u").status == 201)
      #expect(try server.http.post("/v1/pools/keys/runs").status == 409)
      try workspace.declare("keys", Self.pool(target: 4, reorderAt: 3))
      try eventually("the return") {
        let level = try server.http.level("keys")
        return level["retired"] == .bool(false) && level["available"] == .int(4)
      }
      #expect(try server.stop() == 0)
    }
  }

  @Test func aFolderThatGoesAwayRetiresNothingAndIsReadWhenItIsBack() throws {
    try Workspace.with { workspace in
      try workspace.producer("make", Scripts.counting)
      try workspace.declare("codes", Self.pool(target: 2, reorderAt: 1))
      let server = try workspace.serve()
      let files = FileManager.default
      try files.moveItem(atPath: workspace.schedules, toPath: workspace.path + "/away")
      try eventually("a warning") { try warnings(server).count == 1 }
      #expect(try server.http.level("codes")["retired"] == .bool(false))
      try files.moveItem(atPath: workspace.path + "/away", toPath: workspace.schedules)
      try eventually("no warning") { try warnings(server) == [] }
      try workspace.declare("codes", Self.pool(target: 5, reorderAt: 4))
      try eventually("the new target") { try server.http.level("codes")["available"] == .int(5) }
    }
  }

  @Test func anEditOfABusyPoolLosesNoRunAndNoItem() throws {
    try Workspace.with { workspace in
      try workspace.producer(
        "make",
        """
        echo "$LARDER_RUN $LARDER_SLICE $LARDER_COUNT" >>\(workspace.path)/ledger
        while [ ! -e \(workspace.path)/go ]; do sleep 0.02; done
        \(Scripts.counting)
        """)
      try workspace.declare("codes", Self.pool(target: 4, reorderAt: 3))
      let server = try workspace.serve()
      try eventually("a busy pool") { workspace.lines("ledger").count == 1 }
      try workspace.declare("codes", Self.pool(target: 6, reorderAt: 3))
      try eventually("the new target") { try server.http.level("codes")["target"] == .int(6) }
      try workspace.write("go", "")
      try eventually("the run's end") { try server.http.level("codes")["available"] == .int(4) }
      let runs = try server.http.runs("codes")
      #expect(runs.map { $0["state"] } == [.string("succeeded")])
      #expect(workspace.lines("ledger").count == 1)
    }
  }
}
