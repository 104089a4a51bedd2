import Foundation
import Harness
import Testing

/// `larder simulate` by flags.
@Suite struct SimulateTests {
  private static let flights = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("SizingTests/Data/flights.csv").path

  private let usual = [
    "simulate", "--demand", "demand.csv", "--shelf-life", "2h", "--lead-time", "10m",
    "--interval", "1h", "--miss-cost", "5", "--waste-cost", "1",
  ]

  /// A request each 5 minutes.
  private func writeSteady(_ workspace: Workspace, days: Int = 10) throws {
    let rows = (0..<days * 24).map { hour in
      "2026-06-\(padded(1 + hour / 24))T\(padded(hour % 24)):00Z,12\n"
    }
    try workspace.write("demand.csv", "start,requests\n" + rows.joined())
  }

  private func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

  @Test func theFiguresAreThoseOfTheMethod() throws {
    try Workspace.with { workspace in
      let finished = try workspace.larder(
        "simulate", "--demand", Self.flights, "--shelf-life", "2h", "--lead-time", "10m",
        "--interval", "1h", "--miss-cost", "5", "--waste-cost", "1", "--evaluate-from",
        "2013-09-01T00:00:00Z", "--policy", "learned", "--policy", "learned+topup", "--json")
      #expect(finished.status == 0 && finished.errors == "", "\(finished.errors)")
      #expect(
        finished.json.names == ["requests", "evaluated_from", "evaluated_to", "policies"])
      #expect(finished.json["requests"] == .int(111_076))
      #expect(finished.json["evaluated_from"] == .string("2013-09-01T00:00:00.000Z"))
      #expect(finished.json["evaluated_to"] == .string("2013-12-30T22:00:00.000Z"))
      let policies = finished.json["policies"].elements
      #expect(policies.map { $0["name"].string } == ["learned", "learned+topup"])
      for (policy, figures) in zip(policies, [(16, 1048, 0.0), (13, 1100, 0.0176)]) {
        #expect(
          policy.names == [
            "name", "misses", "waste", "produced", "mean_stock", "extra_runs_per_hour",
            "cost_per_1000", "by_week", "worst_hours",
          ])
        let (misses, waste) = (
          try #require(policy["misses"].int), try #require(policy["waste"].int)
        )
        let cost = try #require(policy["cost_per_1000"].number)
        #expect(Double(5 * misses + waste) <= 1.02 * Double(5 * figures.0 + figures.1))
        #expect(abs(cost - 1000 * Double(5 * misses + waste) / 111_076) < 1e-9)
        #expect(abs(try #require(policy["extra_runs_per_hour"].number) - figures.2) < 0.005)
        let weeks = policy["by_week"].elements
        #expect(weeks.compactMap { $0["misses"].int }.reduce(0, +) == misses)
        #expect(weeks.compactMap { $0["waste"].int }.reduce(0, +) == waste)
        #expect(weeks.compactMap { $0["requests"].int }.reduce(0, +) == 111_076)
        #expect(weeks[1]["from"] == .string("2013-09-08T00:00:00.000Z"))
        let worst = policy["worst_hours"].elements
        #expect(worst.count == 10)
        #expect(
          worst[0].names == ["from", "requests", "misses", "waste", "produced", "cost_per_1000"])
      }
    }
  }

  @Test func policiesAreReplayedAsTheySay() throws {
    try Workspace.with { workspace in
      try writeSteady(workspace)
      let words = [
        "simulate", "--demand", "demand.csv", "--shelf-life", "none", "--lead-time", "0s",
        "--interval", "1h", "--miss-cost", "5", "--evaluate-from", "2026-06-04T00:00Z",
        "--policy", "fixed:6", "--policy", "fixed:best", "--policy", "reorder:3,12",
      ]
      let json = try workspace.larder(words + ["--json"]).json
      // All but the last 26 hours.
      #expect(json["requests"] == .int(12 * 142))
      let policies = json["policies"].elements
      #expect(policies.map { $0["name"].string } == ["fixed:6", "fixed:best", "reorder:3,12"])
      #expect(policies.map { $0["misses"].int } == [6 * 142, 0, 0])
      #expect(policies.map { $0["waste"].int } == [0, 0, 0])
      #expect(policies[0]["produced"] == .int(6 * 142))
      #expect(policies[0]["extra_runs_per_hour"].number == 0)
      #expect(policies[0]["cost_per_1000"].number == 2500)
      // 9 are used until 3 are left: an order each 45 minutes, of which one in 4 is at a full hour.
      let extra = try #require(policies[2]["extra_runs_per_hour"].number)
      #expect(abs(extra - 1) < 0.02)

      let text = try workspace.larder(words).output
      #expect(text.hasPrefix("1704 requests from 2026-06-04T00:00:00Z to 2026-06-09T22:00:00Z: "))
      let lines = text.split(separator: "\n").map { line in
        line.split(separator: " ").joined(separator: " ")
      }
      #expect(lines.contains("fixed:6 50.00% 852 0 0.00% 852 1.3 0.000 2500.0"), "\(text)")
      #expect(lines.contains { $0.hasPrefix("fixed:best (12) 100.00% 0 0 0.00% 1704 ") }, "\(text)")
      #expect(lines.contains("2026-06-04T00:00:00Z 1704 2500.0 0.0 0.0"), "\(text)")
      #expect(lines.contains("fixed:6 2026-06-04T00:00:00Z 12 6 0 30"), "\(text)")
    }
  }

  @Test func theFirstPolicyIsDrawn() throws {
    try Workspace.with { workspace in
      try writeSteady(workspace)
      let finished = try workspace.larder(
        usual + ["--policy", "fixed:6", "--policy", "learned", "--svg", "picture.svg"])
      #expect(finished.status == 0)
      let svg = workspace.read("picture.svg")
      #expect(svg.hasPrefix("<svg ") && svg.contains("fixed:6: demand.csv"))
      // 2 of the first hour find what came before it.
      #expect(svg.contains(">misses: \(6 * 214 - 2)<"))
      let refused = try workspace.larder(usual + ["--svg", "none/picture.svg"])
      #expect(refused.status == 1)
      #expect(refused.errors.contains("none/picture.svg can't be written: No such file"))
    }
  }

  @Test func whatIsMissingOrWrongIsSaidWithTheWayOut() throws {
    try Workspace.with { workspace in
      try writeSteady(workspace, days: 3)
      for (option, message) in [
        ("--demand", "--demand is missing: --demand FILE"),
        ("--shelf-life", "--shelf-life is missing: --shelf-life 2h"),
        ("--lead-time", "--lead-time is missing: --lead-time 10m"),
        ("--interval", "--interval is missing"), ("--miss-cost", "--miss-cost is missing"),
      ] {
        var words = usual
        let place = try #require(words.firstIndex(of: option))
        words.removeSubrange(place...place + 1)
        let finished = try workspace.larder(words)
        #expect(finished.status == 2, "\(option)")
        #expect(finished.errors.contains(message), "\(finished.errors)")
      }
      for (option, value, message) in [
        ("--shelf-life", "7m", "write 5m or 10m, not 7m"),
        ("--shelf-life", "0s", "at least one: write 5m, not 0s"),
        ("--shelf-life", "soon", "must be a duration"),
        ("--lead-time", "90s", "write 0s or 5m, not 90s"),
        ("--interval", "1m", "write 5m, not 1m"),
        ("--miss-cost", "-1", "a number from 0 to"), ("--miss-cost", "nan", "a number from 0 to"),
        ("--waste-cost", "1e99", "a number from 0 to"),
      ] {
        var words = usual
        let place = try #require(words.firstIndex(of: option))
        words[place + 1] = value
        let finished = try workspace.larder(words)
        #expect(finished.status == 2, "\(option) \(value)")
        #expect(finished.errors.contains(message), "\(finished.errors)")
      }
      for (words, message) in [
        (["--policy", "clever"], "learned, learned+topup, fixed:N, fixed:best or reorder:R,T"),
        (["--policy", "fixed:-1"], "not fixed:-1"), (["--policy", "fixed:"], "not fixed:"),
        (["--policy", "reorder:9,3"], "not reorder:9,3"),
        (["--policy", "reorder:3"], "not reorder:3"),
        (["--policy", "learned", "--policy", "learned"], "learned is given twice"),
        (["--evaluate-from", "tomorrow"], "2026-11-24T20:00:00Z, not tomorrow"),
        (["movies", "books"], "unexpected argument books"),
      ] {
        let finished = try workspace.larder(usual + words)
        #expect(finished.status == 2, "\(words)")
        #expect(finished.errors.contains(message), "\(finished.errors)")
      }
      let late = try workspace.larder(usual + ["--evaluate-from", "2026-06-02T22:00:00Z"])
      #expect(late.status == 1)
      #expect(late.errors.contains("demand from 2026-06-01T00:00:00.000Z to 2026-06-04T00:00:00"))
      #expect(late.errors.contains("an earlier --evaluate-from"))
    }
  }

  @Test func aBadFileIsAnErrorWithItsLine() throws {
    try Workspace.with { workspace in
      let missing = try workspace.larder(usual)
      #expect(missing.status == 1)
      #expect(
        missing.errors == "larder simulate: demand.csv can't be read: No such file or directory\n")
      try workspace.write(
        "demand.csv", "start,requests\n2026-06-01T00:00Z,3\n2026-06-01T00:05Z,x\n")
      let broken = try workspace.larder(usual)
      #expect(broken.status == 1 && broken.output == "")
      #expect(
        broken.errors.hasPrefix("larder simulate: demand.csv:3: `x` is no number of requests"))
    }
  }

  @Test func standardInputIsAFileToo() throws {
    try Workspace.with { workspace in
      try writeSteady(workspace)
      var words = usual
      words[2] = "-"
      let read = try workspace.larder(words + ["--json"], input: workspace.read("demand.csv"))
      let named = try workspace.larder(usual + ["--json"])
      #expect(read.status == 0 && read.output == named.output)
    }
  }

  // MARK: A schedule file

  private func declare(
    _ workspace: Workspace, stock: String = "target: 30, shelf_life: 2h, reorder_at: 6"
  ) throws {
    try workspace.producer("make", Scripts.counting)
    try workspace.declare(
      "codes",
      """
      producer: {command: [./make], slice: 200, concurrency: 2}
      stock: {\(stock)}
      schedules: [{cron: "0 * * * *"}]
      """)
  }

  @Test func aSchedulesFileIsTriedAsItIsAndAsItMightBe() throws {
    try Workspace.with { workspace in
      try declare(workspace)
      try writeSteady(workspace, days: 20)
      let words = ["simulate", "Schedules/codes.yaml", "--demand", "demand.csv"]
      let finished = try workspace.larder(words + ["--lead-time", "0s", "--json"])
      #expect(finished.status == 0 && finished.errors == "", "\(finished.errors)")
      let policies = finished.json["policies"].elements
      #expect(
        policies.map { $0["name"].string } == [
          "today", "learned", "learned+topup", "fixed:best", "reorder:6,30",
        ])
      // Twelve an hour: of 30 items some expire, and what is learned wastes less.
      let waste = policies.map { $0["waste"].int ?? -1 }
      #expect(waste[0] > 500 && waste[1] < waste[0] / 2 && waste[2] < waste[0] / 2, "\(waste)")
      #expect(policies.prefix(3).allSatisfy { $0["misses"] == .int(0) })
      let silent = try workspace.larder(words)
      #expect(silent.errors.contains("no --lead-time is given"))
      #expect(silent.output.contains("codes as its file has it: shelf life 2h"))
    }
  }

  @Test func withoutAFileOfDemandItIsWhatTheStoreCounted() throws {
    try Workspace.with { workspace in
      try declare(workspace, stock: "target: auto, shelf_life: 2h")
      try writeSteady(workspace, days: 20)
      let empty = try workspace.larder("simulate", "Schedules/codes.yaml")
      #expect(empty.status == 1 && empty.errors.contains("there is no store"))
      #expect(try workspace.larder("demand", "import", "codes", "demand.csv").status == 0)
      let words = ["simulate", "Schedules/codes.yaml", "--lead-time", "10m", "--policy", "today"]
      let start = ["--evaluate-from", "2026-06-10T00:00:00Z"]
      // The ledger goes on until now, with nothing asked for since: the file ends before that.
      let json = try workspace.larder(words + start + ["--json"]).json
      #expect(json["requests"] == .int(11 * 24 * 12))
      let today = json["policies"].elements[0]
      #expect(today["name"] == .string("today") && today["extra_runs_per_hour"].number ?? 0 < 0.1)
      try workspace.write("Schedules/codes.yaml", "pool: codes\n")
      let idle = try workspace.larder("simulate", "Schedules/codes.yaml")
      #expect(idle.errors.contains("codes has no producer: nothing would be ordered"))
    }
  }

  @Test func whatTheFileSaysIsNoOption() throws {
    try Workspace.with { workspace in
      try declare(workspace)
      try writeSteady(workspace)
      for option in [["--shelf-life", "1h"], ["--interval", "1h"]] {
        let refused = try workspace.larder(
          ["simulate", "Schedules/codes.yaml", "--demand", "demand.csv"] + option)
        #expect(refused.status == 2)
        #expect(refused.errors.contains("is what Schedules/codes.yaml says"))
      }
      let today = try workspace.larder(usual + ["--policy", "today"])
      #expect(today.status == 2 && today.errors.contains("--policy must be learned"))
    }
  }
}
