import Harness
import Testing

@Suite struct LimitTests {
  @Test func soManyProducersMayRunAtOnce() throws {
    try Workspace.with { workspace in
      for number in ["0", "257", "-1", "many"] {
        let refused = try workspace.larder(
          "serve", "--listen", "127.0.0.1:0", "--producers", number)
        #expect(refused.status == 2, "\(number)")
        #expect(refused.errors.contains("--producers must be a whole number from 1 to 256"))
      }
      for number in ["1", "255", "256"] {
        let server = try workspace.serve("--producers", number)
        #expect(try server.http.get("/readyz").status == 200, "\(number)")
        #expect(try server.stop() == 0)
      }
    }
  }

  @Test func whatAWebPageSendsIsRefusedAndTakesNothing() throws {
    try Workspace.with { workspace in
      try workspace.declare("codes", "claims: {per_user: 0}")
      let server = try workspace.serve()
      #expect(try server.http.post("/v1/pools/codes/items", #"{"payload": 1}"#).status == 200)
      for type in ["text/plain", "application/json"] {
        let refused = try server.http.post(
          "/v1/pools/codes/claims", #"{"user": "u-1"}"#,
          headers: [("Origin", "https://news.example"), ("Content-Type", type)])
        #expect(refused.status == 403)
        #expect(refused.json["type"] == .string("urn:larder:foreign-origin"))
      }
      #expect(try server.http.level("codes")["available"] == .int(1))
      #expect(try server.http.claim("codes", "u-1").status == 201)
    }
  }
}
