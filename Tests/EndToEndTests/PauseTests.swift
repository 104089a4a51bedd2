import Foundation
import Harness
import Testing

/// Pausing and resuming pools, and closing their breakers.
@Suite struct PauseTests {
  @Test(arguments: Way.allCases)
  func commandsPauseAndResumeAPool(_ way: Way) throws {
    try Workspace.with { workspace in
      try workspace.producer("make", Scripts.counting)
      try workspace.declare(
        "codes", "producer: {command: [./make]}\nstock: {target: 3}\nclaims: {per_user: 0}")
      #expect(try workspace.larder("prefill", "codes").status == 0)
      let server = way == .alone ? nil : try workspace.serve()
      let named =
        switch way {
        case .alone, .besideAServer: [String]()
        case .namedByURL: ["--server", server?.url ?? "", "--store", "sqlite:/nowhere/x.db"]
        case .namedBySocket: ["--server=unix:\(workspace.store).sock"]
        }
      func larder(_ words: String...) throws -> Finished { try workspace.larder(words + named) }

      for _ in 0..<2 {
        let pause = try larder("pause", "codes")
        #expect(pause.status == 0 && pause.errors == "")
        #expect(pause.output == "codes: paused: `larder resume codes` ends that\n")
      }
      let level = try larder("pause", "codes", "--json").json
      #expect(level["paused"] == .bool(true) && level["pool"] == .string("codes"))
      #expect(try larder("levels", "codes", "--json").json["levels"][0]["paused"] == .bool(true))
      let prefill = try larder("prefill", "codes")
      #expect(prefill.status == 1 && prefill.errors.contains("paused"))
      #expect(try larder("claim", "codes", "--user", "u").status == 0)

      let resume = try larder("resume", "codes", "--json")
      #expect(resume.status == 0 && resume.json["paused"] == .bool(false))
      #expect(try larder("resume", "codes").output.contains("below the target of 3"))
      #expect(try larder("prefill", "codes").status == 0)
      #expect(try larder("levels", "codes", "--json").json["levels"][0]["available"] == .int(3))
    }
  }

  @Test func aPauseHoldsRunsAndNotClaimsAndOutlivesARestart() throws {
    try Workspace.with { workspace in
      try workspace.producer(
        "make",
        """
        W=\(workspace.path)
        echo $LARDER_SLICE >>$W/ledger
        while [ ! -e $W/go-$LARDER_SLICE ]; do sleep 0.02; done
        \(Scripts.counting)
        """)
      try workspace.declare(
        "codes",
        "producer: {command: [./make], slice: 2}\nstock: {target: 4, reorder_at: 3}\n"
          + "claims: {per_user: 0}")
      var server = try workspace.serve()
      try eventually("the first slice is being made") { workspace.lines("ledger") == ["1"] }
      let pause = try server.http.post("/v1/pools/codes/pause")
      #expect(pause.status == 200 && pause.json["paused"] == .bool(true))
      #expect(pause.json["in_flight"] == .int(2))
      #expect(pause.json["reasons"].elements.count == 2)
      #expect(try server.http.post("/v1/pools/codes/pause", "{}").json["paused"] == .bool(true))
      try workspace.write("go-1", "")
      try workspace.write("go-2", "")
      // The running slice finishes; the run waits with the next.
      try eventually("the slice is stored") {
        try server.http.level("codes")["available"] == .int(2)
      }
      let refused = try server.http.post("/v1/pools/codes/runs")
      #expect(refused.status == 409)
      #expect(refused.json["type"] == .string("urn:larder:wrong-state"))
      #expect(try server.http.claim("codes", "u-1").status == 201)
      #expect(try server.stop() == 0)
      server = try workspace.serve()
      #expect(try server.http.level("codes")["paused"] == .bool(true))
      #expect(try server.http.runs("codes").map { $0["state"] } == [.string("running")])
      #expect(workspace.lines("ledger") == ["1"])

      #expect(try server.http.post("/v1/pools/codes/resume").json["paused"] == .bool(false))
      try eventually("the run goes on to its end") {
        try server.http.runs("codes").last?["state"] == .string("succeeded")
      }
      #expect(workspace.lines("ledger").prefix(2) == ["1", "2"])
    }
  }

  @Test(arguments: [true, false])
  func aResetClosesTheBreaker(_ serving: Bool) throws {
    try Workspace.with { workspace in
      try workspace.producer("make", "exit 1")
      try workspace.declare(
        "codes",
        """
        producer:
          command: [./make]
          retry: {attempts: 1, backoff: 0s}
          breaker: {failures: 1, cooldown: 24h}
        stock: {target: 2, reorder_at: 1}
        """)
      let first = try workspace.serve()
      func isOpen(_ level: JSON) -> Bool {
        level["warnings"].elements.contains { $0.string?.contains("the breaker is open") == true }
      }
      try eventually("an open breaker") { try isOpen(first.http.level("codes")) }
      try workspace.producer("make", Scripts.counting)
      if !serving { #expect(try first.stop() == 0) }
      let reset = try workspace.larder("breaker", "reset", "codes", "--json")
      #expect(reset.status == 0 && !isOpen(reset.json))
      #expect(try workspace.larder("breaker", "reset", "codes").status == 0)
      let http = serving ? first.http : try workspace.serve().http
      try eventually("the pool is filled") { try http.level("codes")["available"] == .int(2) }
      #expect(try http.post("/v1/pools/codes/breaker/reset").status == 200)
    }
  }
}
