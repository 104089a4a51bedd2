import Foundation
import Harness
import Testing

@Suite struct RestoreTests {
  /// The payloads of all items that a claim's body lists.
  private func payloads(_ claim: JSON) -> [JSON] {
    claim["items"].elements.map { $0["payload"] }
  }

  @Test func noItemIsIssuedTwiceByWayOfABackup() throws {
    try Workspace.with { workspace in
      try workspace.declare(
        "codes", "claims: {per_user: 0, on_release: restock, on_miss: reject}\nstock: {max: 1000}")
      let lines = (0..<40).map { #"{"payload": "c-\#($0)", "key": "k-\#($0)"}"# }
        .joined(separator: "\n")
      #expect(try workspace.larder("put", "codes", input: lines).status == 0)
      var issued: [JSON] = []
      var server = try workspace.serve()
      let first = try server.http.claim("codes", "u-1", key: "first")
      issued += payloads(first.json)
      let held = try server.http.post(
        "/v1/pools/codes/claims", #"{"user": "u-2", "hold": "10m"}"#)
      let hold = try #require(held.json["claim"].string)
      let freed = try server.http.post(
        "/v1/pools/codes/claims", #"{"user": "u-2", "hold": "10m"}"#)
      let given = try #require(freed.json["claim"].string)

      #expect(try workspace.larder("backup", "copy.db").status == 0)
      #expect(try workspace.larder("verify").status == 0)
      // After the backup: a hold is confirmed, one given back and its item claimed, more claimed.
      #expect(try server.http.post("/v1/claims/\(hold)/confirm", "").status == 200)
      issued += payloads(held.json)
      #expect(try server.http.post("/v1/claims/\(given)/release", "").status == 200)
      for number in 0..<30 {
        issued += payloads(try server.http.claim("codes", "v-\(number)").json)
      }
      #expect(issued.count == 32 && Set(issued.map { $0.string }).count == 32)

      let served = try workspace.larder("restore", "copy.db")
      #expect(served.status == 1 && served.errors.contains("stop it first"))
      #expect(try server.stop() == 0)
      let restored = try workspace.larder("restore", "copy.db", "--json")
      #expect(restored.status == 0, "\(restored.errors)")
      #expect(restored.json["quarantined"][0]["items"] == .int(39))
      #expect(restored.json["ended_claims"] == .int(2))
      #expect(
        try workspace.larder("verify").output
          == "codes: 40 items: 0 available, 1 claimed, 39 quarantined\n")

      server = try workspace.serve()
      // The claim of the backup is there; nothing else is handed out by any way.
      let again = try server.http.claim("codes", "u-1", key: "first")
      #expect(again.status == 200 && again.text == first.text)
      #expect(try server.http.claim("codes", "u-9").status == 409)
      #expect(try server.http.post("/v1/claims/\(hold)/confirm", "").status == 409)
      #expect(try server.http.post("/v1/claims/\(given)/release", "").status == 409)
      let repeated = try workspace.larder("put", "codes", "--json", input: lines)
      #expect(repeated.json["stored"] == .int(0) && repeated.json["duplicates"] == .int(40))
      #expect(try server.http.claim("codes", "u-9").status == 409)
      #expect(try workspace.larder("put", "codes", input: #"{"payload": "new"}"#).status == 0)
      #expect(payloads(try server.http.claim("codes", "u-9").json) == [.string("new")])
      #expect(try server.stop() == 0)
    }
  }

  @Test func aRunOfTheBackupIsNotGoneOnWith() throws {
    try Workspace.with { workspace in
      // The supplier gives the same again for the same run, slice and cursor, as it should.
      try workspace.producer(
        "make",
        """
        echo $$ > producer
        echo "$LARDER_RUN $LARDER_SLICE" >> asked
        printf '{"payload": "%s-%s"}\\n' "$LARDER_RUN" "$LARDER_SLICE"
        [ -e "hang-$LARDER_SLICE" ] && sleep 600
        exit 0
        """)
      try workspace.declare(
        "codes",
        """
        producer: {command: [./make], slice: 1, retry: {attempts: 1}}
        stock: {target: 3, reorder_at: 2}
        claims: {per_user: 0}
        """)
      try workspace.write("Schedules/hang-2", "")
      var server = try workspace.serve()
      try eventually("the second slice") { workspace.lines("Schedules/asked").count == 2 }
      #expect(try workspace.larder("backup", "copy.db").status == 0)
      let run = try #require(try server.http.runs("codes").first?["run"].string)
      // Beside the store that it was taken of, a restored copy ends nothing.
      for _ in 0..<2 {
        #expect(try workspace.larder("restore", "copy.db", "--store", "sqlite:b.db").status == 0)
      }
      // A crash leaves the producer, which the restore ends.
      let producer = try #require(workspace.lines("Schedules/producer").first.flatMap { Int32($0) })
      try server.kill()
      #expect(isAlive(producer))
      let restored = try workspace.larder("restore", "copy.db", "--json")
      #expect(restored.status == 0 && restored.json["ended_runs"] == .int(1))
      #expect(!isAlive(producer))
      try workspace.delete("Schedules/hang-2")

      server = try workspace.serve()
      try eventually("a new run") { try server.http.level("codes")["available"] == .int(3) }
      #expect(workspace.lines("Schedules/asked").filter { $0.hasPrefix(run) }.count == 2)
      let ended = try server.http.get("/v1/runs/\(run)").json
      #expect(ended["state"] == .string("failed"))
      #expect(ended["why"].string?.contains("restored from a backup") == true)
      for number in 0..<3 {
        let item = try server.http.claim("codes", "u-\(number)").json["items"][0]["payload"].string
        #expect(item?.hasPrefix(run) == false)
      }
    }
  }

  @Test func reissuingHandsOutWhatWasOnTheShelf() throws {
    try Workspace.with { workspace in
      try workspace.declare("codes", "claims: {per_user: 0}")
      #expect(try workspace.larder("put", "codes", input: #"{"payload": "a"}"#).status == 0)
      #expect(try workspace.larder("backup", "copy.db").status == 0)
      let restored = try workspace.larder("restore", "copy.db", "--reissue")
      #expect(restored.status == 0 && restored.output == "")
      #expect(restored.errors.contains("larder.db.before-"))
      #expect(try workspace.larder("claim", "codes", "--user", "u").output == "\"a\"\n")
    }
  }

  @Test func withoutAStoreOneIsMadeAndFilesAreTheirOwnersAlone() throws {
    try Workspace.with { workspace in
      try workspace.declare("codes", "claims: {per_user: 0}")
      #expect(try workspace.larder("put", "codes", input: #"{"payload": "a"}"#).status == 0)
      #expect(try workspace.larder("backup", "copy.db").status == 0)
      let store = ["--store", "sqlite:other.db"]
      let restored = try workspace.larder(["restore", "copy.db", "--json"] + store)
      #expect(restored.status == 0 && restored.json["before"] == .null)
      #expect(try workspace.mode("other.db") == 0o600)
      #expect(try workspace.larder(["verify"] + store).status == 0)
      #expect(try workspace.larder(["restore", "copy.db", "--json"] + store).status == 0)
      for name in try FileManager.default.contentsOfDirectory(atPath: workspace.path)
      where name.hasPrefix("other.db") {
        #expect(try workspace.mode(name) == 0o600, "\(name)")
      }
      #expect(try workspace.larder("restore").status == 2)
      #expect(try workspace.larder("restore", "none.db").status == 1)
    }
  }

  /// Kills the process at times spread over what it takes: afterwards the store is the old one or
  /// the new one as a whole, or the next command makes it that.
  @Test func aRestoreThatIsKilledLeavesAWholeStore() throws {
    try Workspace.with { workspace in
      try workspace.declare("codes", "claims: {per_user: 0}")
      let lines = (0..<2000).map { #"{"payload": "c-\#($0)"}"# }.joined(separator: "\n")
      #expect(try workspace.larder("put", "codes", input: lines).status == 0)
      #expect(try workspace.larder("backup", "copy.db").status == 0)
      // The old store has a claim that the backup has not.
      #expect(try workspace.larder("claim", "codes", "--user", "u").status == 0)
      #expect(try workspace.larder("backup", "old.db").status == 0)
      // The shortest of some times: a stall in the only one would let the others end in peace.
      let times = try (0..<3).map { number throws -> Double in
        let began = ContinuousClock.now
        let store = "sqlite:timed-\(number).db"
        #expect(try workspace.larder("restore", "copy.db", "--store", store).status == 0)
        return (ContinuousClock.now - began) / .microseconds(1)
      }
      let takes = try #require(times.min())
      var killed = 0
      let rounds = 24
      for round in 0..<rounds {
        let store = "round-\(round).db"
        try FileManager.default.copyItem(
          atPath: workspace.path + "/old.db", toPath: "\(workspace.path)/\(store)")
        let child = try workspace.start(
          [try Workspace.binary(), "restore", "copy.db", "--store", "sqlite:\(store)"])
        usleep(UInt32(takes * 1.2 * Double(round) / Double(rounds)))
        child.signal(SIGKILL)
        if try child.wait() == -SIGKILL { killed += 1 }
        let names = try FileManager.default.contentsOfDirectory(atPath: workspace.path)
        if names.contains("\(store).restore") {
          let refused = try workspace.larder("levels", "--store", "sqlite:\(store)")
          #expect(refused.status == 1 && refused.errors.contains("run larder restore again"))
        }
        // The writer finishes what was ordered, and says what there is.
        let claim = try workspace.larder(
          "claim", "codes", "--user", "w", "--json", "--store", "sqlite:\(store)")
        let verified = try workspace.larder("verify", "--store", "sqlite:\(store)", "--json")
        #expect(verified.status == 0, "\(verified.output)")
        let pool = verified.json["pools"][0]
        if claim.status == 0 {
          #expect(pool["claimed"] == .int(2) && pool["available"] == .int(1998))
        } else {
          #expect(claim.status == 3, "\(claim.errors)")
          #expect(pool["claimed"] == .int(0) && pool["quarantined"] == .int(2000))
        }
        #expect(
          try workspace.larder("restore", "copy.db", "--store", "sqlite:\(store)").status == 0)
      }
      #expect(killed >= 5)
    }
  }

  @Test func aBackupThatIsKilledOrFindsNoRoomLeavesNoHalfCopy() throws {
    try Workspace.with { workspace in
      try workspace.declare("codes", "claims: {per_user: 0}")
      let payload = String(repeating: "x", count: 4000)
      let lines = (0..<1000).map { #"{"payload": "\#($0)\#(payload)"}"# }.joined(separator: "\n")
      #expect(try workspace.larder("put", "codes", input: lines).status == 0)
      func names(_ prefix: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: workspace.path)
          .filter { $0.hasPrefix(prefix) }
      }
      // A file may not grow beyond 1 MiB here.
      let script = "trap '' XFSZ; ulimit -f 1024; exec \(try Workspace.binary()) backup full.db"
      let full = try workspace.start(["/bin/bash", "-c", script])
      #expect(try full.wait() == 1, "\(full.errors)")
      #expect(try names("full.db") == [])

      for round in 0..<10 {
        let child = try workspace.start([try Workspace.binary(), "backup", "copy.db"])
        if round > 0 {
          _ = try? eventually("a part of the copy", within: 0.02 * Double(round)) {
            try !names("copy.db.partial").isEmpty
          }
        }
        child.signal(SIGKILL)
        _ = try child.wait()
        if try names("copy.db").contains("copy.db") {
          #expect(try workspace.larder("verify", "--store", "sqlite:copy.db").status == 0)
          try workspace.delete("copy.db")
        }
      }
      // What the killed ones left is removed by the next one.
      #expect(try workspace.larder("backup", "copy.db").status == 0)
      #expect(try names("copy.db.partial") == [])
      #expect(try workspace.larder("verify", "--store", "sqlite:copy.db").status == 0)
    }
  }

  @Test func backupsUnderLoadAreSound() throws {
    try Workspace.with { workspace in
      try workspace.declare("codes", "claims: {per_user: 0, on_release: restock}")
      let lines = (0..<4000).map { #"{"payload": \#($0), "attributes": {"n": \#($0 % 7)}}"# }
      #expect(
        try workspace.larder("put", "codes", input: lines.joined(separator: "\n")).status == 0)
      let server = try workspace.serve()
      let clients = 6
      let counts = try atOnce(clients + 1) { client -> Int in
        if client == clients {
          for number in 0..<5 {
            guard try workspace.larder("backup", "copy-\(number).db").status == 0 else { return -1 }
          }
          return 0
        }
        let connection = try HTTPConnection(server.http)
        for number in 0..<150 {
          let hold = number % 3 == 0 ? #", "hold": "1m""# : ""
          try connection.send(
            "POST", "/v1/pools/codes/claims", body: Array(#"{"user": "u-\#(client)"\#(hold)}"#.utf8)
          )
          let answer = try connection.receive()
          guard answer.status == 201 else { return -1 }
          guard number % 6 == 0, let claim = answer.json["claim"].string else { continue }
          try connection.send("POST", "/v1/claims/\(claim)/release")
          guard try connection.receive().status == 200 else { return -1 }
        }
        return 150
      }
      #expect(!counts.contains(-1))
      #expect(try workspace.larder("verify").status == 0)
      for number in 0..<5 {
        let verified = try workspace.larder("verify", "--store", "sqlite:copy-\(number).db")
        #expect(verified.status == 0, "\(verified.output)")
      }
    }
  }
}
