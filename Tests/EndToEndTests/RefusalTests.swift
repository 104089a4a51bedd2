import Foundation
import Harness
import Testing

/// A request and the problem document that it gets.
struct Refusal: Sendable, CustomTestStringConvertible {
  var method = "POST"
  var target = "/v1/pools/codes/claims"
  var headers: [(String, String)] = []
  var body: String?
  let status: Int
  let word: String

  static func claim(
    _ body: String, _ status: Int = 400, _ word: String = "bad-request",
    headers: [(String, String)] = []
  ) -> Refusal {
    Refusal(headers: headers, body: body, status: status, word: word)
  }

  static func get(_ target: String, _ status: Int, _ word: String) -> Refusal {
    Refusal(method: "GET", target: target, status: status, word: word)
  }

  var testDescription: String {
    "\(method) \(target.prefix(60)) \(headers) \(body?.prefix(60) ?? "")"
  }
}

@Suite struct RefusalTests {
  private func expect(_ refusals: [Refusal], of server: ServerProcess) throws {
    for refusal in refusals {
      let answer = try server.http.send(
        refusal.method, refusal.target, headers: refusal.headers,
        body: refusal.body.map { Array($0.utf8) })
      let what = Comment(rawValue: "\(refusal.testDescription): \(answer.text.prefix(300))")
      #expect(answer.status == refusal.status, what)
      #expect(answer.header("Content-Type") == "application/problem+json", what)
      #expect(answer.json["type"] == .string("urn:larder:\(refusal.word)"), what)
      #expect(answer.json["status"] == .int(refusal.status), what)
      #expect(answer.json["title"].string?.isEmpty == false, what)
      #expect(answer.json["detail"].string?.isEmpty == false, what)
      #expect(answer.header("Retry-After") == nil || answer.status == 409, what)
    }
  }

