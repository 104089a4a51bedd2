import Foundation
import Harness
import Testing

/// The README's chapter on the three strategies.
@Suite struct StrategyTests {
  @Test func oneClientMeetsAllThreeStrategies() throws {
    try Workspace.with { workspace in
      let child = try workspace.run(script: try Document.readme.block(behind: "<!-- strategies"))
      #expect(try child.wait(within: 120) == 0, "\(child.errors)")
      let lines = child.output.split(separator: "\n").map(String.init)
      let hit = try #require(lines.first { $0.hasPrefix("201 /v1/claims/") }, "\(lines)")
      let miss = try #require(lines.first { $0.hasPrefix("202 /v1/claims/") }, "\(lines)")
      #expect(hit.dropFirst(3) != miss.dropFirst(3))
      #expect(lines.contains { $0.hasPrefix("200 ") })
      #expect(
        lines.filter { $0.hasPrefix("{") } == [
          #"{"deleted":1,"more":true}"#, #"{"deleted":1,"more":false}"#,
        ])

      // Each got a key of its own, the second one from the run that the backorder started.
      let claims = try ["first.json", "second.json"].map { try JSON(workspace.read($0)) }
      for claim in claims { #expect(claim["state"] == .string("claimed"), "\(claim)") }
      let keys = claims.compactMap { $0["items"][0]["payload"]["pem"].string }
      #expect(keys.count == 2 && keys[0] != keys[1])
      for key in keys {
        let text = try #require(
          Data(base64Encoded: key).map { String(decoding: $0, as: UTF8.self) })
        #expect(text.hasPrefix("-----BEGIN") && text.contains("PRIVATE KEY"))
      }
      let runs = try workspace.larder("runs", "keys", "--json").json["runs"].elements
      #expect(runs.map { $0["reason"].string } == ["backorder", "manual"])
      #expect(runs.map { $0["stored"] } == [.int(2), .int(1)])
      // Nothing is left of the claims, and the run left a key for the next one who asks.
      #expect(try workspace.larder("claims", "--json").json["claims"] == .array([]))
      let level = try workspace.larder("levels", "--json").json["levels"][0]
      #expect(level["available"] == .int(1) && level["claimed"] == .int(2))
      #expect(level["pending"] == .int(0))
    }
  }

  @Test func theReceiverOfTheReadmeKnowsWhatIsGenuine() throws {
    try Workspace.with { workspace in
      let check = try Document.readme.block(behind: "<!-- signature")
      // The signature was computed with openssl, of a key that is no text.
      let cases = """
        id, sent = "0198c0de-0000-7000-8000-000000000001", 1_700_000_000
        signature = "v1,ALJbtAoaR+28ab3rDvwnMjIxlaMoWnegsAdLqYxE7es="
        body = '{"claim":"c","name":"Zoë"}'.encode()
        key = b"s3cret-\\x00\\xff key"

        def judge(now=sent, id=id, sent=sent, body=body, key=key):
            time.time = lambda: now
            names = ["webhook-id", "webhook-timestamp", "webhook-signature"]
            return is_genuine(dict(zip(names, [id, str(sent), signature])), body, key)

        print(judge(), judge(now=sent + 299))
        print(judge(now=sent + 301), judge(now=sent - 301), judge(id="another"))
        print(judge(sent=sent + 1), judge(body=body + b" "), judge(key=key + b"\\n"))
        """
      try workspace.write("check.py", check + cases)
      let child = try workspace.start(["/usr/bin/env", "python3", "check.py"])
      #expect(try child.wait(within: 60) == 0, "\(child.errors)")
      #expect(child.output == "True True\nFalse False False\nFalse False False\n")
    }
  }
}
