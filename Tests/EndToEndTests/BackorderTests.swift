import Foundation
import Harness
import Testing

/// Claims that wait for items.
@Suite struct BackorderTests {
  private let asBackorder = #""on_miss": "backorder""#

  private func put(_ lines: [String], _ pool: String, _ workspace: Workspace) throws {
    let put = try workspace.larder("put", pool, input: lines.joined(separator: "\n"))
    #expect(put.status == 0, "\(put.errors)")
  }

  private func backorder(
    _ pool: String, _ user: String, _ server: ServerProcess, more: String = ""
  ) throws -> String {
    let answer = try server.http.claim(pool, user, more: asBackorder + more)
    #expect(answer.status == 202, "\(answer.text)")
    return try #require(answer.json["claim"].string)
  }

  private func claim(_ id: String, _ server: ServerProcess, wait: String = "60s") throws -> JSON {
    try server.http.get("/v1/claims/\(id)?wait=\(wait)").json
  }

  /// A claim of a long list.
  private struct Listed {
    var id: String
    var user: String
    var payloads: [Int]
  }

  /// All claims in a state, in the order in which they were asked for. Read in the quickest way,
  /// since there are thousands.
  private func claims(_ state: String, _ server: ServerProcess) throws -> [Listed] {
    var found: [Listed] = []
    var cursor: String? = ""
    while let place = cursor {
      let answer = try server.http.get("/v1/claims?state=\(state)&limit=1000&cursor=\(place)")
      let object = try JSONSerialization.jsonObject(with: Data(answer.body))
      let page = try #require(object as? [String: Any])
      for claim in try #require(page["claims"] as? [[String: Any]]) {
        let items = try #require(claim["items"] as? [[String: Any]])
        found.append(
          Listed(
            id: try #require(claim["claim"] as? String),
            user: try #require(claim["user"] as? String),
            payloads: try items.map { try #require($0["payload"] as? Int) }))
      }
      cursor = page["cursor"] as? String
    }
    return found.reversed()
  }

  @Test func tenThousandAreFilledInTheirOrderAndEachItemGoesOnceThoughTheServerIsKilled() throws {
    try Workspace.with { workspace in
      try workspace.declare("codes", "claims: {per_user: 0, order: fifo}")
      var server = try workspace.serve()
      var connections: [HTTPConnection] = []
      let rounds = 40
      for round in 0..<rounds {
        for index in 0..<250 {
          // Each asks as soon as it is there: the server does not wait for long.
          if round == 0 { connections.append(try HTTPConnection(server.http)) }
          let body = #"{"user": "\#(round)-\#(index)", \#(asBackorder)}"#
          try connections[index].send("POST", "/v1/pools/codes/claims", body: Array(body.utf8))
        }
        for connection in connections { #expect(try connection.receive().status == 202) }
      }
      try server.kill()
      server = try workspace.serve()
      let waiting = try claims("pending", server)
      // Whoever was answered before another one asked stands before it.
      let asked = waiting.compactMap { $0.user.split(separator: "-").first }
      #expect(
        asked.compactMap { Int($0) } == (0..<rounds).flatMap { Array(repeating: $0, count: 250) })
      // Only so many places are counted.
      let places = try [0, 999, 1000].map { index in
        try claim(waiting[index].id, server, wait: "0s")["position"]
      }
      #expect(places == [.int(1), .int(1000), .null])
      try put((0..<10_000).map { #"{"payload": \#($0), "key": "k-\#($0)"}"# }, "codes", workspace)
      let filled = try claims("claimed", server)
      #expect(filled.map(\.id) == waiting.map(\.id))
      #expect(filled.map(\.payloads) == (0..<10_000).map { [$0] })
      let level = try server.http.level("codes")
      #expect(level["pending"] == .int(0) && level["available"] == .int(0))
      #expect(level["claimed"] == .int(10_000))
    }
  }

  @Test func aBackorderStartsARunAndWhoWaitsGetsItsItem() throws {
    try Workspace.with { workspace in
      try workspace.producer(
        "make", "while [ ! -e '\(workspace.path)/go' ]; do sleep 0.01; done\n" + Scripts.counting)
      try workspace.declare(
        "codes",
        """
        producer: {command: [./make]}
        stock: {target: 0}
        claims: {per_user: 0, on_miss: backorder}
        """)
      let server = try workspace.serve()
      let answer = try server.http.claim("codes", "u-1", more: #""count": 3"#)
      #expect(answer.status == 202)
      let id = try #require(answer.json["claim"].string)
      let waiting = try HTTPConnection(server.http)
      try waiting.send("GET", "/v1/claims/\(id)?wait=60s")
      let run = try eventually("the run") { try server.http.runs("codes").first }
      #expect(run["reason"] == .string("backorder"))
      try eventually("a time when it is filled") {
        try claim(id, server, wait: "0s")["expected_at"].time != nil
      }
      try workspace.write("go", "")
      let filled = try waiting.receive().json
      #expect(filled["state"] == .string("claimed") && filled["items"].elements.count == 3)
      #expect(try server.http.ended(run["run"].string ?? "")["stored"] == .int(3))
      #expect(try server.http.runs("codes").count == 1)
    }
  }

  @Test func whoStartsARunByWaitingIsToldOfItAndNotOfTheNextScheduledOne() throws {
    try Workspace.with { workspace in
      try workspace.producer("make", Scripts.counting)
      try workspace.declare(
        "codes",
        """
        producer: {command: [./make]}
        stock: {target: 0}
        schedules: [{cron: "@yearly"}]
        claims: {on_miss: backorder}
        """)
      let server = try workspace.serve()
      let next = try eventually("the next time") {
        try server.http.level("codes")["next_run_at"].time
      }
      let answer = try server.http.claim("codes", "u-1")
      #expect(answer.status == 202)
      let expected = try #require(answer.json["expected_at"].time)
      #expect(expected < next)
    }
  }

  @Test func nobodySaysWhenAPoolThatIsFilledByHandIsFilled() throws {
    try Workspace.with { workspace in
      try workspace.declare("codes", "claims: {on_miss: backorder}")
      let server = try workspace.serve()
      let pending = try server.http.claim("codes", "u-1").json
      #expect(pending["state"] == .string("pending") && pending["expected_at"] == .null)
      // The pool's setting gives way to the request's.
      #expect(try server.http.claim("codes", "u-2", more: #""on_miss": "reject""#).status == 409)
    }
  }

  @Test func aBackorderTimesOutAndItsKeyGivesNothingMore() throws {
    try Workspace.with { workspace in
      try workspace.declare(
        "codes", "claims: {per_user: 1, on_miss: backorder, backorder: {timeout: 1s}}")
      let server = try workspace.serve()
      let asked = Date().timeIntervalSince1970
      let answer = try server.http.claim("codes", "u-1", key: "k")
      #expect(answer.status == 202)
      let over = try claim(answer.json["claim"].string ?? "", server)
      #expect(over["state"] == .string("timed_out") && over["items"] == .array([]))
      #expect(Date().timeIntervalSince1970 >= asked + 1)
      let again = try server.http.claim("codes", "u-1", key: "k")
      #expect(again.status == 200 && again.json["state"] == .string("timed_out"))
      try put([#"{"payload": 1}"#], "codes", workspace)
      // It was nobody's, and the user has none.
      #expect(try server.http.claim("codes", "u-1", key: "other").status == 201)
    }
  }

  @Test func whatIsCancelledIsPassedOver() throws {
    try Workspace.with { workspace in
      try workspace.declare("codes", "claims: {per_user: 1, on_miss: backorder}")
      let server = try workspace.serve()
      let first = try backorder("codes", "u-1", server)
      // Pending claims count for the limit.
      #expect(try server.http.claim("codes", "u-1", key: "k").status == 429)
      let second = try backorder("codes", "u-2", server)
      #expect(try claim(second, server, wait: "0s")["position"] == .int(2))
      #expect(try server.http.send("DELETE", "/v1/claims/\(first)").status == 200)
      #expect(try claim(second, server, wait: "0s")["position"] == .int(1))
      try put([#"{"payload": 1}"#], "codes", workspace)
      #expect(try claim(second, server)["state"] == .string("claimed"))
      #expect(try claim(first, server)["state"] == .string("cancelled"))
      let late = try server.http.send("DELETE", "/v1/claims/\(second)")
      #expect(late.status == 409 && late.json["type"] == .string("urn:larder:wrong-state"))
    }
  }

  @Test func aBackorderWithAMatchWaitsForItsOwn() throws {
    try Workspace.with { workspace in
      try workspace.declare("seats", "claims: {per_user: 0}")
      let server = try workspace.serve()
      let front = try backorder("seats", "u-1", server, more: #", "match": {"zone": "A"}"#)
      let back = try backorder("seats", "u-2", server, more: #", "match": {"zone": "B"}"#)
      let any = try backorder("seats", "u-3", server)
      let pair = try backorder("seats", "u-4", server, more: #", "count": 2"#)
      func put(_ zone: String) throws {
        let line = #"{"payload": "\#(zone)", "attributes": {"zone": "\#(zone)"}}"#
        try self.put([line], "seats", workspace)
      }
      func states() throws -> [String?] {
        try [front, back, any, pair].map { try claim($0, server, wait: "0s")["state"].string }
      }
      try put("B")
      #expect(try states() == ["pending", "claimed", "pending", "pending"])
      try put("C")
      #expect(try states() == ["pending", "claimed", "claimed", "pending"])
      try put("C")
      #expect(try states() == ["pending", "claimed", "claimed", "pending"])
      try put("A")
      #expect(try states() == ["claimed", "claimed", "claimed", "pending"])
      try put("A")
      #expect(try states() == ["claimed", "claimed", "claimed", "claimed"])
      #expect(try claim(pair, server)["items"].elements.count == 2)
    }
  }

  @Test func aReleasedItemGoesToWhoWaits() throws {
    try Workspace.with { workspace in
      try workspace.declare("codes", "claims: {per_user: 0, on_release: restock}")
      let server = try workspace.serve()
      try put([#"{"payload": 1}"#], "codes", workspace)
      let held = try server.http.claim("codes", "u-1", more: #""hold": "5m""#).json
      let waiting = try backorder("codes", "u-2", server, more: #", "hold": "1m""#)
      let release = "/v1/claims/\(held["claim"].string ?? "")/release"
      #expect(try server.http.post(release).status == 200)
      let filled = try claim(waiting, server)
      #expect(filled["state"] == .string("held") && filled["items"][0] == held["items"][0])
      #expect(filled["hold_expires_at"].time != nil)
    }
  }
}
