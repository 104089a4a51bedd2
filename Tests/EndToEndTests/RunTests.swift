import Foundation
import Harness
import Testing

/// What becomes of runs whose producers behave in all the ways that they may.
@Suite struct RunTests {
  /// Serves one pool with one producer, for which `$W` is the workspace.
  private func serving(
    _ script: String, producer: String = "", stock: String = "{target: 4}",
    _ body: (Workspace, ServerProcess) throws -> Void
  ) throws {
    try Workspace.with { workspace in
      try workspace.producer("make", "W=\(workspace.path)\n" + script)
      try workspace.declare(
        "codes",
        """
        producer:
          command: [./make]
          retry: {attempts: 3, backoff: 100ms, max_backoff: 200ms}
        \(producer)
        stock: \(stock)
        claims: {per_user: 0}
        """)
      try body(workspace, try workspace.serve())
    }
  }

  @Test(arguments: [(75, "tried again later (exit 75)"), (3, "exited with 3")])
  func aFailedSliceIsTriedAgainAsTheSameSlice(_ exit: Int, _ why: String) throws {
    try serving(
      """
      echo "$LARDER_RUN $LARDER_SLICE $LARDER_COUNT $LARDER_CURSOR" >>$W/ledger
      \(Scripts.counting)
      [ "$(wc -l <$W/ledger)" -ge 3 ] || { echo "trouble $(wc -l <$W/ledger)" >&2; exit \(exit); }
      """
    ) { workspace, server in
      let run = try server.http.prefill("codes")
      #expect(run["state"] == .string("succeeded") && run["stored"] == .int(4))
      #expect(run["slices"][0]["attempts"] == .int(3))
      #expect(run["log"].string?.contains("trouble 1") == true)
      #expect(run["log"].string?.contains("trouble 2") == true)
      let id = run["run"].string ?? ""
      #expect(workspace.lines("ledger") == Array(repeating: "\(id) 1 4 ", count: 3))

      // With its tries used up, the run fails and says why.
      try workspace.write("ledger", "")
      try workspace.producer("make", "echo called >>\(workspace.path)/ledger\nexit \(exit)")
      let failed = try server.http.prefill("codes", count: 1)
      #expect(failed["state"] == .string("failed") && failed["stored"] == .int(0))
      #expect(failed["why"].string?.contains(why) == true, "\(failed["why"])")
      #expect(workspace.lines("ledger").count == 3)
      let level = try server.http.level("codes")
      #expect(level["last_run"]["state"] == .string("failed"))
      #expect(level["warnings"].elements.contains { $0.string?.contains(why) == true })
    }
  }

  @Test func fewerItemsThanAskedForMakeTheRunShort() throws {
    try serving(
      #"[ "$LARDER_SLICE" = 2 ] && LARDER_COUNT=1"# + "\n" + Scripts.counting,
      producer: "  slice: 2", stock: "{target: 6}"
    ) { _, server in
      let run = try server.http.prefill("codes")
      #expect(run["state"] == .string("short"))
      #expect(run["asked"] == .int(6) && run["stored"] == .int(3))
      #expect(run["slices"].elements.map { $0["stored"] } == [.int(2), .int(1)])
      #expect(try server.http.level("codes")["available"] == .int(3))
    }
  }

