import Harness
import Testing

@Suite struct MainJobTests {
  @Test func schedulesFillThePoolAndUsersClaimFromIt() throws {
    try Workspace.with { workspace in
      try workspace.producer("make", Scripts.counting)
      try workspace.declare(
        "seconds",
        """
        producer: {command: [./make]}
        stock: {target: 5, max: 50}
        schedules:
          - name: each-second
            cron: "* * * * * *"
        """)
      let server = try workspace.serve()
      try eventually("a full pool") { try server.http.level("seconds")["available"] == .int(5) }

      let byHTTP = try server.http.claim("seconds", "u-1")
      #expect(byHTTP.status == 201)
      #expect(byHTTP.header("Location") == "/v1/claims/\(byHTTP.json["claim"].string ?? "")")
      let byCommand = try workspace.larder("claim", "seconds", "--user", "u-2", "--json")
      #expect(byCommand.status == 0)
      #expect(byCommand.json["state"] == .string("claimed"))
      #expect(byCommand.json["items"][0]["id"] != byHTTP.json["items"][0]["id"])

      // What was taken is made again by a later time of the schedule.
      try eventually("a refilled pool") {
        let level = try server.http.level("seconds")
        return level["available"] == .int(5) && level["claimed"] == .int(2)
      }
      let level = try server.http.level("seconds")
      #expect(level["produced"] == .int(7))
      #expect(level["next_run_at"].time != nil)
      #expect(level["in_flight"] == .int(0))
    }
  }

  @Test func everyNominalTimeHasOneRunThatStartsWithinASecond() throws {
    try Workspace.with { workspace in
      try workspace.producer("make", #"printf '{"payload": 1}\n'"#)
      // Not even a time that comes while the machine stands still is left out.
      try workspace.declare(
        "seconds",
        """
        producer: {command: [./make]}
        stock: {target: 1000, max: 1000}
        schedules:
          - {name: each-second, cron: "*/1 * * * * *", target: 1000, catchup: all}
        """)
      let server = try workspace.serve()
      let runs = try eventually("four times") {
        let runs = try server.http.runs("seconds").filter { $0["nominal_at"] != .null }
        return runs.count { $0["started_at"] != .null } >= 4 ? runs : nil
      }
      let times = runs.compactMap { $0["nominal_at"].time }
      #expect(Set(times).count == runs.count)
      #expect(times == times.sorted(by: >))
      #expect(times.max()! - times.min()! == Double(runs.count - 1))
      var lags: [Double] = []
      for run in runs {
        #expect(run["reason"] == .string("schedule"))
        #expect(run["schedule"] == .string("each-second"))
        guard let started = run["started_at"].time, let nominal = run["nominal_at"].time else {
          continue
        }
        lags.append(started - nominal)
      }
      // The longer ones tell how busy the machine is.
      let shortest = try #require(lags.min())
      #expect(shortest >= 0 && shortest < 1)
    }
  }

  @Test func aServerTellsItsHealthItsRunsAndItsCounts() throws {
    try Workspace.with { workspace in
      try workspace.producer("make", Scripts.counting)
      try workspace.declare(
        "stock", "producer: {command: [./make], slice: 4}\nstock: {target: 10}")
      let server = try workspace.serve()
      #expect(try server.http.get("/livez").json["status"] == .string("live"))
      let ready = try server.http.get("/readyz")
      #expect(ready.json["status"] == .string("ready"))
      #expect(ready.json["warnings"] == .array([]))

      let run = try server.http.prefill("stock")
      #expect(run["state"] == .string("succeeded"))
      #expect(run["stored"] == .int(10))
      #expect(run["slices"].elements.map { $0["asked"] } == [.int(4), .int(4), .int(2)])
      #expect(try server.http.runs("stock")[0]["run"] == run["run"])
      let shown = try workspace.larder("run", run["run"].string ?? "")
      #expect(shown.output.contains("state: succeeded"))
      #expect(try workspace.larder("runs", "stock").output.contains(run["run"].string ?? "-"))

      #expect(try server.http.claim("stock", "u-1").status == 201)
      #expect(try server.http.claim("stock", "u-1").status == 200)
      #expect(try server.http.claim("stock", "u-2", more: #""count": 2"#).status == 429)
      // A run is counted when its end is on disk, and may be read before.
      let metrics = try eventually("the run in the counts") {
        let metrics = try server.http.get("/metrics")
        return metrics.text.contains("larder_run_duration_seconds_count 1\n") ? metrics : nil
      }
      #expect(metrics.header("Content-Type")?.hasPrefix("text/plain; version=0.0.4") == true)
      for line in [
        #"larder_items{pool="stock",state="available"} 9"#,
        #"larder_items{pool="stock",state="claimed"} 1"#,
        #"larder_claims_total{pool="stock",result="granted"} 1"#,
        #"larder_claims_total{pool="stock",result="repeated"} 1"#,
        #"larder_claims_total{pool="stock",result="user-limit"} 1"#,
        #"larder_runs_total{pool="stock",result="succeeded"} 1"#,
        "larder_run_duration_seconds_count 1", "larder_claim_duration_seconds_count 3",
      ] {
        #expect(metrics.text.contains(line + "\n"), "\(line)")
      }
    }
  }
}
