import Foundation
import Harness
import Lock
import Testing

@Suite struct CrashTests {
  @Test func everyAcknowledgedClaimOutlivesAKill() throws {
    try Workspace.with { workspace in
      try workspace.declare("codes", "claims: {per_user: 0}")
      let lines = (0..<5000).map { #"{"payload": "p-\#($0)"}"# }.joined(separator: "\n")
      #expect(try workspace.larder("put", "codes", input: lines).status == 0)
      let server = try workspace.serve()
      let acknowledged = Lock<[(user: String, key: String, body: [UInt8])]>([])
      let clients = 8
      Thread.detachNewThread { Self.killWhenBusy(server, acknowledged) }
      _ = try atOnce(clients) { client in
        guard let connection = try? HTTPConnection(server.http) else { return }
        for number in 0... {
          let user = "u-\(client)"
          let key = "k-\(number)"
          do {
            try connection.send(
              "POST", "/v1/pools/codes/claims", headers: [("Idempotency-Key", key)],
              body: Array(#"{"user": "\#(user)"}"#.utf8))
            let answer = try connection.receive()
            guard answer.status == 201 else { return }
            acknowledged.withLock { $0.append((user, key, answer.body)) }
          } catch {
            return  // killed
          }
        }
      }
      _ = try server.child.wait()

      let again = try workspace.serve()
      let claims = acknowledged.withLock { $0 }
      #expect(claims.count >= 100)
      let connection = try HTTPConnection(again.http)
      for claim in claims {
        let id = (try JSON(String(decoding: claim.body, as: UTF8.self)))["claim"].string ?? ""
        try connection.send("GET", "/v1/claims/\(id)")
        #expect(try connection.receive().body == claim.body)
        try connection.send(
          "POST", "/v1/pools/codes/claims", headers: [("Idempotency-Key", claim.key)],
          body: Array(#"{"user": "\#(claim.user)"}"#.utf8))
        let replay = try connection.receive()
        #expect(replay.status == 200 && replay.body == claim.body)
      }
      try expectNoItemTwice(workspace, again)
    }
  }

  private static func killWhenBusy(
    _ server: ServerProcess,
    _ acknowledged: Lock<[(user: String, key: String, body: [UInt8])]>
  ) {
    _ = try? eventually("claims") { acknowledged.withLock { $0.count } >= 200 }
    server.child.signal(SIGKILL)
  }

  /// Whatever was acknowledged or not: each item is in one claim, and the counts agree.
  private func expectNoItemTwice(_ workspace: Workspace, _ server: ServerProcess) throws {
    let claims = try workspace.larder("claims", "--json").json["claims"].elements
    let items = claims.flatMap { $0["items"].elements.compactMap { $0["id"].string } }
    #expect(Set(items).count == items.count)
    let level = try server.http.level("codes")
    #expect(level["claimed"] == .int(items.count))
    #expect(level["available"] == .int(5000 - items.count))
  }

  @Test func anInterruptedRunGoesOnWithTheSameSliceAndItsLeftoversAreEnded() throws {
    try Workspace.with { workspace in
      // The third slice hangs until there is the file `go`, with a grandchild in a session of its
      // own; the producer's own ledger says what it was called with.
      try workspace.producer(
        "make",
        """
        ledger=\(workspace.path)/ledger
        printf '%s %s %s %s %s\\n' \\
          "$LARDER_POOL" "$LARDER_RUN" "$LARDER_SLICE" "$LARDER_COUNT" "$LARDER_CURSOR" >>"$ledger"
        if [ "$LARDER_SLICE" = 3 ] && ! [ -e \(workspace.path)/go ]; then
          setsid sh -c 'echo $$ >>\(workspace.path)/pids; while :; do sleep 60; done' &
          echo $$ >>\(workspace.path)/pids
          while :; do sleep 60; done
        fi
        \(Scripts.counting)
        printf '{"cursor": "after-%s"}\\n' "$LARDER_SLICE"
        """)
      try workspace.declare(
        "codes", "producer: {command: [./make], slice: 3}\nstock: {target: 12, max: 12}")
      let server = try workspace.serve()
      let started = try server.http.post("/v1/pools/codes/runs")
      let id = try #require(started.json["run"].string)
      try eventually("a hanging producer") { workspace.lines("pids").count == 2 }
      #expect(try server.http.level("codes")["in_flight"] == .int(3))
      try server.kill()
      let pids = workspace.lines("pids").compactMap { Int32($0) }
      #expect(pids.count == 2)

      try workspace.write("go", "")
      let again = try workspace.serve()
      for pid in pids { #expect(!isAlive(pid)) }
      let run = try again.http.ended(id)
      #expect(run["state"] == .string("succeeded"))
      #expect(run["stored"] == .int(12))
      #expect(run["slices"].elements.map { $0["slice"] } == [.int(1), .int(2), .int(3), .int(4)])
      // Being interrupted was no failure of the producer's.
      #expect(run["slices"].elements.map { $0["attempts"] } == Array(repeating: .int(1), count: 4))
      #expect(
        workspace.lines("ledger") == [
          "codes \(id) 1 3 ", "codes \(id) 2 3 after-1", "codes \(id) 3 3 after-2",
          "codes \(id) 3 3 after-2", "codes \(id) 4 3 after-3",
        ])
      let level = try again.http.level("codes")
      #expect(level["available"] == .int(12) && level["produced"] == .int(12))
    }
  }

  /// A replaced run has ended, and its producer not yet. With room for another producer the new
  /// run has started meanwhile.
  @Test(arguments: [1, 2])
  func whatAReplacedRunLeftAtACrashIsEnded(_ concurrency: Int) throws {
    try Workspace.with { workspace in
      try workspace.producer(
        "make",
        """
        W=\(workspace.path)
        trap '' TERM
        if mkdir $W/hung 2>/dev/null; then
          echo "$LARDER_RUN" >$W/hung/run
          setsid sh -c 'echo $$ >>'$W'/pids; while :; do sleep 60; done' &
          echo $$ >>$W/pids
          while :; do sleep 60; done
        fi
        trap - TERM
        echo "$LARDER_RUN" >>$W/ledger
        while [ ! -e $W/go ]; do sleep 0.02; done
        \(Scripts.counting)
        """)
      try workspace.declare(
        "codes",
        """
        producer: {command: [./make], concurrency: \(concurrency)}
        stock: {target: 2}
        schedules: [{name: often, cron: "*/2 * * * * *", overlap: replace}]
        """)
      let server = try workspace.serve()
      try eventually("a hanging producer") { workspace.lines("pids").count == 2 }
      let pids = workspace.lines("pids").compactMap { Int32($0) }
      let old = workspace.lines("hung/run")[0]
      try eventually("the next time") {
        try server.http.run(old)["state"] == .string("replaced")
          && (concurrency == 1 || !workspace.lines("ledger").isEmpty)
      }
      let ended = try #require(try server.http.run(old)["ended_at"].time)
      try server.kill()
      let alive = pids.filter { isAlive($0) }
      // Later the server may have sent them SIGKILL, 5 seconds after SIGTERM, before its own end.
      let isInTime = Date().timeIntervalSince1970 < ended + 4
      #expect(!isInTime || alive == pids)

      try workspace.write("go", "")
      let again = try workspace.serve()
      for pid in pids { #expect(!isAlive(pid)) }
      #expect(!isInTime || again.child.errors.contains("processes that a crash left behind"))
      try eventually("a full pool") { try again.http.level("codes")["available"] == .int(2) }
      #expect(try again.http.run(old)["stored"] == .int(0))
    }
  }

  @Test func aRunThatAStopInterruptedGoesOnAndTheStopIsNoTry() throws {
    try Workspace.with { workspace in
      try workspace.producer(
        "make",
        """
        echo "$LARDER_RUN $LARDER_SLICE $LARDER_COUNT" >>\(workspace.path)/ledger
        if ! [ -e \(workspace.path)/go ]; then
          echo $$ >>\(workspace.path)/pids
          while :; do sleep 60; done
        fi
        \(Scripts.counting)
        """)
      try workspace.declare(
        "codes", "producer: {command: [./make], retry: {attempts: 1}}\nstock: {target: 2}")
      let server = try workspace.serve()
      let started = try server.http.post("/v1/pools/codes/runs")
      let id = try #require(started.json["run"].string)
      try eventually("a hanging producer") { workspace.lines("pids").count == 1 }
      #expect(try server.stop() == 0)
      let pid = try #require(workspace.lines("pids").first.flatMap { Int32($0) })
      #expect(!isAlive(pid))

      try workspace.write("go", "")
      let again = try workspace.serve()
      let run = try again.http.ended(id)
      #expect(run["state"] == .string("succeeded"))
      #expect(run["slices"][0]["attempts"] == .int(1))
      #expect(workspace.lines("ledger") == ["\(id) 1 2", "\(id) 1 2"])
    }
  }
}