  @Test func aBrokenLineFailsTheSliceAndNothingOfItIsKept() throws {
    try serving(
      #"[ "$LARDER_SLICE" = 2 ] && { printf '{"payload": 1}\nsecret-nonsense\n'; exit 0; }"# + "\n"
        + Scripts.counting, producer: "  slice: 2"
    ) { _, server in
      let run = try server.http.prefill("codes")
      #expect(run["state"] == .string("failed") && run["stored"] == .int(2))
      #expect(
        run["slices"].elements.map { $0["state"] } == [.string("committed"), .string("failed")])
      #expect(run["why"].string?.contains("line 2") == true)
      #expect(run["why"].string?.contains("secret-nonsense") == false)
      #expect(try server.http.level("codes")["produced"] == .int(2))
    }
  }

  @Test func aProducerThatHangsIsEndedAtItsTimeoutWithAllThatItStarted() throws {
    try serving(
      """
      trap '' TERM
      setsid sh -c "echo \\$\\$ >>$W/pids; while :; do sleep 60; done" &
      echo $$ >>$W/pids
      printf '{"payload": 1}\\n'
      while :; do sleep 60; done
      """, producer: "  timeout: 2s"
    ) { workspace, server in
      let answer = try server.http.post("/v1/pools/codes/runs")
      try eventually("a hanging producer") { workspace.lines("pids").count >= 2 }
      // Nothing that producers do is in a claim's way.
      #expect(try workspace.larder("put", "codes", input: #"{"payload": 9}"#).status == 0)
      #expect(try server.http.claim("codes", "u-1").status == 201)
      let first = workspace.lines("pids").compactMap { Int32($0) }
      try eventually("their end") { first.allSatisfy { !isAlive($0) } }
      let id = try #require(answer.json["run"].string)
      try eventually("the timeout's reason") {
        try server.http.run(id)["slices"][0]["why"].string?.contains("timeout of 2s") == true
          || server.http.level("codes")["reasons"].elements.contains {
            $0.string?.contains("timeout of 2s") == true
          }
      }
      #expect(try server.stop() == 0)
      for pid in workspace.lines("pids").compactMap({ Int32($0) }) { #expect(!isAlive(pid)) }
      #expect(try workspace.larder("levels", "--json").json["levels"][0]["produced"] == .int(1))
    }
  }

  @Test func whatIsPrintedBeyondTheCountIsOverfillAndARepeatAddsNothing() throws {
    try serving(
      #"for k in a a b c d e; do printf '{"payload": 1, "key": "%s"}\n' $k; done"#
    ) { _, server in
      let run = try server.http.prefill("codes")
      #expect(run["state"] == .string("succeeded"))
      #expect(run["asked"] == .int(4) && run["stored"] == .int(3))
      let slice = run["slices"][0]
      #expect(slice["duplicates"] == .int(1) && slice["overfill"] == .int(2))
      #expect(try server.http.level("codes")["available"] == .int(3))
      // Also what was issued is known by its key.
      #expect(try server.http.claim("codes", "u-1", more: #""count": 3"#).status == 201)
      #expect(try server.http.prefill("codes", count: 4)["stored"] == .int(0))
    }
  }

  @Test func aProducerGetsItsRequestAndTheAllowedEnvironmentOnly() throws {
    try Workspace.with { workspace in
      try workspace.producer(
        "make",
        """
        env | sort >\(workspace.path)/env
        pwd >\(workspace.path)/folder
        cat >\(workspace.path)/request
        \(Scripts.counting)
        """)
      try workspace.write("Schedules/secret", "s3cret\n", mode: 0o400)
      try workspace.declare(
        "codes",
        """
        producer:
          command: [./make]
          environment: {COLOUR: red}
          secrets: {TOKEN: secret}
        stock: {target: 2}
        """)
      let server = try workspace.serve(environment: ["LEAKED": "yes", "LARDER_PRODUCERS": "2"])
      let run = try server.http.prefill("codes")
      #expect(run["state"] == .string("succeeded"))
      var variables: [String: String] = [:]
      for line in workspace.lines("env") {
        let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        variables[String(parts[0])] = String(parts[1])
      }
      // The shell's own.
      for name in ["PWD", "OLDPWD", "SHLVL", "_"] { variables[name] = nil }
      #expect(
        Set(variables.keys) == [
          "PATH", "HOME", "LANG", "COLOUR", "TOKEN", "LARDER_POOL", "LARDER_RUN", "LARDER_SLICE",
          "LARDER_COUNT", "LARDER_CURSOR",
        ])
      #expect(variables["TOKEN"] == "s3cret" && variables["COLOUR"] == "red")
      #expect(workspace.read("folder") == workspace.schedules + "\n")
      #expect(
        try JSON(workspace.read("request"))
          == .object([
            "pool": .string("codes"), "run": run["run"], "slice": .int(1), "count": .int(2),
            "cursor": .string(""),
          ]))

      try FileManager.default.setAttributes(
        [.posixPermissions: 0o644], ofItemAtPath: workspace.schedules + "/secret")
      try workspace.declare(
        "open",
        """
        producer: {command: [./make], secrets: {TOKEN: secret}, retry: {attempts: 1}}
        stock: {target: 2}
        """)
      #expect(try server.stop() == 0)
      let refused = try workspace.larder("prefill", "open", "--json")
      #expect(refused.status == 1)
      #expect(refused.json["why"].string?.contains("0400 or 0600") == true)
    }
  }

  @Test func outputInLinesMakesEachLineAPayload() throws {
    try serving(
      #"printf 'A "1"\nB\n'; printf 'last'"#, producer: "  output: lines", stock: "{target: 3}"
    ) { _, server in
      #expect(try server.http.prefill("codes")["stored"] == .int(3))
      let claim = try server.http.claim("codes", "u-1", more: #""count": 3"#)
      #expect(
        claim.json["items"].elements.map { $0["payload"] } == [
          .string(#"A "1""#), .string("B"), .string("last"),
        ])
    }
  }

  @Test func oneProducerAtATimeServesAllPoolsInTurn() throws {
    try Workspace.with { workspace in
      // Fails if another one works at the same time.
      try workspace.producer(
        "make",
        """
        mkdir \(workspace.path)/busy || exit 1
        echo "$LARDER_POOL" >>\(workspace.path)/ledger
        \(Scripts.counting)
        rmdir \(workspace.path)/busy
        """)
      for pool in ["left", "right"] {
        try workspace.declare(
          pool,
          """
          producer: {command: [./make], slice: 1, retry: {attempts: 1}}
          stock: {target: 8, reorder_at: 1}
          """)
      }
      let server = try workspace.serve("--producers", "1")
      for pool in ["left", "right"] {
        try eventually("a full pool") { try server.http.level(pool)["available"] == .int(8) }
        let runs = try server.http.runs(pool)
        #expect(runs.count == 1)
        let run = try server.http.ended(runs[0]["run"].string ?? "")
        #expect(run["state"] == .string("succeeded"))
      }
      let order = workspace.lines("ledger")
      #expect(order.count == 16)
      #expect(zip(order, order.dropFirst()).allSatisfy { $0 != $1 }, "\(order)")
    }
  }

  @Test func aCommandThatIsNotThereFailsTheRunAndNotTheServer() throws {
    try Workspace.with { workspace in
      try workspace.declare(
        "codes",
        "producer: {command: [./nothing], retry: {attempts: 1}}\nstock: {target: 2}")
      let server = try workspace.serve()
      let run = try server.http.prefill("codes")
      #expect(run["state"] == .string("failed"))
      #expect(run["why"].string?.contains("nothing") == true)
      #expect(try server.http.get("/readyz").status == 200)
    }
  }

  @Test func theReorderPointWaitsLongerAfterEachRunThatBroughtNothing() throws {
    try Workspace.with { workspace in
      try workspace.producer("make", "date +%s.%N >>\(workspace.path)/ledger\nexit 1")
      try workspace.declare(
        "codes",
        """
        producer:
          command: [./make]
          retry: {attempts: 1, backoff: 200ms, max_backoff: 800ms}
          breaker: {failures: 4, cooldown: 1h}
        stock: {target: 2, reorder_at: 1}
        """)
      let server = try workspace.serve()
      try eventually("an open breaker") {
        try server.http.level("codes")["warnings"].elements.contains {
          $0.string?.contains("the breaker is open") == true
        }
      }
      let times = workspace.lines("ledger").compactMap { Double($0) }
      #expect(times.count == 4)
      for (index, least) in [0.2, 0.4, 0.8].enumerated() where times.count == 4 {
        #expect(times[index + 1] - times[index] >= least)
      }
      #expect(try server.http.claim("codes", "u-1").status == 409)
    }
  }
}