  private func withServer(_ body: (Workspace, ServerProcess) throws -> Void) throws {
    try Workspace.with { workspace in
      try workspace.declare("codes", "claims: {per_user: 0}")
      let server = try workspace.serve()
      #expect(
        try server.http.post("/v1/pools/codes/items", #"{"payload": 1, "key": "k"}"#).status == 200)
      try body(workspace, server)
      // Whatever was refused took nothing and put nothing.
      let level = try server.http.level("codes")
      #expect(level["available"] == .int(1) && level["produced"] == .int(1))
    }
  }

  @Test func malformedClaimsAreRefused() throws {
    try withServer { _, server in
      let long = String(repeating: "u", count: 201)
      let longKey = String(repeating: "k", count: 256)
      try expect(
        [
          .claim(""), .claim("{"), .claim("[]"), .claim("\"u\""), .claim("null"),
          .claim(#"{"user": "u-1"} x"#), .claim(#"{"user": "u-1",}"#), .claim(#"{'user': "u-1"}"#),
          .claim("{}"), .claim(#"{"user": ""}"#), .claim(#"{"user": "\#(long)"}"#),
          .claim(#"{"user": 7}"#), .claim(#"{"user": null}"#), .claim(#"{"user": "a\u0000b"}"#),
          .claim(#"{"user": "\ud800"}"#), .claim(#"{"user": "u-1", "colour": "red"}"#),
          .claim(#"{"user": "u-1", "user": "u-2"}"#),
          .claim(#"{"user": "u-1", "count": 0}"#), .claim(#"{"user": "u-1", "count": 1001}"#),
          .claim(#"{"user": "u-1", "count": -1}"#), .claim(#"{"user": "u-1", "count": "1"}"#),
          .claim(#"{"user": "u-1", "count": 1.5}"#), .claim(#"{"user": "u-1", "count": true}"#),
          .claim(#"{"user": "u-1", "count": 99999999999999999999}"#),
          .claim(#"{"user": "u-1", "hold": "0s"}"#), .claim(#"{"user": "u-1", "hold": 600}"#),
          .claim(#"{"user": "u-1", "match": {"zone": null}}"#),
          .claim(#"{"user": "u-1", "match": {"zone": {"name": "A"}}}"#),
          .claim(#"{"user": "u-1", "on_miss": "wait"}"#),
          .claim(#"{"user": "u-1", "min_remaining": "ten minutes"}"#),
          .claim(#"{"user": "u-1", "min_remaining": 600}"#),
          .claim(#"{"user": "u-1", "min_remaining": "-5m"}"#),
          .claim(#"{"user": "u-1"}"#, headers: [("Idempotency-Key", "")]),
          .claim(#"{"user": "u-1"}"#, headers: [("Idempotency-Key", longKey)]),
          .claim(#"{"user": "u-1"}"#, headers: [("Idempotency-Key", #""open"#)]),
          .claim(
            #"{"user": "u-1"}"#, headers: [("Idempotency-Key", "a"), ("Idempotency-Key", "a")]),
          .claim(
            #"{"user": "u-1"}"#, 415, "unsupported-media-type",
            headers: [("Content-Type", "text/plain")]),
          .claim(
            #"{"user": "u-1"}"#, 415, "unsupported-media-type",
            headers: [("Content-Type", "application/x-www-form-urlencoded")]),
          .claim(#"{"user": "\#(String(repeating: "u", count: 65_536))"}"#, 413, "too-large"),
          Refusal(
            target: "/v1/pools/codes/claims?dry=1", body: #"{"user": "u-1"}"#, status: 400,
            word: "bad-request"),
          Refusal(
            target: "/v1/pools/nothing/claims", body: #"{"user": "u-1"}"#, status: 404,
            word: "unknown-pool"),
        ], of: server)
    }
  }

  @Test func whatIsNotMalformedIsTaken() throws {
    try Workspace.with { workspace in
      try workspace.declare("codes", "claims: {per_user: 0}")
      let server = try workspace.serve()
      let lines = Array(repeating: #"{"payload": 1}"#, count: 20).joined(separator: "\r\n") + "\n\n"
      #expect(try server.http.post("/v1/pools/codes/items", lines).json["stored"] == .int(20))
      for (body, type) in [
        (#"{"user": "\#(String(repeating: "u", count: 200))"}"#, nil),
        (#"{"user": "u-1", "count": null, "hold": null, "min_remaining": null}"#, nil),
        (#" {"count":2,"user":"\u00fc"} "#, "application/json"),
        (#"{"user": "u-1", "on_miss": "reject"}"#, "Application/JSON; charset=utf-8"),
      ] {
        let answer = try server.http.post(
          "/v1/pools/codes/claims", body, headers: type.map { [("Content-Type", $0)] } ?? [])
        #expect(answer.status == 201, "\(body): \(answer.text)")
      }
    }
  }

  @Test func unknownPathsMethodsAndNamesAreRefused() throws {
    try withServer { _, server in
      let nobody = "0192f000-0000-7000-8000-000000000000"
      try expect(
        [
          .get("/v1", 404, "not-found"), .get("/v1/pool/codes", 404, "not-found"),
          .get("/v1/pools//claims", 404, "not-found"), .get("/nowhere", 404, "not-found"),
          .get("/v1/claims/\(nobody)", 404, "unknown-claim"),
          .get("/v1/claims/x", 404, "unknown-claim"),
          .get("/v1/claims/\(nobody)?wait=soon", 400, "bad-request"),
          .get("/v1/runs/\(nobody)", 404, "unknown-run"),
          .get("/v1/runs?pool=nothing", 404, "unknown-pool"),
          .get("/v1/runs?limit=0", 400, "bad-request"),
          .get("/v1/runs?limit=1001", 400, "bad-request"),
          .get("/v1/runs?limit=ten", 400, "bad-request"),
          .get("/v1/runs?cursor=!", 400, "bad-request"),
          .get("/v1/runs?cursor=-1", 400, "bad-request"),
          .get("/v1/runs?limit=1&limit=2", 400, "bad-request"),
          .get("/v1/runs?page=2", 400, "bad-request"),
          .get("/v1/users/u-1/claims?cursor=%20", 400, "bad-request"),
          .get("/v1/users/\(String(repeating: "u", count: 201))/claims", 400, "bad-request"),
          .get("/v1/users/a%zzb/claims", 400, "bad-request"),
          .get("/v1/users/a%2/claims", 400, "bad-request"),
          .get("/v1/users/a%00b/claims", 400, "bad-request"),
          .get("/v1/users/%ff/claims", 400, "bad-request"),
          .get("/v1/pools/nothing/level", 404, "unknown-pool"),
          .get("/v1/levels?pool=nothing", 404, "unknown-pool"),
          .get("/v1/pools/codes/items/nothing", 404, "unknown-item"),
          .get("/v1/pools/nothing/items/k", 404, "unknown-pool"),
          Refusal(target: "/v1/pools/nothing/runs", status: 404, word: "unknown-pool"),
          Refusal(target: "/v1/pools/nothing/pause", status: 404, word: "unknown-pool"),
          Refusal(target: "/v1/pools/nothing/resume", status: 404, word: "unknown-pool"),
          Refusal(target: "/v1/pools/nothing/breaker/reset", status: 404, word: "unknown-pool"),
          Refusal(target: "/v1/pools/codes/breaker", status: 404, word: "not-found"),
          Refusal(target: "/v1/pools/codes/pause?for=1h", status: 400, word: "bad-request"),
          Refusal(
            target: "/v1/pools/codes/pause", body: #"{"for": "1h"}"#, status: 400,
            word: "bad-request"),
          Refusal(
            method: "GET", target: "/v1/pools/codes/pause", status: 405, word: "method-not-allowed"),
          Refusal(target: "/v1/pools/codes/runs", status: 409, word: "wrong-state"),
          Refusal(
            target: "/v1/pools/codes/runs", body: #"{"count": 0}"#, status: 400, word: "bad-request"
          ),
          Refusal(
            target: "/v1/pools/codes/runs", body: #"{"size": 1}"#, status: 400, word: "bad-request"),
        ], of: server)
      for (method, target, allow) in [
        ("GET", "/v1/pools/codes/claims", "POST"), ("DELETE", "/v1/levels", "GET, HEAD"),
        ("PUT", "/v1/pools/codes/items", "POST"), ("POST", "/v1/runs", "GET, HEAD"),
        ("POST", "/livez", "GET, HEAD"), ("PATCH", "/v1/claims/x", "DELETE, GET, HEAD"),
      ] {
        try expect(
          [Refusal(method: method, target: target, status: 405, word: "method-not-allowed")],
          of: server)
        #expect(try server.http.send(method, target).header("Allow") == allow)
      }
    }
  }

  @Test func brokenAndOversizedItemsAreRefusedAsAWhole() throws {
    try withServer { _, server in
      func items(_ body: String, _ status: Int = 400, _ word: String = "bad-request") -> Refusal {
        Refusal(target: "/v1/pools/codes/items", body: body, status: status, word: word)
      }
      let good = #"{"payload": 2}"#
      let piece = #"{"payload": "\#(String(repeating: "x", count: 1000))"}"# + "\n"
      try expect(
        [
          items("\(good)\nnonsense\n\(good)"), items("\(good)\n{}"), items("\(good)\n[1]"),
          items(#"{"payload": 2, "colour": 1}"#), items(#"{"payload": 2, "key": ""}"#),
          items(#"{"payload": 2, "key": 7}"#), items(#"{"payload": 2, "user": ""}"#),
          items(#"{"payload": 2, "expires_at": "tomorrow"}"#),
          items(#"{"payload": 2, "attributes": [1]}"#),
          items(#"{"payload": 2, "attributes": {"a": {}}}"#), items(#"{"payload": 2"#),
          items(#"{"payload": "\#(String(repeating: "x", count: 1_048_576))"}"#),
          items(String(repeating: good + "\n", count: 2001), 413, "too-large"),
          items(String(repeating: piece, count: 8400), 413, "too-large"),
          Refusal(
            target: "/v1/pools/codes/items", headers: [("Content-Type", "application/json")],
            body: good, status: 415, word: "unsupported-media-type"),
          Refusal(
            target: "/v1/pools/nothing/items", body: good, status: 404, word: "unknown-pool"),
        ], of: server)
      let broken = try server.http.post("/v1/pools/codes/items", "\(good)\nnonsense")
      #expect(broken.json["detail"].string?.contains("line 2") == true)
    }
  }

  @Test func requestsThatCouldBeReadInTwoWaysAreRefused() throws {
    try withServer { _, server in
      let body = #"{"user": "u-1"}"#
      try expect(
        [
          .claim(body, headers: [("Content-Length", "15")]),
          .claim(body, headers: [("Transfer-Encoding", "chunked")]),
        ], of: server)
      let big = String(repeating: "x", count: 17_000)
      try expect(
        [.claim(body, 431, "header-too-large", headers: [("X-Big", big)])], of: server)
    }
  }
}
