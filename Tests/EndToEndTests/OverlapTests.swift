import Foundation
import Harness
import Testing

/// Nominal times that come before their schedule's last run has ended.
@Suite struct OverlapTests {
  private func pool(
    _ overlap: String, cron: String, producer: String = "", target: Int = 3
  ) -> String {
    """
    producer:
      command: [./make]
    \(producer)
    stock: {target: \(target)}
    schedules:
      - {name: often, cron: "\(cron)", overlap: \(overlap)}
    claims: {per_user: 0}
    """
  }

  /// The schedule's runs in the order of their nominal times.
  private func runs(_ server: ServerProcess) throws -> [JSON] {
    try server.http.runs("codes").sorted {
      ($0["nominal_at"].string ?? "") < ($1["nominal_at"].string ?? "")
    }
  }

  @Test func aReplacedProducerIsEndedThoughItIsDeafAndNothingOfItIsKept() throws {
    try Workspace.with { workspace in
      // The first one hangs with a grandchild in a session of its own. Told to end, it prints all
      // that it was asked for and goes on. Until it has said who it is it hears nothing: on a slow
      // machine it may be told to end before.
      try workspace.producer(
        "make",
        """
        W=\(workspace.path)
        trap '' TERM
        echo "$LARDER_RUN" >>$W/ledger
        if mkdir $W/hung 2>/dev/null; then
          print() { for i in 1 2 3; do printf '{"payload": "late"}\\n'; done; }
          setsid sh -c "echo \\$\\$ >>$W/pids; while :; do sleep 60; done" &
          echo $$ >>$W/pids
          trap print TERM
          while :; do sleep 60 & wait; done
        fi
        trap - TERM
        \(Scripts.counting)
        """)
      try workspace.declare("codes", pool("replace", cron: "*/2 * * * * *"))
      let server = try workspace.serve()
      try eventually("a hanging producer") { workspace.lines("pids").count == 2 }
      let pids = workspace.lines("pids").compactMap { Int32($0) }
      let old = try #require(workspace.lines("ledger").first)
      let replaced = try server.http.ended(old)
      #expect(replaced["state"] == .string("replaced"))
      let all = try runs(server)
      let place = try #require(all.firstIndex { $0["run"] == .string(old) })
      let by = try #require(all[place + 1]["run"].string)
      #expect(replaced["why"] == .string("replaced by run \(by)"))
      #expect(replaced["slices"][0]["state"] == .string("failed"))

      try eventually("a full pool") { try server.http.level("codes")["available"] == .int(3) }
      // The new run waited for the end of the old one's producer and of what that had started.
      for pid in pids { #expect(!isAlive(pid)) }
      #expect(try server.http.run(old) == replaced)
      let level = try server.http.level("codes")
      #expect(level["produced"] == .int(3))
      #expect(level["last_run"]["run"].string != old)
      let claim = try server.http.claim("codes", "u", more: #""count": 3"#)
      #expect(!claim.text.contains("late"))
      // Runs that were replaced while they waited never started a producer.
      let started = try runs(server).filter { $0["started_at"] != .null }
      #expect(
        Set(started.compactMap { $0["run"].string }).isSuperset(of: workspace.lines("ledger")))
    }
  }

  @Test func whatAReplacedProducerPrintsAtItsEndIsNotKept() throws {
    try Workspace.with { workspace in
      // Here as well it hears nothing until it is ready to print.
      try workspace.producer(
        "make",
        """
        W=\(workspace.path)
        trap '' TERM
        if mkdir $W/hung 2>/dev/null; then
          echo "$LARDER_RUN" >$W/hung/run
          trap 'for i in 1 2 3; do printf "{\\"payload\\": \\"late\\"}\\n"; done; exit 0' TERM
          while :; do sleep 0.05; done
        fi
        trap - TERM
        \(Scripts.counting)
        """)
      try workspace.declare("codes", pool("replace", cron: "*/2 * * * * *"))
      let server = try workspace.serve()
      try eventually("a full pool") { try server.http.level("codes")["available"] == .int(3) }
      let first = try server.http.run(#require(workspace.lines("hung/run").first))
      #expect(first["state"] == .string("replaced") && first["stored"] == .int(0))
      #expect(try server.http.level("codes")["produced"] == .int(3))
      #expect(try !server.http.claim("codes", "u", more: #""count": 3"#).text.contains("late"))
    }
  }

  @Test func aQueuedRunGoesAfterTheLastOneAndOneWaitsAtMost() throws {
    try Workspace.with { workspace in
      try workspace.producer(
        "make",
        """
        W=\(workspace.path)
        echo "$LARDER_RUN" >>$W/ledger
        while [ ! -e $W/go ]; do sleep 0.02; done
        printf '{"payload": 1}\\n'
        """)
      // There is room for two producers: it is the schedule's own run that is waited for.
      try workspace.declare(
        "codes", pool("queue", cron: "*/3 * * * * *", producer: "  concurrency: 2", target: 100))
      let server = try workspace.serve()
      try eventually("the first producer") { workspace.lines("ledger").count == 1 }
      try eventually("a run that is passed over") {
        try runs(server).contains { $0["state"] == .string("skipped") }
      }
      let waiting = try runs(server)
      #expect(
        waiting.prefix(3).map { $0["state"] }
          == [.string("running"), .string("queued"), .string("skipped")])
      let second = try #require(waiting[1]["run"].string)
      #expect(
        waiting[2]["why"] == .string("overlap: run \(second) of this schedule waits already"))
      #expect(workspace.lines("ledger").count == 1)
      try workspace.write("go", "")
      let last = try server.http.ended(second)
      let first = try server.http.run(waiting[0]["run"].string ?? "")
      #expect(first["stored"] == .int(1) && last["stored"] == .int(1))
      #expect(try #require(last["started_at"].time) >= #require(first["ended_at"].time))
      #expect(
        workspace.lines("ledger").prefix(2) == [first["run"].string ?? "", second])
    }
  }

  @Test func aTimeOfARunThatGoesOnIsSkippedByDefault() throws {
    try Workspace.with { workspace in
      try workspace.producer(
        "make",
        """
        while [ ! -e \(workspace.path)/go ]; do sleep 0.02; done
        \(Scripts.counting)
        """)
      try workspace.declare("codes", pool("skip", cron: "* * * * * *"))
      let server = try workspace.serve()
      try eventually("a second time") { try runs(server).count >= 2 }
      let (first, second) = (try runs(server)[0], try runs(server)[1])
      #expect(second["state"] == .string("skipped") && second["started_at"] == .null)
      let id = try #require(first["run"].string)
      #expect(second["why"] == .string("overlap: run \(id) of this schedule has not ended"))
      let text = try workspace.larder("run", second["run"].string ?? "").output
      #expect(text.contains("why: overlap: ") && !text.contains("SLICE"))
      try workspace.write("go", "")
      #expect(try server.http.ended(id)["state"] == .string("succeeded"))
    }
  }
}
