import Foundation
import Harness
import Testing

/// Runs that start a little after their nominal times, each at its own moment.
@Suite struct JitterTests {
  private static let pools = (1...5).map { "pool-\($0)" }

  private func declare(_ workspace: Workspace, cron: String, jitter: String) throws {
    for pool in Self.pools {
      try workspace.declare(
        pool,
        """
        producer: {command: [./make]}
        stock: {target: 1000}
        schedules:
          - {name: spread, cron: "\(cron)", jitter: \(jitter)}
        """)
    }
  }

  @Test func aNominalTimeStartsItsRunAtTheSameMomentAfterARestart() throws {
    try Workspace.with { workspace in
      try workspace.producer("make", Scripts.counting)
      try declare(workspace, cron: "0 0 1 1 *", jitter: "24h")
      func delays(_ server: ServerProcess) throws -> [Double] {
        let times = try Self.pools.map { try server.http.level($0)["next_run_at"].time }
        let nominal = try workspace.larder("next", Self.pools[0], "-n", "1", "--json").json[0]["at"]
        let seconds = try Date(nominal.string ?? "", strategy: .iso8601)
          .timeIntervalSince1970
        return try times.map { try #require($0) - seconds }
      }
      let first = try workspace.serve()
      let before = try delays(first)
      #expect(before.allSatisfy { (0...86_400).contains($0) })
      #expect(Set(before).count == before.count, "\(before)")
      try first.kill()
      #expect(try delays(workspace.serve()) == before)
    }
  }

  @Test func runsStartAtTheMomentThatTheLevelNames() throws {
    try Workspace.with { workspace in
      try workspace.producer("make", #"printf '{"payload": 1}\n'"#)
      try declare(workspace, cron: "*/2 * * * * *", jitter: "1500ms")
      let server = try workspace.serve()
      // What was told before the run started, by pool.
      var told: [String: Set<Double>] = [:]
      func started(_ pool: String) throws -> [JSON] {
        try server.http.runs(pool).filter { $0["started_at"] != .null }
      }
      /// The runs' nominal times and starts, with the moments that were told for them.
      func kept() throws -> [(nominal: Double, moment: Double, start: Double)] {
        var kept: [(nominal: Double, moment: Double, start: Double)] = []
        for pool in Self.pools {
          for run in try started(pool) {
            let nominal = try #require(run["nominal_at"].time)
            guard let moment = told[pool]?.first(where: { $0 >= nominal && $0 < nominal + 2 })
            else { continue }
            kept.append((nominal, moment, try #require(run["started_at"].time)))
          }
        }
        return kept
      }
      // Whatever the times are: they don't start together.
      try eventually("two runs of each pool, and three delays that were told before") {
        let answer = try server.http.get("/v1/levels").json
        let now = try #require(answer["at"].time)
        for level in answer["levels"].elements {
          guard let next = level["next_run_at"].time, next > now else { continue }
          told[level["pool"].string ?? "", default: []].insert(next)
        }
        let delays = Set(try kept().map { Int((($0.moment - $0.nominal) * 1000).rounded()) })
        return try delays.count > 2 && Self.pools.allSatisfy { try started($0).count >= 2 }
      }
      for (nominal, moment, start) in try kept() {
        #expect(moment - nominal <= 1.5)
        // Never before it, and after it only as far as the machine is slow.
        #expect(start >= moment && start < moment + 60)
      }
      let run = try #require(try started(Self.pools[0]).last)
      let lag = try Int(
        ((#require(run["started_at"].time) - #require(run["nominal_at"].time)) * 1000).rounded())
      let text =
        lag == 0
        ? "0s"
        : lag < 1000 ? "\(lag)ms" : "\(lag / 1000)s" + (lag % 1000 > 0 ? "\(lag % 1000)ms" : "")
      let id = run["run"].string ?? ""
      #expect(try workspace.larder("run", id).output.contains("\nlag: \(text)\n"))
      let rows = try workspace.larder("runs", Self.pools[0]).output.split(separator: "\n")
      #expect(rows[0].contains("  LAG  "))
      #expect(rows.contains { $0.hasPrefix(id) && $0.contains("  \(text)  ") })
    }
  }
}
