import Foundation
import Harness
import Testing

/// A document of the project.
struct Document {
  static var readme: Document { get throws { try Document("README.md") } }

  let text: String

  init(_ name: String) throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().path
    text = try String(contentsOfFile: "\(root)/\(name)", encoding: .utf8)
  }

  /// The first fenced block behind a text.
  func block(behind mark: String) throws -> String {
    let start = try #require(text.range(of: mark), "no \(mark)")
    let rest = text[start.upperBound...]
    let open = try #require(rest.range(of: "\n```"))
    let body = rest[open.upperBound...].drop { $0 != "\n" }.dropFirst()
    let close = try #require(body.range(of: "\n```"))
    return String(body[..<close.lowerBound]) + "\n"
  }

  /// The text of a chapter, without its heading.
  func chapter(_ heading: String) throws -> String {
    let parts = text.components(separatedBy: "\n## \(heading)\n")
    try #require(parts.count == 2, "no chapter \(heading)")
    return parts[1].components(separatedBy: "\n## ")[0]
  }
}

extension Workspace {
  /// Runs a script of a document, in which the server is at 127.0.0.1:8420.
  func run(script: String) throws -> ChildProcess {
    // That port may be taken on the machine that runs the tests.
    let address = "127.0.0.1:\(try FreePort.find())"
    try write("script.sh", script.replacingOccurrences(of: "127.0.0.1:8420", with: address))
    let folder = URL(fileURLWithPath: try Self.binary()).deletingLastPathComponent().path
    let path = folder + ":" + (ProcessInfo.processInfo.environment["PATH"] ?? "")
    return try start(
      ["/bin/bash", "-e", "script.sh"], environment: ["PATH": path, "LARDER_LISTEN": address])
  }
}

/// What the documents show works as they show it.
@Suite struct DocumentationTests {
  @Test func theTourOfTheReadmeWorks() throws {
    try Workspace.with { workspace in
      let child = try workspace.run(script: try Document.readme.block(behind: "<!-- tour"))
      #expect(try child.wait(within: 60) == 0, "\(child.errors)")
      let claims = try workspace.larder("claims", "--json").json["claims"].elements
      #expect(claims.map { $0["user"].string } == ["grace", "ada"])
      // The code is the key and the payload of the answer over HTTP, and what the command prints.
      let payload = try #require(claims.last?["items"].elements.first?["payload"]["code"].string)
      #expect(child.output.components(separatedBy: payload).count == 4)
      #expect(child.output.contains("vouchers"))
    }
  }

  @Test func theBackupsOfTheReadmeComeBack() throws {
    try Workspace.with { workspace in
      try workspace.declare("vouchers", "claims: {per_user: 0}")
      let child = try workspace.run(script: try Document.readme.block(behind: "<!-- backups"))
      #expect(try child.wait(within: 60) == 0, "\(child.errors)")
      #expect(child.output.contains("vouchers: 2 items quarantined\n"))
      #expect(child.output.contains("vouchers: 3 items: 0 available, 1 claimed, 2 quarantined\n"))
      let claims = try workspace.larder("claims", "--json").json["claims"].elements
      #expect(claims.map { $0["user"].string } == ["ada"])
    }
  }

  @Test func theSimulationOfTheReadmeWorks() throws {
    try Workspace.with { workspace in
      let child = try workspace.run(script: try Document.readme.block(behind: "<!-- sizing"))
      #expect(try child.wait(within: 60) == 0, "\(child.errors)")
      #expect(child.output.contains("\nlearned+topup "))
      #expect(child.output.contains("\nreorder:10,40 "))
      #expect(workspace.read("picture.svg").hasPrefix("<svg "))
    }
  }

  @Test func theDemandOfTheReadmeIsTakenIn() throws {
    try Workspace.with { workspace in
      try workspace.declare("vouchers", "")
      let time = DateFormatter()
      time.locale = Locale(identifier: "en_US_POSIX")
      time.dateFormat = "dd/MMM/yyyy:HH:mm:ss Z"
      // Every 10 minutes of 4 days.
      let lines = (1...576).map { place in
        let at = time.string(from: Date(timeIntervalSinceNow: Double(-600 * place)))
        return "10.0.0.1 - - [\(at)] \"POST /claims HTTP/1.1\" 201 12\n"
      }
      try workspace.write("access.log", lines.joined() + "nonsense\n")
      let child = try workspace.run(script: try Document.readme.block(behind: "<!-- demand"))
      #expect(try child.wait(within: 60) == 0, "\(child.errors)")
      #expect(child.output.hasPrefix("576 requests of "))
      #expect(child.output.contains("\nlearned+topup "))
    }
  }

  @Test func theKeysThatTheReadmeListsAreAccepted() throws {
    try Workspace.with { workspace in
      let yaml = try Document.readme.block(behind: "Every key with its default:")
      try workspace.write("Schedules/all.yaml", yaml)
      let check = try workspace.larder("check")
      #expect(check.status == 0, "\(check.errors)")
      #expect(check.output.hasPrefix("movie-tickets: target 100"))
    }
  }

  @Test func theDiagnosticOfTheReadmeIsTheOneThatIsPrinted() throws {
    try Workspace.with { workspace in
      let shown = try Document.readme.block(behind: "and how to mend it:")
      let tour = try Document.readme.block(behind: "<!-- tour")
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
      let table = try Document.readme.chapter("The `inventory` table")
      let columns = child.output.split(whereSeparator: \.isWhitespace)
      #expect(columns.count > 10)
      for column in columns { #expect(table.contains("`\(column)`"), "\(column)") }
    }
  }

  @Test func theHelpListsEveryCommandOfTheReadme() throws {
    try Workspace.with { workspace in
      let help = try workspace.larder("--help").output
      let readme = try Document.readme.text
      for command in [
        "serve", "check", "next", "prefill", "put", "claim", "confirm", "release", "cancel",
        "claims", "levels", "runs", "run", "pause", "resume", "breaker reset", "recall", "purge",
        "backup", "restore", "verify", "demand import", "demand", "plan", "simulate",
      ] {
        #expect(help.contains("\n  \(command)"), "\(command)")
        #expect(readme.contains("`larder \(command)"), "\(command)")
        let own = try workspace.larder(command.split(separator: " ").map(String.init) + ["--help"])
        #expect(own.status == 0 && own.output.hasPrefix("Usage: larder \(command)"), "\(command)")
      }
    }
  }
}
