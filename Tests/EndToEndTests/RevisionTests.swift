import Foundation
import Harness
import Testing

/// Items of an older producer revision.
@Suite struct RevisionTests {
  private func yaml(_ revision: Int, max: Int, onRevision: String) -> String {
    """
    producer:
      command: [./make]
      slice: 2
      revision: "\(revision)"
      environment: {REVISION: "\(revision)"}
    stock: {target: 4, reorder_at: 2, max: \(max), on_revision: \(onRevision)}
    claims: {per_user: 0}
    """
  }

  private func workspace(_ body: (Workspace) throws -> Void) throws {
    try Workspace.with { workspace in
      try workspace.producer(
        "make",
        """
        while [ $REVISION = 2 ] && [ ! -e \(workspace.path)/go-$LARDER_SLICE ]; do sleep 0.02; done
        for i in $(seq $LARDER_COUNT); do printf '{"payload": %s}\\n' $REVISION; done
        """)
      try body(workspace)
    }
  }

  /// With room beside the stale items, and without.
  @Test(arguments: [10, 4])
  func staleItemsGiveWayToNewOnes(_ max: Int) throws {
    try workspace { workspace in
      try workspace.declare("codes", yaml(1, max: max, onRevision: "replace"))
      let server = try workspace.serve()
      func stale() throws -> String? {
        try server.http.level("codes")["reasons"].elements.compactMap(\.string)
          .first { $0.contains("stale") }
      }
      func claimed() throws -> JSON {
        try server.http.claim("codes", "u").json["items"][0]["payload"]
      }
      try eventually("a full pool") { try server.http.level("codes")["available"] == .int(4) }
      #expect(try stale() == nil)

      // The new revision's run begins at once, since stale items don't count. Where they leave no
      // room, two go before its first slice is asked for.
      try workspace.declare("codes", yaml(2, max: max, onRevision: "replace"))
      try eventually("a run of the new revision") {
        try server.http.level("codes")["in_flight"] == .int(2)
      }
      let left = max == 4 ? 2 : 4
      #expect(try stale()?.hasPrefix("\(left) of \(left) available items are stale") == true)
      #expect(try claimed() == .int(1))

      try workspace.write("go-1", "")
      // Where the next slice has no room beside the last stale item, that one goes before it.
      let shelf = max == 4 ? 2 : 3
      try eventually("the first new items, and the second slice") {
        let level = try server.http.level("codes")
        return level["available"] == .int(shelf) && level["in_flight"] == .int(2)
          && level["last_run"]["slices"].elements.count == 2
      }
      #expect(try stale()?.hasPrefix("1 of 3 ") == (max == 4 ? nil : true))
      // What is stale is handed out last, though it is older.
      #expect(try claimed() == .int(2))
      try workspace.write("go-2", "")
      let run = try server.http.ended(server.http.runs("codes")[0]["run"].string ?? "")
      #expect(run["state"] == .string("succeeded") && run["reason"] == .string("reorder"))
      #expect(run["slices"].elements.map { $0["recalled"] } == [.int(2), .int(1)])
      #expect(try stale() == nil)
      let level = try server.http.level("codes")
      #expect(level["available"] == .int(3) && level["recalled"] == .int(3))
      #expect(level["claimed"] == .int(2) && level["produced"] == .int(8))
      #expect(try claimed() == .int(2))
      let table = try workspace.larder("run", run["run"].string ?? "").output
      #expect(table.contains("RECALLED"))
    }
  }

  @Test func aPoolThatKeepsThemHandsThemOutInOrder() throws {
    try workspace { workspace in
      try workspace.declare("codes", yaml(1, max: 10, onRevision: "keep"))
      let server = try workspace.serve()
      try eventually("a full pool") { try server.http.level("codes")["available"] == .int(4) }
      try workspace.declare("codes", yaml(2, max: 9, onRevision: "keep"))
      try eventually("the new file") { try server.http.level("codes")["max"] == .int(9) }
      for number in 1...9 { try workspace.write("go-\(number)", "") }
      let run = try server.http.prefill("codes", count: 2)
      #expect(run["stored"] == .int(2) && run["slices"][0]["recalled"] == .int(0))
      let table = try workspace.larder("run", run["run"].string ?? "").output
      #expect(table.contains("OVERFILL") && !table.contains("RECALLED"))
      let claim = try server.http.claim("codes", "u", more: #""count": 6"#).json
      #expect(
        claim["items"].elements.map { $0["payload"] }
          == [.int(1), .int(1), .int(1), .int(1), .int(2), .int(2)])
    }
  }
}
