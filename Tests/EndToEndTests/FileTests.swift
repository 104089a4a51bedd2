import Foundation
import Harness
import Testing

@Suite struct FileTests {
  private static let good = "producer: {command: [./make]}\nstock: {target: 2}"

  @Test func aBadFileOfANewPoolEndsTheStart() throws {
    try Workspace.with { workspace in
      try workspace.producer("make", Scripts.counting)
      try workspace.declare("codes", Self.good)
      try workspace.declare(
        "bad", "producer: {command: [./make]}\nstock: {target: 2, reorder_at: 9}\ncolour: red")
      let refused = try workspace.larder("serve", "--listen", "127.0.0.1:0")
      #expect(refused.status == 1 && refused.output == "")
      #expect(refused.errors.contains("bad.yaml:3:32: error: "), "\(refused.errors)")
      #expect(refused.errors.contains("bad.yaml:4:1: error: "))
      #expect(refused.errors.contains("^"))
      try workspace.delete("Schedules/bad.yaml")
      #expect(try workspace.serve().http.get("/readyz").json["warnings"] == .array([]))
    }
  }

  @Test func commandsSayThatAFileOrTheFolderMayBeWrittenByOthers() throws {
    try Workspace.with { workspace in
      let file = "\(workspace.schedules)/codes.yaml"
      func put() throws -> Finished {
        try workspace.larder("put", "codes", input: #"{"payload": 1}"#)
      }
      try workspace.write("Schedules/codes.yaml", "pool: codes\n", mode: 0o664)
      for command in [["serve", "--listen", "127.0.0.1:0"], ["check"], ["check", file]] {
        let refused = try workspace.larder(command)
        #expect(refused.status == 1 && refused.errors.contains("chmod go-w"), "\(refused.errors)")
      }
      #expect(try workspace.larder("next").errors.contains("chmod go-w"))
      let unknown = try put()
      #expect(unknown.status == 1 && unknown.errors.contains("chmod go-w"), "\(unknown.errors)")
      #expect(chmod(file, 0o644) == 0)
      #expect(try put().status == 0)

      // What the store keeps goes on, with a warning.
      #expect(chmod(file, 0o666) == 0)
      let byKept = try put()
      #expect(byKept.status == 0 && byKept.errors.contains("chmod go-w"), "\(byKept.errors)")
      #expect(chmod(file, 0o644) == 0)
      #expect(chmod(workspace.schedules, 0o777) == 0)
      let fromKept = try put()
      #expect(fromKept.status == 0 && fromKept.errors.contains("chmod go-w"), "\(fromKept.errors)")
      for command in [["serve", "--listen", "127.0.0.1:0"], ["check"], ["next"]] {
        let refused = try workspace.larder(command)
        #expect(refused.status == 1 && refused.errors.contains("chmod go-w"), "\(refused.errors)")
      }
    }
  }

  @Test func theCheckTellsThatRunsTakeAllAndHowMuchLaterTheyMayStart() throws {
    try Workspace.with { workspace in
      try workspace.declare(
        "reports",
        """
        producer: {command: [./render], slice: 10}
        stock: {target: all, reorder_at: 1, max: 50, duplicates: replace}
        schedules:
          - {cron: "@hourly", jitter: 90s}
          - {cron: "@daily"}
        """)
      let check = try workspace.larder("check")
      #expect(check.status == 0 && check.errors == "", "\(check.errors)")
      let lines = check.output.split(separator: "\n")
      #expect(lines.first == "reports: target all, reorder at 1")
      #expect(lines[1].hasPrefix("  schedule-1 (@hourly, UTC), jitter 1m30s: 2"))
      #expect(lines[2].hasPrefix("  schedule-2 (@daily, UTC): 2"))
    }
  }

  @Test func aFileThatTurnedBadLeavesTheLastGoodDefinitionInForce() throws {
    try Workspace.with { workspace in
      try workspace.producer("make", Scripts.counting)
      try workspace.declare("codes", Self.good)
      let first = try workspace.serve()
      #expect(try first.http.prefill("codes")["stored"] == .int(2))
      #expect(try first.stop() == 0)

      try workspace.declare("codes", "colour: red")
      let server = try workspace.serve()
      let ready = try server.http.get("/readyz")
      #expect(ready.status == 200)
      #expect(ready.json["warnings"].elements.count == 1)
      let warning = ready.json["warnings"][0].string ?? ""
      #expect(warning.contains("codes") && warning.contains("codes.yaml:2:1"), "\(warning)")
      #expect(try server.http.claim("codes", "u-1").status == 201)
      #expect(try server.http.prefill("codes", count: 1)["stored"] == .int(1))
      #expect(try server.http.level("codes")["target"] == .int(2))
    }
  }

  /// A file that was given to another pool is that pool's, also when it turns bad.
  @Test func aBadFileKeepsThePoolThatItDeclaredLast() throws {
    try Workspace.with { workspace in
      func write(_ pool: String, _ target: String) throws {
        try workspace.write(
          "Schedules/f.yaml",
          "pool: \(pool)\nproducer: {command: [./make]}\nstock: {target: \(target)}\n")
      }
      func retired(_ server: ServerProcess, _ pool: String) throws -> Bool {
        try server.http.level(pool)["retired"] == .bool(true)
      }
      func warnsOfFile(_ server: ServerProcess, _ pool: String) throws -> Bool {
        try server.http.level(pool)["warnings"].elements.contains {
          $0.string?.contains("its file is bad") == true
        }
      }
      try workspace.producer("make", Scripts.counting)
      try write("a-old", "2")
      var server = try workspace.serve()
      try write("new", "2")
      try eventually("the other pool") {
        try server.http.get("/v1/pools/new/level").status == 200 && retired(server, "a-old")
      }
      try write("new", "six")
      let warnings = try eventually("a warning") {
        let warnings = try server.http.get("/readyz").json["warnings"].elements
        return warnings.isEmpty ? nil : warnings.compactMap(\.string)
      }
      #expect(warnings.count == 1 && warnings[0].hasPrefix("new goes on"), "\(warnings)")
      #expect(try !retired(server, "new"))
      #expect(try !warnsOfFile(server, "a-old") && warnsOfFile(server, "new"))
      #expect(try server.stop() == 0)
      server = try workspace.serve()
      #expect(try !retired(server, "new") && retired(server, "a-old"))
      try write("new", "2")
      try eventually("no warning") {
        try server.http.get("/readyz").json["warnings"] == .array([])
      }

      // A retired pool stays so while its own file is bad, and a pool that is new is refused.
      try write("a-old", "six")
      try eventually("both retired, or the last one kept") {
        try server.http.get("/readyz").json["warnings"].elements.count == 1
      }
      #expect(try !retired(server, "new"))
      try workspace.delete("Schedules/f.yaml")
      try eventually("the retirement") { try retired(server, "new") }
      try write("a-old", "six")
      try eventually("a warning") {
        try server.http.get("/readyz").json["warnings"][0].string?.hasPrefix("not in force") == true
      }
      let reason = try server.http.level("a-old")["reasons"][0]
      #expect(reason == .string("retired: no schedule file declares it"))
      #expect(try !warnsOfFile(server, "a-old"))
      #expect(try server.stop() == 0)
      #expect(try workspace.serve().stop() == 0)
      try write("brand-new", "six")
      #expect(try workspace.larder("serve", "--listen", "127.0.0.1:0").status == 1)
    }
  }

  @Test func aPoolWhoseFileIsGoneIsRetiredAndStillClaimable() throws {
    try Workspace.with { workspace in
      try workspace.producer("make", Scripts.counting)
      try workspace.declare(
        "codes",
        Self.good
          + "\nschedules: [{cron: \"* * * * * *\", target: 500}]\nclaims: {per_user: 0}")
      let first = try workspace.serve()
      try eventually("a full pool") { try first.http.level("codes")["available"] == .int(500) }
      #expect(try first.stop() == 0)
      try workspace.delete("Schedules/codes.yaml")

      let server = try workspace.serve()
      let level = try server.http.level("codes")
      #expect(level["retired"] == .bool(true))
      #expect(level["next_run_at"] == .null)
      #expect(level["reasons"][0].string?.contains("retired") == true)
      #expect(try server.http.claim("codes", "u-1").status == 201)
      let refused = try server.http.post("/v1/pools/codes/runs")
      #expect(refused.status == 409)
      #expect(refused.json["type"] == .string("urn:larder:wrong-state"))
      #expect(try workspace.larder("prefill", "codes").status == 1)
      let runs = try server.http.runs("codes").count
      #expect(try server.stop() == 0)

      // The file comes back, and with it the runs; what passed meanwhile was not missed.
      try workspace.declare("codes", Self.good)
      let third = try workspace.serve()
      #expect(try third.http.level("codes")["retired"] == .bool(false))
      #expect(try third.http.runs("codes").count == runs)
      #expect(try third.http.prefill("codes", count: 1)["stored"] == .int(1))
    }
  }

  @Test func aSuspendedPoolRunsNothingAndGivesWhatItHas() throws {
    try Workspace.with { workspace in
      try workspace.producer("make", Scripts.counting)
      try workspace.declare(
        "codes",
        """
        suspend: true
        producer: {command: [./make]}
        stock: {target: 2, reorder_at: 1}
        schedules: [{cron: "* * * * * *"}]
        """)
      try workspace.declare(
        "clock",
        "producer: {command: [./make]}\nstock: {target: 2}\n"
          + "schedules: [{cron: \"* * * * * *\"}]")
      let server = try workspace.serve()
      #expect(try workspace.larder("put", "codes", input: #"{"payload": 1}"#).status == 0)
      // Two times of another pool have passed, and none of this one.
      try eventually("runs of the other pool") { try server.http.runs("clock").count >= 2 }
      #expect(try server.http.runs("codes") == [])
      let level = try server.http.level("codes")
      #expect(level["next_run_at"] == .null)
      #expect(level["reasons"] == .array([.string("suspended by its schedule file")]))
      let refused = try server.http.post("/v1/pools/codes/runs")
      #expect(refused.status == 409)
      #expect(refused.json["type"] == .string("urn:larder:wrong-state"))
      #expect(try workspace.larder("prefill", "codes").status == 1)
      #expect(try server.http.claim("codes", "u-1").status == 201)
    }
  }
}
