import Foundation
import Testing

/// What the documents show works as they show it.
@Suite struct DocumentationTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path

  private static func document(_ name: String) throws -> String {
    try String(contentsOfFile: "\(root)/\(name)", encoding: .utf8)
  }

  /// The first fenced block behind a text.
  private static func block(behind text: String, in document: String) throws -> String {
    let start = try #require(document.range(of: text), "no \(text)")
    let rest = document[start.upperBound...]
    let open = try #require(rest.range(of: "\n```"))
    let body = rest[open.upperBound...].drop { $0 != "\n" }.dropFirst()
    let close = try #require(body.range(of: "\n```"))
    return String(body[..<close.lowerBound]) + "\n"
  }

  @Test func theTourOfTheReadmeWorks() throws {
    try Workspace.with { workspace in
      let tour = try Self.block(behind: "<!-- tour", in: Self.document("README.md"))
      // The tour's own port may be taken on the machine that runs the tests.
      let port = try FreePort.find()
      try workspace.write(
        "tour.sh", tour.replacingOccurrences(of: "127.0.0.1:8420", with: "127.0.0.1:\(port)"))
      let folder = URL(fileURLWithPath: try Workspace.binary()).deletingLastPathComponent().path
      let path = folder + ":" + (ProcessInfo.processInfo.environment["PATH"] ?? "")
      let child = try workspace.start(
        ["/bin/bash", "-e", "tour.sh"],
        environment: ["PATH": path, "LARDER_LISTEN": "127.0.0.1:\(port)"])
      #expect(try child.wait(within: 60) == 0, "\(child.errors)")
      let claims = try workspace.larder("claims", "--json").json["claims"].elements
      #expect(claims.map { $0["user"].string } == ["grace", "ada"])
      // The code is the key and the payload of the answer over HTTP, and what the command prints.
      let payload = try #require(claims.last?["items"].elements.first?["payload"]["code"].string)
      #expect(child.output.components(separatedBy: payload).count == 4)
      #expect(child.output.contains("vouchers"))
    }
  }

  @Test func theKeysThatTheReadmeListsAreAccepted() throws {
    try Workspace.with { workspace in
      let yaml = try Self.block(
        behind: "Every key with its default:", in: Self.document("README.md"))
      try workspace.write("Schedules/all.yaml", yaml)
      let check = try workspace.larder("check")
      #expect(check.status == 0, "\(check.errors)")
      #expect(check.output.hasPrefix("movie-tickets: target 100"))
    }
  }

  @Test func theDiagnosticOfTheReadmeIsTheOneThatIsPrinted() throws {
    try Workspace.with { workspace in
      let readme = try Self.document("README.md")
      let shown = try Self.block(behind: "and how to mend it:", in: readme)
      let tour = try Self.block(behind: "<!-- tour", in: readme)
      let yaml = try #require(
        tour.components(separatedBy: "<<'YAML'\n").last?.components(separatedBy: "YAML\n").first)
      try workspace.write(
        "Schedules/vouchers.yaml",
        yaml.replacingOccurrences(of: "\"0 * * * *\"", with: "*/5 * * * *"))
      let check = try workspace.larder("check")
      #expect(check.status == 1)
      #expect(check.errors.hasPrefix(shown), "\(check.errors)")
    }
  }

  @Test func theReadmeNamesEveryColumnOfTheInventory() throws {
    try Workspace.with { workspace in
      try workspace.declare("codes", "stock: {max: 10}")
      #expect(try workspace.larder("put", "codes", input: "{\"payload\":1}\n").status == 0)
      let script =
        "import sqlite3; print(*[r[1] for r in sqlite3.connect('larder.db').execute("
        + "'PRAGMA table_info(inventory)')])"
      let child = try workspace.start(["/usr/bin/env", "python3", "-c", script])
      #expect(try child.wait(within: 30) == 0, "\(child.errors)")
      let table = try #require(
        Self.document("README.md").components(separatedBy: "## The `inventory` table").last?
          .components(separatedBy: "\n## ").first)
      let columns = child.output.split(whereSeparator: \.isWhitespace)
      #expect(columns.count > 10)
      for column in columns { #expect(table.contains("`\(column)`"), "\(column)") }
    }
  }

  @Test func theHelpListsEveryCommandOfTheReadme() throws {
    try Workspace.with { workspace in
      let help = try workspace.larder("--help").output
      let readme = try Self.document("README.md")
      for command in [
        "serve", "check", "next", "prefill", "put", "claim", "claims", "levels", "runs", "run",
        "pause", "resume", "breaker reset", "backup",
      ] {
        #expect(help.contains("\n  \(command)"), "\(command)")
        #expect(readme.contains("`larder \(command)"), "\(command)")
        let own = try workspace.larder(command.split(separator: " ").map(String.init) + ["--help"])
        #expect(own.status == 0 && own.output.hasPrefix("Usage: larder \(command)"), "\(command)")
      }
    }
  }
}
