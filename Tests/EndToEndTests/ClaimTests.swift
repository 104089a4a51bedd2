import Harness
import Testing

@Suite struct ClaimTests {
  /// A pool that is filled by hand, served.
  private func withItems(
    _ count: Int, claims: String = "{}", _ body: (Workspace, ServerProcess) throws -> Void
  ) throws {
    try Workspace.with { workspace in
      try workspace.declare("codes", "claims: \(claims)")
      let server = try workspace.serve()
      let lines = (0..<count).map { #"{"payload": {"code": \#($0)}, "key": "k-\#($0)"}"# }
      let put = try workspace.larder("put", "codes", input: lines.joined(separator: "\n"))
      #expect(put.status == 0)
      try body(workspace, server)
    }
  }

  @Test func threeHundredClaimersOfTwoHundredItemsGetEachItemOnce() throws {
    try withItems(200) { _, server in
      let connections = try (0..<300).map { index in
        let connection = try HTTPConnection(server.http)
        try connection.send(
          "POST", "/v1/pools/codes/claims", body: Array(#"{"user": "u-\#(index)"}"#.utf8))
        return connection
      }
      let answers = try connections.map { try $0.receive() }
      let granted = answers.filter { $0.status == 201 }
      #expect(granted.count == 200)
      #expect(Set(granted.compactMap { $0.json["items"][0]["id"].string }).count == 200)
      #expect(Set(granted.compactMap { $0.json["items"][0]["payload"]["code"].int }).count == 200)
      let refused = answers.filter { $0.status == 409 }
      #expect(refused.count == 100)
      for answer in refused {
        #expect(answer.json["type"] == .string("urn:larder:out-of-stock"))
        #expect((answer.header("Retry-After").flatMap { Int($0) } ?? 0) >= 1)
      }
      let level = try server.http.level("codes")
      #expect(level["available"] == .int(0))
      #expect(level["claimed"] == .int(200))
    }
  }

  @Test func theSameUserAsksAgainAndGetsTheSameAnswer() throws {
    try withItems(5) { _, server in
      let first = try server.http.claim("codes", "u-1")
      let again = try server.http.claim("codes", "u-1")
      #expect(first.status == 201 && again.status == 200)
      #expect(first.body == again.body)
      // By value: one is what no count means.
      let counted = try server.http.claim("codes", "u-1", more: #""count": 1"#)
      #expect(counted.status == 200 && counted.body == first.body)
      let read = try server.http.get("/v1/claims/\(first.json["claim"].string ?? "")")
      #expect(read.status == 200 && read.body == first.body)
      #expect(try server.http.level("codes")["claimed"] == .int(1))
    }
  }

  @Test func theSameKeyWithAnotherRequestIsRefusedAndGivesNothing() throws {
    try withItems(5, claims: "{per_user: 3}") { _, server in
      let first = try server.http.claim("codes", "u-1", key: "k", more: #""min_remaining": "10m""#)
      #expect(first.status == 201)
      for more in ["", #""count": 2"#, #""min_remaining": "11m""#, #""on_miss": "reject""#] {
        let other = try server.http.claim("codes", "u-1", key: "k", more: more)
        #expect(other.status == 422)
        #expect(other.json["type"] == .string("urn:larder:key-reused"))
      }
      let same = try server.http.claim("codes", "u-1", key: "k", more: #""min_remaining": "600s""#)
      #expect(same.status == 200 && same.body == first.body)
      // A key is its user's own.
      #expect(try server.http.claim("codes", "u-2", key: "k").status == 201)
    }
  }

  @Test func aKeyIsTheSameInQuotesAndBare() throws {
    try withItems(3, claims: "{per_user: 0}") { workspace, server in
      let bare = try server.http.claim("codes", "u-1", key: #"day-1"#)
      let quoted = try server.http.claim("codes", "u-1", key: #""day-1""#)
      #expect(bare.status == 201 && quoted.status == 200)
      #expect(bare.body == quoted.body)
      let command = try workspace.larder(
        "claim", "codes", "--user", "u-1", "--key", "day-1", "--json")
      #expect(command.output == bare.text + "\n")
    }
  }

  @Test func aUserGetsNoMoreThanThePoolAllows() throws {
    try withItems(10, claims: "{per_user: 3}") { _, server in
      #expect(try server.http.claim("codes", "u-1", more: #""count": 2"#).status == 201)
      let over = try server.http.claim("codes", "u-1", more: #""count": 2"#)
      #expect(over.status == 429)
      #expect(over.json["type"] == .string("urn:larder:user-limit"))
      #expect(try server.http.claim("codes", "u-1").status == 201)
      #expect(try server.http.claim("codes", "u-1").status == 429)
      #expect(try server.http.claim("codes", "u-2", more: #""count": 3"#).status == 201)
      #expect(try server.http.level("codes")["available"] == .int(4))
    }
  }

  @Test func withoutALimitAndAKeyEveryRequestIsANewClaim() throws {
    try withItems(3, claims: "{per_user: 0}") { _, server in
      let answers = try (0..<3).map { _ in try server.http.claim("codes", "u-1") }
      #expect(answers.map(\.status) == [201, 201, 201])
      #expect(Set(answers.map { $0.json["items"][0]["key"].string }).count == 3)
    }
  }

  @Test func aClaimOfSeveralItemsGetsAllOrNone() throws {
    try withItems(5, claims: "{per_user: 0}") { _, server in
      let three = try server.http.claim("codes", "u-1", more: #""count": 3"#)
      #expect(three.status == 201)
      #expect(Set(three.json["items"].elements.map { $0["id"].string }).count == 3)
      let miss = try server.http.claim("codes", "u-2", key: "k", more: #""count": 3"#)
      #expect(miss.status == 409)
      #expect(try server.http.level("codes")["available"] == .int(2))
      // A refusal binds no key.
      #expect(try server.http.claim("codes", "u-2", key: "k", more: #""count": 2"#).status == 201)
    }
  }

  @Test func sixtyFourClientsWithOneKeyGetOneItem() throws {
    try withItems(100, claims: "{per_user: 0}") { _, server in
      let connections = try (0..<64).map { _ in
        let connection = try HTTPConnection(server.http)
        try connection.send(
          "POST", "/v1/pools/codes/claims", headers: [("Idempotency-Key", "one")],
          body: Array(#"{"user": "u-1"}"#.utf8))
        return connection
      }
      let answers = try connections.map { try $0.receive() }
      #expect(answers.count { $0.status == 201 } == 1)
      #expect(answers.count { $0.status == 200 } == 63)
      #expect(Set(answers.map(\.body)).count == 1)
      #expect(try server.http.level("codes")["claimed"] == .int(1))
    }
  }

  @Test func anItemMadeForAUserIsThatUsersAlone() throws {
    try Workspace.with { workspace in
      try workspace.declare("reports", "claims: {per_user: 0}")
      let server = try workspace.serve()
      try workspace.larder(
        "put", "reports",
        input: """
          {"payload": "for all", "expires_at": "2999-01-01T00:00:00Z"}
          {"payload": "for u/ü", "user": "u/ü"}
          """)
      #expect(try server.http.level("reports")["available"] == .int(2))
      let other = try server.http.claim("reports", "u-1")
      #expect(other.json["items"][0]["payload"] == .string("for all"))
      #expect(try server.http.claim("reports", "u-2").status == 409)
      let own = try server.http.claim("reports", "u/ü")
      #expect(own.json["items"][0]["payload"] == .string("for u/ü"))
      // The user's name is percent-encoded in a path, the slash included.
      let list = try server.http.get("/v1/users/u%2F%C3%BC/claims")
      #expect(list.status == 200)
      #expect(list.json["claims"].elements.map { $0["claim"] } == [own.json["claim"]])
    }
  }

  @Test func whatExpiresFirstIsHandedOutFirstAndNothingExpired() throws {
    try Workspace.with { workspace in
      try workspace.declare("seats", "claims: {per_user: 0, min_remaining: 1h}")
      let server = try workspace.serve()
      try workspace.larder(
        "put", "seats",
        input: """
          {"payload": "keeps"}
          {"payload": "last", "expires_at": "2999-01-02T00:00:00Z"}
          {"payload": "first", "expires_at": "2999-01-01T00:00:00Z"}
          {"payload": "over", "expires_at": "2020-01-01T00:00:00Z"}
          """)
      let payloads = try (0..<4).map { _ in
        try server.http.claim("seats", "u-1").json["items"][0]["payload"]
      }
      #expect(payloads == [.string("first"), .string("last"), .string("keeps"), .null])
      #expect(try server.http.level("seats")["expired"] == .int(1))
    }
  }

  @Test func payloadsComeBackByteForByte() throws {
    try Workspace.with { workspace in
      try workspace.declare("odd", "claims: {per_user: 0}")
      let server = try workspace.serve()
      let payloads = [
        #"{"b":1,  "a" : [1.50, 1e3, -0],"b":2}"#, #""\u00fc\/ü""#, "12345678901234567890.10",
        "null", "[ ]",
      ]
      let put = try server.http.post(
        "/v1/pools/odd/items", payloads.map { #"{"payload": \#($0)}"# }.joined(separator: "\n"))
      #expect(put.json["stored"] == .int(5))
      for payload in payloads {
        let claim = try server.http.claim("odd", "u-1")
        #expect(claim.text.contains(#""payload":\#(payload),"#), "\(claim.text)")
      }
    }
  }

  @Test func aListOfClaimsIsReadInPages() throws {
    try withItems(7, claims: "{per_user: 0}") { _, server in
      for _ in 0..<7 { #expect(try server.http.claim("codes", "u-1").status == 201) }
      #expect(try server.http.get("/v1/users/u-2/claims").json["claims"] == .array([]))
      var seen: [String] = []
      var target = "/v1/users/u-1/claims?limit=3"
      var sizes: [Int] = []
      while true {
        let page = try server.http.get(target).json
        seen += page["claims"].elements.compactMap { $0["claim"].string }
        sizes.append(page["claims"].elements.count)
        guard let cursor = page["cursor"].string else { break }
        target = "/v1/users/u-1/claims?limit=3&cursor=\(cursor)"
      }
      #expect(sizes == [3, 3, 1])
      #expect(Set(seen).count == 7)
    }
  }
}
