import Foundation
import HTTPServer
import Larder
import Testing

@testable import API

@Suite struct ClaimTests {
  @Test func whatIsAskedForReachesTheStoreByValue() throws {
    let bench = try Bench()
    let more =
      #""count": 2, "hold": "10m", "min_remaining": "1h", "on_miss": "backorder", "#
      + #""match": {"zone": "Ä", "size": 1.0, "row": -3, "price": 1.5, "aisle": true, "x": false}"#
    #expect(bench.claim(more, key: "k").status == 201)
    var request = ClaimRequest(pool: "p", user: "u", key: "k", count: 2)
    request.hold = .seconds(600)
    request.minRemaining = .seconds(3600)
    request.onMiss = .backorder
    request.match = Match([
      "zone": .text("Ä"), "size": .integer(1), "row": .integer(-3), "price": .real(1.5),
      "aisle": .boolean(true), "x": .boolean(false),
    ])
    #expect(bench.orders == [.request(request)])
    // What is null is absent, and an empty match is not.
    #expect(bench.claim(#""hold": null, "match": null, "on_miss": null"#).status == 201)
    #expect(bench.claim(#""match": {}"#).status == 201)
    #expect(
      bench.orders.dropFirst() == [
        .request(ClaimRequest(pool: "p", user: "u")),
        .request(ClaimRequest(pool: "p", user: "u", match: Match([:]))),
      ])
  }

  @Test(arguments: [
    #""hold": "0s""#, #""hold": "soon""#, #""hold": 600"#, #""hold": true"#, #""on_miss": "wait""#,
    #""on_miss": 1"#, #""match": []"#, #""match": "zone=A""#, #""match": {"zone": null}"#,
    #""match": {"zone": ["A"]}"#, #""match": {"zone": {"name": "A"}}"#,
    #""match": {"zone": "A", "zone": "B"}"#, #""match": {"\u00e9": 1, "e\u0301": 1}"#,
    #""match": {"size": 1e999}"#, #""match": {"size": 1,}"#,
  ])
  func whatIsMalformedIsRefusedAndReachesNoStore(_ more: String) throws {
    let bench = try Bench()
    let answer = bench.claim(more)
    #expect(answer.status == 400 && answer.word == "bad-request", "\(answer.text("detail"))")
    #expect(bench.orders.isEmpty)
  }

  @Test func matchesAreBounded() throws {
    let bench = try Bench()
    func match(_ count: Int) -> String {
      let members = (0..<count).map { #""a\#($0)": \#($0)"# }
      return #""match": {\#(members.joined(separator: ", "))}"#
    }
    #expect(bench.claim(match(Limits.attributes)).status == 201)
    #expect(bench.claim(match(Limits.attributes + 1)).word == "bad-request")
    func long(_ bytes: Int) -> String {
      #""match": {"a":"\#(String(repeating: "x", count: bytes - 8))"}"#
    }
    #expect(bench.claim(long(Limits.attributesBytes)).status == 201)
    #expect(bench.claim(long(Limits.attributesBytes + 1)).word == "bad-request")
  }

  @Test func aHoldIsGrantedWithItsPayloadAndRefusedWhereThereAreNone() throws {
    let bench = try Bench()
    let held = bench.claim(#""hold": "10m""#)
    #expect(held.status == 201 && held.text("state") == "held")
    #expect(held.header("Location") == "/v1/claims/\(held.text("claim"))")
    #expect(held.text("hold_expires_at") == RFC3339.format(noon + .seconds(600)))
    #expect((held.json["items"] as? [[String: Any]])?.first?["payload"] != nil)
    bench.memory.change { $0.allowsHolds = false }
    let refused = bench.claim(#""hold": "10m""#)
    #expect(refused.status == 400 && refused.word == "bad-request")
    #expect(refused.text("detail") == "p allows no holds")
  }

  @Test func aBackorderIsAcceptedWithAPlaceAndIsTheSameWhileItIsPending() throws {
    let bench = try Bench()
    bench.memory.change { $0.available = 0 }
    #expect(bench.claim().word == "out-of-stock")
    let backorder = #""on_miss": "backorder""#
    let first = bench.claim(backorder, key: "k")
    #expect(first.status == 202 && first.text("state") == "pending")
    #expect(first.json["position"] as? Int == 1)
    #expect(first.json.keys.contains("expected_at") && first.json["claimed_at"] is NSNull)
    let location = try #require(first.header("Location"))
    #expect(location == "/v1/claims/\(first.text("claim"))")
    let again = bench.claim(backorder, key: "k")
    #expect(again.status == 202 && again.header("Location") == location)
    #expect(again.body == first.body)
    bench.fill()
    let filled = bench.claim(backorder, key: "k")
    #expect(filled.status == 200 && filled.text("state") == "claimed")
    #expect(filled.header("Location") == nil && filled.json["position"] == nil)
  }

  @Test func holdsAreConfirmedAndReleasedAndBackordersCancelled() throws {
    let bench = try Bench()
    func hold() -> String { bench.claim(#""hold": "10m""#).text("claim") }
    for (method, path, id, state) in [
      ("POST", "/confirm", hold(), "claimed"), ("POST", "/release", hold(), "released"),
      ("DELETE", "", bench.backorder(), "cancelled"),
    ] {
      let done = bench.call(method, "v1/claims/\(id)\(path)")
      #expect(done.status == 200 && done.text("state") == state && done.text("claim") == id)
      // Again, with a body that says nothing.
      let again = bench.call(method, "v1/claims/\(id)\(path)", "{}")
      #expect(again.status == 200 && again.body == done.body)
    }
  }

  @Test func aCommandIsRefusedInAnotherState() throws {
    let bench = try Bench()
    let claimed = bench.claim().text("claim")
    let held = bench.claim(#""hold": "10m""#).text("claim")
    for (method, path) in [
      ("POST", "v1/claims/\(claimed)/release"), ("DELETE", "v1/claims/\(claimed)"),
      ("DELETE", "v1/claims/\(held)"),
    ] {
      let answer = bench.call(method, path)
      #expect(answer.status == 409 && answer.word == "wrong-state")
      let state = path.contains(claimed) ? "claimed" : "held"
      #expect(answer.text("detail").hasPrefix("the claim is \(state): "))
    }
    for (method, path) in [
      ("POST", "v1/claims/none/confirm"), ("POST", "v1/claims/none/release"),
      ("DELETE", "v1/claims/none"),
    ] {
      let answer = bench.call(method, path)
      #expect(answer.status == 404 && answer.word == "unknown-claim")
    }
    for body in [#"{"state": "claimed"}"#, "[]", "x"] {
      #expect(bench.call("POST", "v1/claims/\(held)/confirm", body).word == "bad-request")
    }
    let query = bench.call("POST", "v1/claims/\(held)/confirm", query: [("force", "1")])
    #expect(query.word == "bad-request")
    #expect(bench.call("PUT", "v1/claims/\(held)").header("Allow") == "DELETE, GET, HEAD")
    #expect(bench.memory.claim(held)?.state == .held)
  }

  @Test func claimsAreListedByState() throws {
    let bench = try Bench()
    let claimed = bench.claim().text("claim")
    let pending = bench.backorder()
    for path in ["v1/claims", "v1/users/u/claims"] {
      for (state, id) in [("claimed", claimed), ("pending", pending)] {
        let answer = bench.call("GET", path, query: [("state", state), ("pool", "p")])
        let claims = answer.json["claims"] as? [[String: Any]]
        #expect(claims?.map { $0["claim"] as? String } == [id])
        let user = path == "v1/claims" ? "-" : "u"
        #expect(bench.memory.change { $0.asked } == "\(user) p \(state) \(Limits.pageSize)")
      }
      for state in ["forgotten", "Held", ""] {
        #expect(bench.call("GET", path, query: [("state", state)]).word == "bad-request")
      }
    }
  }

  @Test func everyOutcomeIsCounted() throws {
    let bench = try Bench()
    _ = bench.claim(key: "k")
    _ = bench.claim(key: "k")
    let id = bench.claim(#""hold": "10m""#).text("claim")
    _ = bench.call("POST", "v1/claims/\(id)/confirm")
    _ = bench.call("POST", "v1/claims/\(id)/release")
    _ = bench.backorder()
    _ = bench.claim()
    _ = bench.call("DELETE", "v1/claims/none")
    let text = String(decoding: bench.call("GET", "metrics").body, as: UTF8.self)
    for line in [
      #"larder_claims_total{pool="p",result="granted"} 2"#,
      #"larder_claims_total{pool="p",result="repeated"} 1"#,
      #"larder_claims_total{pool="p",result="accepted"} 1"#,
      #"larder_claims_total{pool="p",result="out-of-stock"} 1"#,
      #"larder_claim_changes_total{command="confirm",result="done"} 1"#,
      #"larder_claim_changes_total{command="release",result="wrong-state"} 1"#,
      #"larder_claim_changes_total{command="cancel",result="unknown-claim"} 1"#,
      #"larder_pending{pool="p"} 1"#, #"larder_items{pool="p",state="held"} 0"#,
    ] {
      #expect(text.contains(line + "\n"), "\(line)")
    }
    #expect(!text.contains("secret of"))
  }
}
