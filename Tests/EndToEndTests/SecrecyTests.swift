import Foundation
import Harness
import Testing

@Suite struct SecrecyTests {
  @Test func payloadsStandInClaimsAndNowhereElse() throws {
    try Workspace.with { workspace in
      let marker = "PAYLOAD-a7f3"
      try workspace.producer(
        "make",
        """
        echo 'words of the producer' >&2
        printf '{"payload": {"code": "\(marker)"}, "key": "k-%s"}\\n' "$LARDER_RUN"
        [ -e \(workspace.path)/break ] && printf '{"payload": "\(marker)", "expires_at": 7}\\n'
        [ -e \(workspace.path)/break ] && printf '\(marker)\\n'
        true
        """)
      try workspace.declare(
        "codes",
        """
        producer: {command: [./make], retry: {attempts: 1}}
        stock: {target: 1}
        claims: {per_user: 2}
        """)
      let server = try workspace.serve()
      var seen: [String: String] = [:]
      func look(_ name: String, _ answer: HTTPAnswer) {
        seen[name] = answer.text + answer.headers.map { "\($0.name): \($0.value)" }.joined()
      }
      func look(_ name: String, _ finished: Finished) {
        seen[name] = finished.output + finished.errors
      }

      let run = try server.http.prefill("codes")
      #expect(run["stored"] == .int(1))
      look("item", try server.http.get("/v1/pools/codes/items/k-\(run["run"].string ?? "")"))
      #expect(seen["item"]?.contains("available") == true)
      try workspace.write("break", "")
      let broken = try server.http.prefill("codes", count: 2)
      #expect(broken["state"] == .string("failed"))
      look("run", try server.http.get("/v1/runs/\(broken["run"].string ?? "")"))

      let claim = try server.http.claim("codes", "u-1")
      #expect(claim.status == 201 && claim.text.contains(marker))
      let line = #"{"payload": "\#(marker)", "key": "k"}"#
      look("put", try server.http.post("/v1/pools/codes/items", line))
      for (index, body) in [
        #"{"payload": "\#(marker)""#, #"{"payload": "\#(marker)", "key": 7}"#, marker,
        #"{"payload": "\#(marker)", "attributes": {"a": null}}"#,
      ].enumerated() {
        let refused = try server.http.post("/v1/pools/codes/items", body)
        #expect(refused.status == 400)
        look("refused items \(index)", refused)
        look("refused put \(index)", try workspace.larder("put", "codes", input: body))
      }
      look("reused", try server.http.claim("codes", "u-1", more: #""count": 2"#))
      look("over", try server.http.claim("codes", "u-1", key: "k", more: #""count": 2"#))
      look("miss", try server.http.claim("codes", "u-2", more: #""count": 2"#))
      for target in ["/metrics", "/v1/levels", "/v1/pools/codes/level", "/v1/runs", "/readyz"] {
        look(target, try server.http.get(target))
      }
      for words in [["levels"], ["levels", "--csv"], ["runs"], ["claims"], ["check"]] {
        look(words.joined(separator: " "), try workspace.larder(words))
      }
      look("run command", try workspace.larder("run", run["run"].string ?? ""))
      #expect(seen["run command"]?.contains("words of the producer") == true)
      #expect(try server.stop() == 0)
      seen["log"] = server.child.errors + server.child.output
      for (name, text) in seen {
        #expect(!text.isEmpty, "\(name)")
        #expect(!text.contains(marker), "\(name): \(text)")
      }
    }
  }
}
