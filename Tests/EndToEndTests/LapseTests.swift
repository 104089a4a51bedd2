import Foundation
import Harness
import Testing

/// Holds whose time is over.
@Suite struct LapseTests {
  /// A pool with one item, which a user holds for a second.
  private func withHold(
    onRelease: String,
    _ body: (Workspace, ServerProcess, _ held: JSON) throws -> Void
  ) throws {
    try Workspace.with { workspace in
      try workspace.declare("codes", "claims: {per_user: 1, on_release: \(onRelease)}")
      let server = try workspace.serve()
      try workspace.larder("put", "codes", input: #"{"payload": "one"}"#)
      let held = try server.http.claim("codes", "u-1", key: "k", more: #""hold": "1s""#)
      #expect(held.status == 201 && held.json["state"] == .string("held"))
      try body(workspace, server, held.json)
    }
  }

  /// Waits for the lapse, which must not come early.
  private func waitForLapse(of held: JSON, _ server: ServerProcess) throws {
    try eventually("the lapse") {
      let claim = try server.http.get("/v1/claims/\(held["claim"].string ?? "")").json
      guard claim["state"] == .string("lapsed") else { return false }
      #expect(Date().timeIntervalSince1970 >= held["hold_expires_at"].time ?? .infinity)
      #expect(claim["items"] == .array([]))
      return true
    }
    try eventually("the item's end") { try server.http.level("codes")["held"] == .int(0) }
  }

  @Test(arguments: [false, true])
  func aRestockedItemIsGivenToTheNext(afterRestart: Bool) throws {
    try withHold(onRelease: "restock") { workspace, first, held in
      if afterRestart { try first.kill() }
      let server = afterRestart ? try workspace.serve() : first
      try waitForLapse(of: held, server)
      #expect(try server.http.level("codes")["available"] == .int(1))
      let again = try server.http.claim("codes", "u-1", key: "k", more: #""hold": "1s""#)
      #expect(again.status == 200 && again.json["state"] == .string("lapsed"))
      #expect(again.json["items"] == .array([]))
      let confirm = try server.http.post("/v1/claims/\(held["claim"].string ?? "")/confirm")
      #expect(confirm.status == 409)
      let next = try server.http.claim("codes", "u-1")
      #expect(next.status == 201 && next.json["items"] == held["items"])
    }
  }

  @Test(arguments: [false, true])
  func aDiscardedItemIsGivenToNobody(afterRestart: Bool) throws {
    try withHold(onRelease: "discard") { workspace, first, held in
      if afterRestart { try first.kill() }
      let server = afterRestart ? try workspace.serve() : first
      try waitForLapse(of: held, server)
      let level = try server.http.level("codes")
      #expect(level["available"] == .int(0) && level["quarantined"] == .int(1))
      #expect(try server.http.claim("codes", "u-2").status == 409)
    }
  }

  @Test func whoWaitsGetsWhatLapses() throws {
    try withHold(onRelease: "restock") { _, server, held in
      let waiting = try server.http.claim("codes", "u-2", more: #""on_miss": "backorder""#).json
      let filled = try server.http.get("/v1/claims/\(waiting["claim"].string ?? "")?wait=60s").json
      #expect(filled["state"] == .string("claimed") && filled["items"] == held["items"])
      #expect(filled["claimed_at"].time ?? 0 >= held["hold_expires_at"].time ?? .infinity)
    }
  }

  @Test func commandsWithoutAServerFindWhatLapsed() throws {
    try Workspace.with { workspace in
      try workspace.declare("codes", "claims: {per_user: 1, on_release: restock}")
      try workspace.larder("put", "codes", input: #"{"payload": "one"}"#)
      let held = try workspace.larder("claim", "codes", "--user", "u-1", "--hold", "1s")
      #expect(held.status == 0)
      let next = try eventually("the lapse") {
        let claim = try workspace.larder("claim", "codes", "--user", "u-2")
        return claim.status == 0 ? claim : nil
      }
      #expect(next.output == held.output)
      let again = try workspace.larder(
        "claim", "codes", "--user", "u-1", "--hold", "1s", "--json")
      #expect(again.json["state"] == .string("lapsed"))
    }
  }
}
