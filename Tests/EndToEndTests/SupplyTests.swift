import Foundation
import Harness
import Testing

/// Producers that bring too little are not asked all the time.
@Suite struct SupplyTests {
  /// Each makes the pool stay at its reorder point.
  private static let producers = [
    "failing": "exit 1", "later": "exit 75", "empty": "exit 0",
    "short": #"printf '{"payload": 1}\n'"#,
    "repeating": #"for i in $(seq $LARDER_COUNT); do printf '{"payload": 1, "key": "k"}\n'; done"#,
    "stale": #"for i in $(seq $LARDER_COUNT); do printf '{"payload": 1, "expires_at": "#
      + #""2020-01-01T00:00:00Z"}\n'; done"#,
  ]

  @Test func shortSlicesAndFailuresDoNotLoopHot() throws {
    try Workspace.with { workspace in
      for (pool, script) in Self.producers {
        try workspace.producer(
          "make-\(pool)", "date +%s.%N >>\(workspace.path)/\(pool)-starts\n" + script)
        try workspace.declare(
          pool,
          """
          producer:
            command: [./make-\(pool)]
            slice: 20
            retry: {attempts: 1, backoff: 200ms, max_backoff: 800ms}
            breaker: {failures: 100, cooldown: 1h}
          stock: {target: 20, reorder_at: 15}
          claims: {per_user: 0}
          """)
      }
      let server = try workspace.serve("--producers", "8")
      let connection = try HTTPConnection(server.http)
      try eventually("five starts of each producer") {
        // Whatever is asked meanwhile: a miss and a claim are no reason to ask earlier.
        for pool in Self.producers.keys {
          try connection.send(
            "POST", "/v1/pools/\(pool)/claims", body: Array(#"{"user":"u"}"#.utf8))
          _ = try connection.receive()
        }
        return Self.producers.keys.allSatisfy { workspace.lines("\($0)-starts").count >= 5 }
      }
      for pool in Self.producers.keys.sorted() {
        let times = workspace.lines("\(pool)-starts").compactMap { Double($0) }
        let gaps = zip(times.dropFirst(), times).map { $0 - $1 }
        // The first run of `repeating` brings an item.
        for (gap, least) in zip(gaps.dropFirst(pool == "repeating" ? 1 : 0), [0.2, 0.4, 0.8]) {
          #expect(gap >= least, "\(pool): \(gaps)")
        }
        let level = try server.http.level(pool)
        #expect(
          level["reasons"].elements.contains {
            let reason = $0.string ?? ""
            return ["the reorder point waits until", "is running", "a run is due"]
              .contains { reason.contains($0) }
          }, "\(level["reasons"])")
      }
    }
  }

  @Test func aBreakerOpensLetsOneRunTryAndCloses() throws {
    try Workspace.with { workspace in
      try workspace.producer(
        "make",
        """
        W=\(workspace.path)
        echo "$LARDER_RUN" >>$W/ledger
        [ -e $W/good ] || exit 1
        \(Scripts.counting)
        """)
      try workspace.declare(
        "codes",
        """
        producer:
          command: [./make]
          retry: {attempts: 1, backoff: 0s}
          breaker: {failures: 2, cooldown: 1500ms}
        stock: {target: 4, reorder_at: 3}
        schedules: [{name: often, cron: "* * * * * *"}]
        """)
      let server = try workspace.serve()
      func isOpen() throws -> Bool {
        try server.http.level("codes")["warnings"].elements.contains {
          $0.string?.contains("the breaker is open until") == true
        }
      }
      try eventually("an open breaker") { try isOpen() }
      // The cooldown after the second, which is looked at below, may be over.
      #expect(workspace.lines("ledger").count >= 2)
      // Times that come meanwhile start nothing, and say so.
      let skipped = try eventually("a skipped time") {
        try server.http.runs("codes").first {
          $0["state"] == .string("skipped")
            && $0["why"].string?.hasPrefix("the breaker is open until") == true
        }
      }
      #expect(skipped["started_at"] == .null)
      // After the cooldown one run tries; it fails, and the next one waits for another cooldown.
      try eventually("two trials") { workspace.lines("ledger").count >= 4 }
      let started = try workspace.lines("ledger").prefix(4).map {
        try #require(try server.http.ended($0)["started_at"].time)
      }
      #expect(started[2] - started[1] >= 1.5 && started[3] - started[2] >= 1.5)
      try workspace.write("good", "")
      try eventually("a trial that succeeds") {
        try server.http.level("codes")["last_run"]["state"] == .string("succeeded")
      }
      #expect(try !isOpen())
      #expect(try server.http.level("codes")["available"] == .int(4))
    }
  }
}
