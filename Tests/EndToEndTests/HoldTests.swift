import Foundation
import Harness
import Testing

/// Holds and backorders, over HTTP and by commands.
@Suite struct HoldTests {
  /// A pool that is filled by hand, served.
  private func withItems(
    _ count: Int, claims: String = "{per_user: 0}",
    _ body: (Workspace, ServerProcess) throws -> Void
  ) throws {
    try Workspace.with { workspace in
      try workspace.declare("codes", "claims: \(claims)")
      let server = try workspace.serve()
      try put(0..<count, workspace)
      try body(workspace, server)
    }
  }

  private func put(_ numbers: Range<Int>, _ workspace: Workspace) throws {
    let lines = numbers.map {
      #"{"payload": {"code": \#($0)}, "key": "k-\#($0)", "attributes": {"odd": \#($0 % 2 == 1)}}"#
    }
    #expect(try workspace.larder("put", "codes", input: lines.joined(separator: "\n")).status == 0)
  }

  private func id(_ answer: HTTPAnswer) throws -> String {
    try #require(answer.json["claim"].string, "\(answer.text)")
  }

  @Test func aHoldIsConfirmedOrReleased() throws {
    try withItems(2) { _, server in
      let first = try server.http.claim("codes", "u-1", more: #""hold": "10m""#)
      let second = try server.http.claim("codes", "u-2", more: #""hold": "10m""#)
      #expect(first.status == 201 && first.json["state"] == .string("held"))
      #expect(first.json["items"][0]["payload"]["code"] != .null)
      #expect(first.json["hold_expires_at"].time ?? 0 > Date().timeIntervalSince1970 + 500)
      #expect(try server.http.level("codes")["held"] == .int(2))
      let confirm = "/v1/claims/\(try id(first))/confirm"
      let release = "/v1/claims/\(try id(second))/release"
      for _ in 0..<2 {
        let confirmed = try server.http.post(confirm)
        #expect(confirmed.status == 200 && confirmed.json["state"] == .string("claimed"))
        #expect(confirmed.json["items"] == first.json["items"])
        let released = try server.http.post(release, "{}")
        #expect(released.status == 200 && released.json["state"] == .string("released"))
        #expect(released.json["items"] == .array([]))
      }
      let level = try server.http.level("codes")
      // Somebody has seen the payload of what was released.
      #expect(level["claimed"] == .int(1) && level["quarantined"] == .int(1))
      for path in ["/v1/claims/\(try id(first))/release", "/v1/claims/\(try id(second))/confirm"] {
        let refused = try server.http.post(path)
        #expect(refused.status == 409)
        #expect(refused.json["type"] == .string("urn:larder:wrong-state"))
      }
      let cancel = try server.http.send("DELETE", "/v1/claims/\(try id(first))")
      #expect(cancel.status == 409 && cancel.json["detail"].string?.contains("claimed") == true)
    }
  }

  @Test func aMatchChoosesAmongItems() throws {
    try withItems(4) { workspace, server in
      let odd = try server.http.claim("codes", "u", more: #""count": 2, "match": {"odd": true}"#)
      #expect(odd.json["items"].elements.map { $0["key"].string } == ["k-1", "k-3"])
      #expect(try server.http.claim("codes", "u", more: #""match": {"odd": true}"#).status == 409)
      // A text is no boolean.
      let text = try workspace.larder("claim", "codes", "--user", "u", "--match", #"odd="false""#)
      #expect(text.status == 3)
      let even = try workspace.larder(
        "claim", "codes", "--user", "u", "--count", "2", "--match", "odd=false")
      #expect(even.output == "{\"code\": 0}\n{\"code\": 2}\n")
    }
  }

  @Test func aBackorderIsAnsweredAsSoonAsItIsFilled() throws {
    try withItems(0) { workspace, server in
      let more = #""on_miss": "backorder""#
      let first = try server.http.claim("codes", "u-1", key: "k", more: more)
      #expect(first.status == 202 && first.json["state"] == .string("pending"))
      #expect(first.json["position"] == .int(1) && first.json["items"] == .array([]))
      #expect(first.json.names.contains("expected_at"))
      let location = try #require(first.header("Location"))
      #expect(location == "/v1/claims/\(try id(first))")
      let again = try server.http.claim("codes", "u-1", key: "k", more: more)
      #expect(again.status == 202 && again.header("Location") == location)
      let second = try server.http.claim("codes", "u-2", more: more)
      #expect(second.json["position"] == .int(2))
      #expect(try server.http.level("codes")["pending"] == .int(2))
      let listed = try server.http.get("/v1/claims?state=pending").json["claims"].elements
      let places = [try id(second), try id(first)]
      #expect(listed.compactMap { $0["claim"].string } == places)

      let waiting = try HTTPConnection(server.http)
      try waiting.send("GET", location + "?wait=60s")
      let briefly = try server.http.get(location + "?wait=50ms")
      #expect(briefly.status == 200 && briefly.json["state"] == .string("pending"))
      try put(0..<1, workspace)
      let filled = try waiting.receive()
      #expect(filled.status == 200 && filled.json["state"] == .string("claimed"))
      #expect(filled.json["items"][0]["key"] == .string("k-0"))
      #expect(filled.json["claimed_at"] != .null)
      #expect(try server.http.claim("codes", "u-1", key: "k", more: more).body == filled.body)
      #expect(try server.http.get("/v1/claims/\(try id(second))").json["position"] == .int(1))
    }
  }

  @Test func whoWaitsIsAnsweredWhenTheBackorderIsCancelledOrTheServerStops() throws {
    try withItems(0) { workspace, server in
      let more = #""on_miss": "backorder""#
      let ids = try ["u-1", "u-2"].map { try id(server.http.claim("codes", $0, more: more)) }
      let waiting = try ids.map { id in
        let connection = try HTTPConnection(server.http)
        try connection.send("GET", "/v1/claims/\(id)?wait=60s")
        return connection
      }
      let cancelled = try server.http.send("DELETE", "/v1/claims/\(ids[0])")
      #expect(cancelled.status == 200 && cancelled.json["state"] == .string("cancelled"))
      #expect(try waiting[0].receive().json["state"] == .string("cancelled"))
      #expect(try server.http.send("DELETE", "/v1/claims/\(ids[0])").body == cancelled.body)
      let began = ContinuousClock.now
      #expect(try server.stop() == 0)
      #expect(ContinuousClock.now - began < .seconds(50))
      #expect(try waiting[1].receive().json["state"] == .string("pending"))
      // Without a server the commands do the same in the store.
      let command = try workspace.larder("cancel", ids[1])
      #expect(command.status == 0 && command.output == "cancelled\n")
    }
  }

  @Test func commandsHoldConfirmReleaseAndCancel() throws {
    try withItems(2, claims: "{per_user: 0, on_release: restock}") { workspace, server in
      for served in [true, false] {
        if !served { #expect(try server.stop() == 0) }
        func hold() throws -> String {
          let held = try workspace.larder("claim", "codes", "--user", "u", "--hold", "5m")
          #expect(held.status == 0 && held.output.hasPrefix("{\"code\": "))
          let told = try #require(held.errors.firstMatch(of: /larder confirm ([-0-9a-f]+)`/))
          return String(told.1)
        }
        let released = try hold()
        #expect(try workspace.larder("release", released).output == "released\n")
        #expect(try workspace.larder("confirm", released).status == 1)
        let confirmed = try workspace.larder("confirm", try hold(), "--json")
        #expect(confirmed.status == 0 && confirmed.json["state"] == .string("claimed"))
      }
      let pending = try workspace.larder(
        "claim", "codes", "--user", "late", "--on-miss", "backorder")
      #expect(pending.status == 0 && pending.output.isEmpty)
      let told = try #require(pending.errors.firstMatch(of: /larder cancel ([-0-9a-f]+)`/))
      let listed = try workspace.larder("claims", "--state", "pending", "--user", "late", "--json")
      #expect(listed.json["claims"][0]["claim"] == .string(String(told.1)))
      for _ in 0..<2 {
        #expect(try workspace.larder("cancel", String(told.1)).output == "cancelled\n")
      }
      #expect(try workspace.larder("cancel", released(workspace)).status == 1)
    }
  }

  private func released(_ workspace: Workspace) throws -> String {
    let claims = try workspace.larder("claims", "--state", "released", "--json").json["claims"]
    return try #require(claims[0]["claim"].string)
  }
}
