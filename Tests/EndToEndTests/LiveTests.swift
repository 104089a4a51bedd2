import Foundation
import Harness
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

  @Test func aSecondFileOfAPoolIsAWarningAndTheFirstStaysInForce() throws {
    try Workspace.with { workspace in
      try workspace.producer("make", Scripts.counting)
      try workspace.declare("codes", Self.pool(target: 2, reorderAt: 1))
      let server = try workspace.serve()
      try workspace.write("Schedules/more.yaml", "pool: codes\nstock: {max: 3}\n")
      try eventually("a warning") {
        try warnings(server).contains { $0.contains("more.yaml:1:7") }
      }
      let level = try server.http.level("codes")
      #expect(level["warnings"].elements.allSatisfy { $0.string?.contains("yaml") == false })
      // The first file can still be changed.
      try workspace.declare("codes", Self.pool(target: 4, reorderAt: 3))
      try eventually("the new target") { try server.http.level("codes")["available"] == .int(4) }
      #expect(try warnings(server).count == 1)
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

  @Test func whatOthersMayWriteIsNotTakenInUntilItIsMended() throws {
    try Workspace.with { workspace in
      try workspace.producer("make", Scripts.counting)
      try workspace.declare("codes", Self.pool(target: 2, reorderAt: 1))
      let server = try workspace.serve()
      let yaml = "pool: codes\n" + Self.pool(target: 5, reorderAt: 4)
      try workspace.write("Schedules/codes.yaml", yaml, mode: 0o664)
      try eventually("a warning about the file") {
        try warnings(server).contains { $0.contains("codes.yaml:1:1") && $0.contains("written") }
      }
      #expect(try server.http.level("codes")["target"] == .int(2))
      #expect(chmod("\(workspace.schedules)/codes.yaml", 0o644) == 0)
      try eventually("the new target") { try server.http.level("codes")["target"] == .int(5) }

      #expect(chmod(workspace.schedules, 0o775) == 0)
      try workspace.declare("more", Self.pool(target: 1, reorderAt: 0))
      try eventually("a warning about the folder") {
        try warnings(server).contains { $0.contains("chmod go-w Schedules") }
      }
      #expect(try server.http.get("/v1/pools/more/level").status == 404)
      #expect(try server.http.level("codes")["retired"] == .bool(false))
      #expect(chmod(workspace.schedules, 0o755) == 0)
      try eventually("the new pool") { try server.http.get("/v1/pools/more/level").status == 200 }
      try eventually("no warning") { try warnings(server) == [] }
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
      // The shelf is full before the run has ended.
      try eventually("the run's end") {
        try server.http.runs("codes").map { $0["state"] } == [.string("succeeded")]
      }
      #expect(try server.http.level("codes")["available"] == .int(4))
      #expect(workspace.lines("ledger").count == 1)
    }
  }

  @Test func aRunGoesOnByItsPoolsNewFileAndWhatItStoredStays() throws {
    try Workspace.with { workspace in
      try workspace.producer(
        "make",
        """
        echo "$LARDER_RUN $LARDER_SLICE $LARDER_COUNT" >>\(workspace.path)/ledger
        while [ ! -e \(workspace.path)/go-$LARDER_SLICE ]; do sleep 0.02; done
        \(Scripts.counting)
        """)
      func declare(slice: Int, max: Int) throws {
        try workspace.declare(
          "codes",
          """
          producer: {command: [./make], slice: \(slice)}
          stock: {target: 6, reorder_at: 5, max: \(max)}
          claims: {per_user: 0}
          """)
      }
      try declare(slice: 1, max: 20)
      let server = try workspace.serve()
      try eventually("the first slice") { workspace.lines("ledger").count == 1 }
      let id = try #require(try server.http.runs("codes").first?["run"].string)

      // The slice that is being made stays as it was asked for; the next one is of the new size.
      try declare(slice: 2, max: 30)
      try eventually("the new file") { try server.http.level("codes")["max"] == .int(30) }
      try workspace.write("go-1", "")
      try eventually("the second slice") { workspace.lines("ledger").count == 2 }

      // A bad edit changes nothing, and neither does its repair.
      try workspace.declare("codes", "colour: red")
      try eventually("a warning") { try warnings(server).count == 1 }
      try workspace.write("go-2", "")
      try eventually("the third slice") { workspace.lines("ledger").count == 3 }
      try declare(slice: 2, max: 40)
      try eventually("the repaired file") {
        try warnings(server) == [] && server.http.level("codes")["max"] == .int(40)
      }
      #expect(
        workspace.lines("ledger") == ["\(id) 1 1", "\(id) 2 2", "\(id) 3 2"])

      // Without its file the pool keeps the slice that is being made, and ends the run.
      try workspace.delete("Schedules/codes.yaml")
      try eventually("the retirement") { try server.http.level("codes")["retired"] == .bool(true) }
      #expect(try server.http.run(id)["state"] == .string("running"))
      #expect(try server.http.claim("codes", "u").status == 201)
      try workspace.write("go-3", "")
      let run = try server.http.ended(id)
      #expect(run["state"] == .string("failed") && run["stored"] == .int(5))
      #expect(run["why"].string?.contains("retired") == true)

      // Back again, it is filled up to what it lacks.
      try declare(slice: 2, max: 20)
      try workspace.write("go-4", "")
      try eventually("a full pool") { try server.http.level("codes")["available"] == .int(6) }
      let runs = try server.http.runs("codes")
      #expect(runs.compactMap { $0["stored"].int } == [2, 5])
      let level = try server.http.level("codes")
      #expect(level["produced"] == .int(7) && level["claimed"] == .int(1))
      #expect(workspace.lines("ledger").count == 4)
    }
  }
}
