import Foundation
import Harness
import Testing

@Suite struct TimeCommandTests {
  @Test func nextTellsTheTimesOfAnExpression() throws {
    try Workspace.with { workspace in
      for (cron, zone, after, expected) in [
        (
          "0 * * * *", "UTC", "2026-11-24T20:00:00Z",
          ["2026-11-24T21:00:00Z", "2026-11-24T22:00:00Z", "2026-11-24T23:00:00Z"]
        ),
        (
          "*/20 * * * * *", "UTC", "2026-11-24T20:00:01Z",
          ["2026-11-24T20:00:20Z", "2026-11-24T20:00:40Z", "2026-11-24T20:01:00Z"]
        ),
        (
          "0 5 * * MON", "Europe/Berlin", "2026-10-20T00:00:00Z",
          ["2026-10-26T04:00:00Z", "2026-11-02T04:00:00Z", "2026-11-09T04:00:00Z"]
        ),
        ("0 0 29 2 *", "UTC", "2027-01-01T00:00:00Z", ["2028-02-29T00:00:00Z"]),
      ] {
        let count = "\(expected.count)"
        let words = ["next", "--cron", cron, "--timezone", zone, "--after", after, "-n", count]
        let lines = try workspace.larder(words)
        #expect(lines.status == 0)
        #expect(lines.output.split(separator: "\n").map(String.init) == expected, "\(cron)")
        let json = try workspace.larder(words + ["--json"])
        #expect(json.json == .array(expected.map { .string($0) }))
      }
      #expect(
        try workspace.larder("next", "--cron", "@hourly").output.split(separator: "\n").count == 5)
    }
  }

  @Test func nextSaysWhatIsWrong() throws {
    try Workspace.with { workspace in
      for (words, status) in [
        (["--cron", "61 * * * *"], Int32(1)), (["--cron", "* * *"], 1), (["--cron", ""], 1),
        (["--cron", "0 0 30 2 *"], 1), (["--cron", "0 * * * *", "--timezone", "Mars/Base"], 1),
        (["--cron", "0 * * * *", "--after", "tomorrow"], 2),
        (["--cron", "0 * * * *", "-n", "0"], 2), (["--cron", "0 * * * *", "codes"], 2),
        (["--timezone", "UTC"], 2), (["a", "b"], 2), (["nothing"], 1),
      ] {
        let finished = try workspace.larder(["next"] + words)
        #expect(finished.status == status, "\(words): \(finished.errors)")
        #expect(finished.output == "" && finished.errors != "", "\(words)")
      }
    }
  }

  @Test func nextTellsTheTimesOfPools() throws {
    try Workspace.with { workspace in
      try workspace.producer("make", Scripts.counting)
      for (pool, cron) in [("hours", "0 * * * *"), ("days", "30 12 * * *")] {
        try workspace.declare(
          pool,
          """
          producer: {command: [./make]}
          stock: {target: 1}
          schedules:
            - {name: usual, cron: "\(cron)"}
            - {name: never, cron: "* * * * *", suspend: true}
          """)
      }
      let after = ["--after", "2026-11-24T12:10:00Z"]
      let all = try workspace.larder(["next", "-n", "3", "--json"] + after)
      #expect(
        all.json.elements.map { "\($0["pool"].string ?? "") \($0["at"].string ?? "")" } == [
          "days 2026-11-24T12:30:00Z", "hours 2026-11-24T13:00:00Z", "hours 2026-11-24T14:00:00Z",
        ])
      #expect(all.json[0].names == ["pool", "schedule", "at"])
      #expect(all.json[0]["schedule"] == .string("usual"))
      let one = try workspace.larder(["next", "days", "-n", "1"] + after)
      #expect(one.output.contains("2026-11-24T12:30:00Z") && !one.output.contains("hours"))

      // Without the files the store knows.
      #expect(try workspace.larder("prefill", "days").status == 0)
      let kept = try workspace.larder(
        ["next", "days", "-n", "1", "--json", "--schedules", "/nowhere"] + after)
      #expect(kept.json[0]["at"] == .string("2026-11-24T12:30:00Z"))
    }
  }

  @Test func checkTellsGoodFilesFromBadOnes() throws {
    try Workspace.with { workspace in
      try workspace.producer("make", Scripts.counting)
      try workspace.declare(
        "good",
        "producer: {command: [./make]}\nstock: {target: 2}\nschedules: [{cron: \"0 * * * *\"}]")
      let good = try workspace.larder("check")
      #expect(good.status == 0 && good.errors == "")
      #expect(good.output.hasPrefix("good: target 2\n  schedule-1 (0 * * * *, UTC): 2"))

      try workspace.declare("bad", "colour: red\nstock: {target: many}")
      let bad = try workspace.larder("check")
      #expect(bad.status == 1)
      #expect(bad.output == good.output)
      #expect(bad.errors.contains("Schedules/bad.yaml:2:1: error: "))
      #expect(bad.errors.contains("Schedules/bad.yaml:3:17: error: "))
      #expect(try workspace.larder("check", "Schedules/good.yaml").status == 0)
      #expect(try workspace.larder("check", "Schedules/bad.yaml").output == "")
      #expect(try workspace.larder("check", "Schedules/none.yaml").status == 1)
      #expect(try workspace.larder("check", "--schedules", "none").status == 1)

      let json = try workspace.larder("check", "--json")
      #expect(json.status == 1)
      #expect(json.json["pools"][0]["schedules"][0]["next"].elements.count == 3)
      let diagnostics = json.json["diagnostics"].elements
      #expect(diagnostics.map { $0["line"] } == [.int(2), .int(3)])
      #expect(
        diagnostics[0].names == ["severity", "file", "line", "column", "message", "hint"])
    }
  }
}
