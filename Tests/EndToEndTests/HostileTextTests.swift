import Foundation
import Harness
import Testing

/// Names and texts of clients and producers that mean something elsewhere.
@Suite struct HostileTextTests {
  private static let names = [
    "u'; DROP TABLE claims; --", "\" OR \"\"=\"", "%' OR 1=1 --", "../../etc/passwd", "*", "%s%n",
    "{{7*7}}", "<script>", "a\nb", "a\rb: c", "\u{202E}abc", "null",
  ]

  private func json(_ text: String) throws -> String {
    String(decoding: try JSONEncoder().encode(text), as: UTF8.self)
  }

  private func encoded(_ text: String) -> String {
    text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
  }

  @Test func wordsOfOtherLanguagesAreNames() throws {
    try Workspace.with { workspace in
      try workspace.declare("codes", "claims: {per_user: 1}")
      let server = try workspace.serve()
      for name in Self.names {
        let item = #"{"payload": 1, "user": \#(try json(name)), "key": \#(try json(name))}"#
        #expect(try server.http.post("/v1/pools/codes/items", item).json["stored"] == .int(1))
        let body = #"{"user": \#(try json(name))}"#
        let claim = try server.http.post("/v1/pools/codes/claims", body)
        #expect(claim.status == 201 && claim.json["user"] == .string(name), "\(name)")
        let list = try server.http.get("/v1/users/\(encoded(name))/claims").json["claims"].elements
        #expect(list.map { $0["claim"] } == [claim.json["claim"]], "\(name)")
        let stored = try server.http.get("/v1/pools/codes/items/\(encoded(name))")
        #expect(stored.json["key"] == .string(name) && stored.json["user"] == .string(name))
      }
      #expect(try server.http.level("codes")["claimed"] == .int(Self.names.count))
      #expect(try server.stop() == 0)
      #expect(try workspace.larder("verify").status == 0)
    }
  }

  /// What a terminal would obey: an escape sequence that renames its window.
  private static let escape = "\u{1B}]0;owned\u{7}"

  @Test func noEscapeSequenceReachesATerminal() throws {
    try Workspace.with { workspace in
      try workspace.producer(
        "make",
        """
        printf '\\033]0;owned\\007 words\\n' >&2
        printf '{"\\033]0;owned\\007": 1}\\n'
        """)
      try workspace.declare(
        "codes", "producer: {command: [./make], retry: {attempts: 1}}\nstock: {target: 1}")
      let server = try workspace.serve()
      let run = try server.http.prefill("codes", count: 1)
      #expect(run["state"] == .string("failed"))
      #expect(try workspace.larder("put", "codes", input: #"{"payload": 1}"#).status == 0)
      let body = #"{"user": \#(try json(Self.escape + " somebody"))}"#
      #expect(try server.http.post("/v1/pools/codes/claims", body).status == 201)
      var texts: [String] = []
      for words in [["claims"], ["runs"], ["run", run["run"].string ?? ""], ["levels"]] {
        let finished = try workspace.larder(words)
        #expect(finished.status == 0)
        texts.append(finished.output + finished.errors)
      }
      let refused = try workspace.larder("claim", "codes", "--user", Self.escape + " another")
      #expect(refused.status == 3)
      texts.append(refused.output + refused.errors)
      #expect(texts[0].contains("somebody") && texts[2].contains("words"))
      #expect(try server.stop() == 0)
      texts.append(server.child.errors)
      for text in texts {
        #expect(!text.isEmpty)
        #expect(!text.unicodeScalars.contains { $0 == "\u{1B}" || $0 == "\u{7}" }, "\(text)")
      }
    }
  }

  @Test func aPoolThatIsNotThereMakesNoSeriesOfMetrics() throws {
    try Workspace.with { workspace in
      try workspace.declare("codes", "claims: {per_user: 0}")
      let server = try workspace.serve()
      for number in 0..<20 {
        #expect(try server.http.claim("made-up-\(number)", "u-1").status == 404)
      }
      let metrics = try server.http.get("/metrics").text
      #expect(metrics.contains("unknown-pool"))
      #expect(!metrics.contains("made-up"))
    }
  }
}
