import Foundation
import Harness
import Testing

/// Recall, purge, and forgetting a user's claims.
@Suite struct TakingBackTests {
  private func put(_ numbers: Range<Int>, _ workspace: Workspace) throws {
    let lines = numbers.map { #"{"payload": \#($0), "key": "k-\#($0)"}"# }
    #expect(try workspace.larder("put", "codes", input: lines.joined(separator: "\n")).status == 0)
  }

  @Test func aRunsItemsAreRecalledWhoeverHasThem() throws {
    try Workspace.with { workspace in
      try workspace.producer("make", Scripts.counting)
      try workspace.declare(
        "codes",
        """
        producer: {command: [./make], slice: 500}
        stock: {target: 1, max: 5000}
        claims: {per_user: 0}
        """)
      let server = try workspace.serve()
      let bad = try #require(try server.http.prefill("codes", count: 1000)["run"].string)
      let lost = try server.http.claim("codes", "u-1", more: #""count": 2"#)
      let held = try server.http.claim("codes", "u-2", more: #""hold": "10m""#)
      #expect(lost.status == 201 && held.status == 201)
      _ = try server.http.prefill("codes", count: 5)
      let recall = try workspace.larder("recall", "codes", "--run", bad)
      #expect(recall.status == 0 && recall.output.hasPrefix("codes: recalled 1000 items\n"))
      // Who held some, one line a claim below the heading.
      let lines = recall.output.split(separator: "\n")
      #expect(lines.count == 4 && lines[2].contains(" u-2 ") && lines[3].contains(" u-1 "))
      let claim = try server.http.get("/v1/claims/\(lost.json["claim"].string ?? "")")
      #expect(claim.json["state"] == .string("recalled"))
      let level = try server.http.level("codes")
      #expect(level["recalled"] == .int(1000) && level["available"] == .int(5))
      #expect(level["held"] == .int(0) && level["claimed"] == .int(0))
      let next = try server.http.claim("codes", "u-3")
      #expect(next.status == 201)
      let again = try workspace.larder("recall", "codes", "--run", bad, "--json")
      #expect(again.status == 0 && again.json["recalled"] == .int(1000))
      // A run that never was is a slip.
      let unknown = try workspace.larder("recall", "codes", "--run", "nope", "--json")
      #expect(unknown.status == 1 && unknown.json["type"] == .string("urn:larder:unknown-run"))
      let listed = try server.http.get("/v1/claims?state=recalled&pool=codes").json["claims"]
      #expect(listed.elements.compactMap { $0["user"].string } == ["u-2", "u-1"])
    }
  }

  @Test func itemsAreRecalledByTheTimeTheyWereMade() throws {
    try Workspace.with { workspace in
      try workspace.declare("codes", "claims: {per_user: 0}")
      try put(0..<3, workspace)
      let none = try workspace.larder(
        "recall", "codes", "--made-between", "2000-01-01T00:00:00Z", "2001-01-01T00:00:00Z")
      #expect(none.status == 0 && none.output == "codes: recalled 0 items\n")
      let all = try workspace.larder(
        "recall", "codes", "--made-between", "2000-01-01T00:00:00Z", "2100-01-01T00:00:00Z")
      #expect(all.status == 0 && all.output == "codes: recalled 3 items\n")
      for words in [
        [], ["--made-between", "2000-01-01T00:00:00Z"], ["--made-between", "then", "now"],
        ["--made-between", "2001-01-01T00:00:00Z", "2000-01-01T00:00:00Z"],
        ["--run", "r", "--revision", "2"],
      ] {
        #expect(try workspace.larder(["recall", "codes"] + words).status == 2, "\(words)")
      }
    }
  }

  @Test func aUsersClaimsAreForgottenUntilThereAreNoMore() throws {
    try Workspace.with { workspace in
      try workspace.declare("codes", "claims: {per_user: 0}")
      let server = try workspace.serve()
      try put(0..<251, workspace)
      var first: HTTPAnswer?
      for number in 0..<250 {
        let answer = try server.http.claim("codes", "ü/1", key: "\(number)")
        #expect(answer.status == 201)
        first = first ?? answer
      }
      let other = try server.http.claim("codes", "u-2")
      let target = "/v1/users/%C3%BC%2F1/claims"
      var deleted: [Int] = []
      while true {
        let answer = try server.http.send("DELETE", target)
        #expect(answer.status == 200 && answer.json.names == ["deleted", "more"])
        deleted.append(answer.json["deleted"].int ?? -1)
        guard answer.json["more"] == .bool(true), deleted.count < 10 else { break }
      }
      #expect(deleted == [100, 100, 50])
      #expect(try server.http.get(target).json["claims"] == .array([]))
      let id = try #require(first?.json["claim"].string)
      #expect(try server.http.get("/v1/claims/\(id)").status == 404)
      let again = try server.http.claim("codes", "ü/1", key: "0")
      #expect(again.status == 200 && again.json["state"] == .string("forgotten"))
      #expect(again.json["items"] == .array([]))
      let kept = try server.http.get("/v1/claims/\(other.json["claim"].string ?? "")")
      #expect(kept.body == other.body)
    }
  }

  @Test func whatIsOverForLongEnoughIsPurged() throws {
    try Workspace.with { workspace in
      try workspace.declare("codes", "claims: {per_user: 1}")
      let server = try workspace.serve()
      try put(0..<3, workspace)
      #expect(try server.http.claim("codes", "u-1").status == 201)
      let young = try workspace.larder("purge", "--older-than", "90d")
      #expect(young.status == 0 && young.output == "deleted 0 rows\n")
      // What was over a moment ago is older than nothing.
      let old = try eventually("a purge") {
        let purge = try workspace.larder("purge", "--older-than", "0s", "--json")
        return (purge.json["deleted"].int ?? 0) > 0 ? purge : nil
      }
      #expect(old.status == 0 && old.json.names == ["deleted", "more"])
      #expect(old.json["more"] == .bool(false))
      #expect(try server.http.level("codes")["available"] == .int(2))
      #expect(try server.http.claim("codes", "u-1").json["state"] == .string("forgotten"))
      // The key of what was issued stays known.
      try put(0..<1, workspace)
      #expect(try server.http.level("codes")["available"] == .int(2))
      for words in [[], ["--older-than", "long"], ["--older-than", "90d", "more"]] {
        #expect(try workspace.larder(["purge"] + words).status == 2, "\(words)")
      }
    }
  }
}
