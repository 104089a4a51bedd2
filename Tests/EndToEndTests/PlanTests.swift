import Foundation
import Harness
import Testing

/// `larder plan`, and the call for it.
@Suite struct PlanTests {
  /// So many weeks of demand until now, by the hour: busy from 8 to 20 o'clock, UTC.
  private func history(weeks: Int, scale: Int = 1) -> String {
    let present = Int(Date().timeIntervalSince1970) / 3600
    let format = ISO8601DateFormatter()
    return "start,requests\n"
      + (present - weeks * 168..<present).map { hour in
        let time = format.string(from: Date(timeIntervalSince1970: Double(hour * 3600)))
        return "\(time),\(scale * ((8..<20).contains(hour % 24) ? 60 : 12))\n"
      }.joined()
  }

  private func declare(_ pool: String, in workspace: Workspace, _ stock: String) throws {
    try workspace.producer("make", Scripts.counting)
    try workspace.declare(
      pool,
      """
      producer: {command: [./make]}
      stock: {\(stock)}
      schedules: [{cron: "0 * * * *"}]
      """)
  }

  @Test func thePlanFollowsFromTheLedger() throws {
    try Workspace.with { workspace in
      try declare("codes", in: workspace, "target: 20, shelf_life: 2h")
      try workspace.write("history.csv", history(weeks: 6))
      let taken = try workspace.larder("demand", "import", "codes", "history.csv")
      #expect(taken.status == 0, "\(taken.errors)")
      let json = try workspace.larder("plan", "codes", "--lead-time", "10m", "--json").json
      let target = try #require(json["target"].int)
      #expect(json["order"] == .int(target) && json["position"] == .int(0))
      #expect(json["interval_seconds"] == .int(3600) && json["lead_seconds"] == .int(600))
      #expect(json["shelf_life_seconds"] == .int(7200))
      #expect(json["known_seconds"].int ?? 0 >= 6 * 168 * 3600)
      // What is expected is the hours that come, and the target covers it at least.
      let forecast = json["forecast"].elements
      #expect(forecast.count == 48 && json["past"].elements.count == 48)
      for hour in forecast {
        let time = try #require(hour["from"].time)
        let usual = (8..<20).contains(Int(time) / 3600 % 24) ? 60.0 : 12.0
        #expect(abs(try #require(hour["expected"].number) - usual) < 0.2 * usual + 1, "\(hour)")
        #expect(try #require(hour["low"].int) <= Int(usual) + 2)
        #expect(try #require(hour["high"].int) >= Int(usual) - 2)
      }
      #expect(Double(target) >= (try #require(json["expected"].number)) - 3)
      #expect(json["in_force"].string?.contains("the file's target of 20") ?? false)

      // Dearer misses, more items.
      let dear = try workspace.larder(
        "plan", "codes", "--lead-time", "10m", "--miss-cost", "100", "--json"
      ).json
      #expect(try #require(dear["target"].int) > target)

      let text = try workspace.larder("plan", "codes", "--lead-time", "10m").output
      #expect(text.hasPrefix("codes: target \(target): usual "), "\(text)")
      #expect(
        text.contains("\n  would order \(target) now: 0 on the shelf or on order\n"), "\(text)")
      #expect(text.contains("\nFROM "), "\(text)")
    }
  }

  @Test func whatIsOnTheShelfIsNotOrderedAgain() throws {
    try Workspace.with { workspace in
      try declare(
        "codes", in: workspace, "target: 20, shelf_life: 6h, max: 25, miss_cost: 7, waste_cost: 0.5"
      )
      try workspace.write("history.csv", history(weeks: 3))
      #expect(try workspace.larder("demand", "import", "codes", "history.csv").status == 0)
      #expect(try workspace.larder("prefill", "codes").status == 0)
      let json = try workspace.larder("plan", "codes", "--lead-time", "10m", "--json").json
      let target = try #require(json["target"].int)
      #expect(json["position"] == .int(20) && json["order"] == .int(max(0, min(5, target - 20))))
      #expect(json["miss_cost"].number == 7 && json["waste_cost"].number == 0.5)
      // A run of an instant takes no time by the 5 minutes.
      let server = try workspace.serve()
      let live = try server.http.get("/v1/pools/codes/plan?miss_cost=20").json
      #expect(live["lead_seconds"] == .int(0) && live["miss_cost"].number == 20)
      #expect(try server.http.get("/v1/pools/none/plan").status == 404)
      for query in ["miss_cost=-1", "lead_time=soon", "interval=1", "colour=red"] {
        #expect(try server.http.get("/v1/pools/codes/plan?\(query)").status == 400, "\(query)")
      }
    }
  }

  @Test func aNewPoolIsGuessed() throws {
    try Workspace.with { workspace in
      try declare("codes", in: workspace, "target: 20")
      try declare("seats", in: workspace, "target: 30")
      try workspace.declare("bought", "")
      for pool in ["codes", "seats"] {
        #expect(try workspace.larder("prefill", pool, "--count", "1").status == 0)
      }
      #expect(try workspace.larder("put", "bought", input: #"{"payload":1}"#).status == 0)
      let all = try workspace.larder("plan", "--json").json
      #expect(all["plans"].elements.map { $0["pool"].string } == ["codes", "seats"])
      let plan = all["plans"][0]
      #expect(plan["usual_per_hour"].number == 1 && plan["last_hour_carried"] == .null)
      #expect(plan["chance_of_waste"] == .null && plan["shelf_life_seconds"] == .null)
      let text = try workspace.larder("plan").output
      #expect(text.contains("no demand is known, so this is mostly a guess"), "\(text)")
      #expect(!text.contains("FROM"))
      let put = try workspace.larder("plan", "bought").output
      #expect(put.contains("\n  no producer: nothing is ordered\n"), "\(put)")
    }
  }

  @Test func whatWillExpireUnusedIsNoStock() throws {
    try Workspace.with { workspace in
      try declare("codes", in: workspace, "target: 50, shelf_life: 20m")
      // Nobody wants anything, so that what is there expires before the next hour's order is ready.
      let quiet = history(weeks: 3).replacingOccurrences(of: ",60", with: ",0")
        .replacingOccurrences(of: ",12", with: ",0")
      try workspace.write("history.csv", quiet)
      #expect(try workspace.larder("demand", "import", "codes", "history.csv").status == 0)
      #expect(try workspace.larder("prefill", "codes").status == 0)
      let json = try workspace.larder("plan", "codes", "--lead-time", "1h", "--json").json
      #expect(json["position"] == .int(50) && json["expiring"] == .int(50))
      #expect(json["target"] == .int(0) && json["order"] == .int(0))
      #expect(json["order_why"].string?.contains("of which 50 will expire unused") ?? false)
    }
  }

  @Test func whatTheFileExcludesIsNotLearned() throws {
    try Workspace.with { workspace in
      let present = Int(Date().timeIntervalSince1970) / 3600
      let format = ISO8601DateFormatter()
      func time(_ hour: Int) -> String {
        format.string(from: Date(timeIntervalSince1970: Double(hour * 3600)))
      }
      // 60 an hour, 6 on the weekday 3 days after tomorrow; a flood in the last hours.
      let tomorrow = present / 24 + 1
      let rows = (present - 6 * 168..<present).map { hour in
        let isQuiet = (hour / 24 - tomorrow - 3) % 7 == 0
        return "\(time(hour)),\(hour >= present - 4 ? 9999 : isQuiet ? 6 : 60)\n"
      }
      try workspace.write("history.csv", "start,requests\n" + rows.joined())
      try workspace.producer("make", Scripts.counting)
      let flood = "{from: \"\(time(present - 4))\", to: \"\(time(present))\"}"
      // 1970-01-01 was a Thursday.
      let weekdays = [
        "thursday", "friday", "saturday", "sunday", "monday", "tuesday", "wednesday",
      ]
      let date = time(tomorrow * 24).prefix { $0 != "T" }
      func declare(_ pool: String, _ demand: String) throws {
        try workspace.declare(
          pool,
          """
          producer: {command: [./make]}
          stock: {target: 20, shelf_life: 2h}
          \(demand)
          """)
        #expect(try workspace.larder("demand", "import", pool, "history.csv").status == 0)
      }
      try declare("plain", "")
      try declare("told", "demand: {exclude: [\(flood)]}")
      try declare("quiet", "demand: {days: {\"\(date)\": \(weekdays[(tomorrow + 3) % 7])}}")
      #expect(try workspace.larder("check").status == 0)
      func plan(_ pool: String) throws -> JSON {
        try workspace.larder("plan", pool, "--lead-time", "10m", "--json").json
      }
      let (plain, told) = (try plan("plain"), try plan("told"))
      #expect(try #require(plain["expected"].number) > 500)
      #expect(try #require(told["expected"].number) < 150)
      #expect(told["past"].elements.suffix(4).allSatisfy { $0["requests"] == .null })
      for (usual, quiet) in zip(plain["forecast"].elements, try plan("quiet")["forecast"].elements)
      {
        let isTomorrow = usual["from"].string?.hasPrefix(date) ?? false
        #expect((quiet["usual"].number == usual["usual"].number) == !isTomorrow)
        if isTomorrow { #expect(try #require(quiet["usual"].number) < 15) }
      }

      let listing = try workspace.larder("demand", "told", "--json").json
      #expect(
        listing["excluded"].elements.map { [$0["from"].time, $0["to"].time] }
          == [[Double((present - 4) * 3600), Double(present * 3600)]])
      #expect(listing["bins"].elements.last?["requests"].int == 9999 / 12 + 1)
      let csv = try workspace.larder("demand", "told", "--csv").output
      #expect(!csv.contains(time(present - 4)) && csv.contains(time(present - 5)))
      let table = try workspace.larder("demand", "told").output
      let line =
        "excluded from forecasts: \(4 * 9999) requests from \(time(present - 4).dropLast())"
      #expect(table.contains("\n\(line)"), "\(table)")
      // What lies outside of the span that is asked for is not told of.
      let earlier = try workspace.larder("demand", "told", "--to", time(present - 4), "--json").json
      #expect(earlier["excluded"] == .array([]) && listing["bins"].elements.count > 1000)
    }
  }

  @Test func theForecastIsDrawn() throws {
    try Workspace.with { workspace in
      try declare("codes", in: workspace, "target: 20, shelf_life: 2h")
      try workspace.write("history.csv", history(weeks: 3))
      #expect(try workspace.larder("demand", "import", "codes", "history.csv").status == 0)
      #expect(try workspace.larder("plan", "codes", "--svg", "plan.svg").status == 0)
      let svg = workspace.read("plan.svg")
      #expect(svg.hasPrefix("<svg ") && svg.contains(">now<") && svg.contains("codes: would order"))
      for (words, message) in [
        (["--svg", "x.svg"], "--svg needs a POOL"), (["a", "b"], "unexpected argument b"),
        (["codes", "--miss-cost", "x"], "a number from 0"),
        (["codes", "--lead-time", "x"], "must be a duration"),
      ] {
        let finished = try workspace.larder(["plan"] + words)
        #expect(finished.status == 2 && finished.errors.contains(message), "\(finished.errors)")
      }
    }
  }

  @Test func aPoolThatIsSizedByDemandIsFilledByIt() throws {
    try Workspace.with { workspace in
      try declare("codes", in: workspace, "target: auto, shelf_life: 6h, min: 3")
      try workspace.write("history.csv", history(weeks: 6, scale: 10))
      #expect(try workspace.larder("demand", "import", "codes", "history.csv").status == 0)
      let server = try workspace.serve()
      // Nothing is scheduled for now, and the shelf would run out before the next hour.
      let level = try eventually("items on the shelf") {
        let level = try server.http.level("codes")
        return level["available"].int ?? 0 > 0 && level["in_flight"] == .int(0) ? level : nil
      }
      let target = try #require(level["target"].int)
      #expect(target > 3)
      let reasons = level["reasons"].elements.compactMap(\.string)
      #expect(reasons.contains { $0.hasPrefix("sized by demand: target ") }, "\(reasons)")
      let run = try workspace.larder("runs", "codes", "--json").json["runs"].elements.last
      #expect(run?["reason"] == .string("topup"))
      let plan = try workspace.larder("plan", "codes", "--json").json
      #expect(plan["in_force"].string?.hasPrefix("in force: the target of \(target)") ?? false)
      _ = try server.stop()
      // Nor does a level need a server.
      let levels = try workspace.larder("levels", "--json").json["levels"].elements
      #expect(levels[0]["target"] == .int(target))
    }
  }

  @Test func aForecastAloneOrdersUpToTheMinimum() throws {
    try Workspace.with { workspace in
      try declare(
        "codes", in: workspace, "target: auto, sizing: forecast_only, min: 4, shelf_life: 6h")
      try workspace.write("history.csv", history(weeks: 6, scale: 10))
      #expect(try workspace.larder("demand", "import", "codes", "history.csv").status == 0)
      #expect(try workspace.larder("prefill", "codes").status == 0)
      let level = try workspace.larder("levels", "codes", "--json").json["levels"].elements[0]
      #expect(level["available"] == .int(4) && level["target"] == .int(4))
      let reasons = level["reasons"].elements.compactMap(\.string)
      #expect(reasons.contains { $0.hasPrefix("forecast only, not in force: target ") })
      let plan = try workspace.larder("plan", "codes", "--json").json
      #expect(plan["in_force"].string?.contains("runs fill up to 4") ?? false)
      #expect(plan["target"].int ?? 0 > 4)
    }
  }
}
