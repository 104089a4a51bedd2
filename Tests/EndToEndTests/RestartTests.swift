import Foundation
import Harness
import Testing

@Suite struct RestartTests {
  @Test func missedTimesAreCaughtUpAsTheScheduleSaysAndNoTimeRunsTwice() throws {
    try Workspace.with { workspace in
      try workspace.producer("make", #"printf '{"payload": 1}\n'"#)
      for catchup in ["none", "latest", "all"] {
        try workspace.declare(
          catchup,
          """
          producer: {command: [./make]}
          stock: {target: 1000}
          schedules:
            - {name: each-second, cron: "* * * * * *", catchup: \(catchup)}
          """)
      }
      func times(_ pool: String) throws -> [Int] {
        try workspace.larder("runs", pool, "-n", "1000", "--json").json["runs"].elements
          .compactMap { $0["nominal_at"].time.map { Int($0) } }
      }
      let server = try workspace.serve()
      try eventually("first runs") {
        try ["none", "latest", "all"].allSatisfy { try times($0).count >= 1 }
      }
      #expect(try server.stop() == 0)
      var last: [String: Int] = [:]
      for catchup in ["none", "latest", "all"] { last[catchup] = try times(catchup).max() }
      let stopped = try #require(last.values.max())
      try eventually("missed times") { Date().timeIntervalSince1970 > Double(stopped) + 4 }

      let again = try workspace.serve()
      for catchup in ["none", "latest", "all"] {
        let before = try #require(last[catchup])
        let since = try eventually("runs after the missed ones") {
          let since = try times(catchup).filter { $0 > before }.sorted()
          return since.count >= 5 || catchup != "all" && since.count >= 2 ? since : nil
        }
        #expect(Set(since).count == since.count)
        let runs = try again.http.runs(catchup)
        func run(_ time: Int) throws -> JSON {
          try #require(runs.first { $0["nominal_at"].time == Double(time) })
        }
        // One after another from the first time that was dealt with: all of them, or the newest. Nor
        // is any left out later, unless it was missed while the machine stood still.
        for (time, next) in zip(since, since.dropFirst()) where next != time + 1 {
          #expect(catchup != "all")
          #expect(try run(next)["why"].string?.contains("missed") == true)
        }
        #expect(catchup == "all" ? since[0] == before + 1 : since[0] >= before + 3)
        var first = try run(since[0])
        // A time that came before the engine first looked takes the place of the one caught up.
        if catchup == "latest", first["why"].string?.contains("a newer one has come") == true {
          #expect(first["state"] == .string("skipped"))
          first = try run(since[1])
        }
        if catchup == "none" {
          #expect(first["state"] == .string("skipped"))
          #expect(first["why"].string?.contains("catchup: none") == true)
        } else {
          let ended = try again.http.ended(first["run"].string ?? "")
          #expect(ended["stored"] == .int(1))
        }
      }
    }
  }

  @Test func poolsAtTheirReorderPointAreFilledAtStartAndAfterClaims() throws {
    try Workspace.with { workspace in
      try workspace.producer("make", Scripts.counting)
      try workspace.declare(
        "codes",
        """
        producer: {command: [./make]}
        stock: {target: 6, reorder_at: 3}
        schedules:
          - cron: "0 0 1 1 *"
        claims: {per_user: 0}
        """)
      let server = try workspace.serve()
      try eventually("a full pool") { try server.http.level("codes")["available"] == .int(6) }
      let first = try server.http.runs("codes")
      #expect(first.map { $0["reason"] } == [.string("start")])
      #expect(first[0]["nominal_at"] == .null)

      for _ in 0..<2 { #expect(try server.http.claim("codes", "u-1").status == 201) }
      #expect(try server.http.runs("codes").count == 1)
      #expect(try server.http.claim("codes", "u-1").status == 201)
      try eventually("a refilled pool") { try server.http.level("codes")["available"] == .int(6) }
      let runs = try server.http.runs("codes")
      #expect(runs.map { $0["reason"] } == [.string("reorder"), .string("start")])
      #expect(runs[0]["asked"] == .int(3))
      #expect(try server.stop() == 0)

      // A pool above its reorder point waits for its schedule.
      let again = try workspace.serve()
      #expect(try again.http.claim("codes", "u-1").status == 201)
      #expect(try again.http.runs("codes").count == 2)
      // One at or below it is filled, without anybody asking.
      #expect(try again.stop() == 0)
      for _ in 0..<4 {
        #expect(try workspace.larder("claim", "codes", "--user", "u-1").status == 0)
      }
      let third = try workspace.serve()
      try eventually("a full pool") { try third.http.level("codes")["available"] == .int(6) }
      #expect(try third.http.runs("codes")[0]["reason"] == .string("start"))
    }
  }

  @Test func aRunThatOrdersNothingIsSkippedAndSaysWhy() throws {
    try Workspace.with { workspace in
      try workspace.producer("make", "echo called >>\(workspace.path)/ledger\n" + Scripts.counting)
      try workspace.declare("codes", "producer: {command: [./make]}\nstock: {target: 2, max: 3}")
      let server = try workspace.serve()
      #expect(try server.http.prefill("codes")["state"] == .string("succeeded"))
      let nothing = try server.http.prefill("codes")
      #expect(nothing["state"] == .string("skipped"))
      #expect(nothing["why"].string?.contains("nothing to order") == true)
      #expect(nothing["started_at"] == .null)
      // A count ignores the target, never the max.
      #expect(try server.http.prefill("codes", count: 5)["asked"] == .int(1))
      let full = try server.http.prefill("codes", count: 5)
      #expect(full["state"] == .string("skipped"))
      #expect(full["why"].string?.contains("no room") == true)
      #expect(workspace.lines("ledger").count == 2)
    }
  }
}
