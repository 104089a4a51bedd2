import Foundation
import Harness
import Testing

/// How a command reaches the store.
enum Way: String, CaseIterable, Sendable {
  case alone, besideAServer, namedByURL, namedBySocket
}

@Suite struct CommandTests {
  private static let claimMembers: Set = [
    "claim", "pool", "user", "state", "claimed_at", "hold_expires_at", "items",
  ]
  private static let itemMembers: Set = [
    "id", "key", "payload", "attributes", "produced_at", "expires_at",
  ]
  private static let levelMembers: Set = [
    "pool", "available", "held", "claimed", "expired", "recalled", "quarantined", "replaced",
    "produced", "in_flight", "pending", "target", "reorder_at", "max", "oldest_expiry_at",
    "next_run_at", "last_run", "hit_rate_24h", "waste_rate_24h", "waste_24h", "cover_seconds",
    "paused", "retired", "reasons", "warnings",
  ]
  private static let runMembers: Set = [
    "run", "pool", "schedule", "nominal_at", "reason", "state", "asked", "stored", "started_at",
    "ended_at", "why",
  ]

  @Test(arguments: Way.allCases)
  func everyCommandDoesItsWork(_ way: Way) throws {
    try Workspace.with { workspace in
      try workspace.producer("make", "echo noted >&2\n" + Scripts.counting)
      try workspace.declare("codes", "claims: {per_user: 2}")
      try workspace.declare("made", "producer: {command: [./make]}\nstock: {target: 3}")
      let server = way == .alone ? nil : try workspace.serve()
      let named =
        switch way {
        case .alone, .besideAServer: [String]()
        case .namedByURL: ["--server", server?.url ?? "", "--store", "sqlite:/nowhere/x.db"]
        case .namedBySocket: ["--server=unix:\(workspace.store).sock"]
        }
      func larder(_ words: String..., input: String = "") throws -> Finished {
        try workspace.larder(words + named, input: input)
      }

      let put = try larder("put", "codes", input: #"{"payload": "a", "key": "k-1"}"# + "\n\n")
      #expect(put.status == 0 && put.output == "stored 1, duplicates 0, overfill 0\n")
      let again = try larder(
        "put", "codes", "--json",
        input: "{\"payload\": 1, \"key\": \"k-1\"}\n{\"payload\": {\"b\":2}}")
      #expect(
        again.json
          == .object(["stored": .int(1), "duplicates": .int(1), "overfill": .int(0)]))

      let claim = try larder("claim", "codes", "--user", "ü/1", "--key", #"a "\b"#, "--json")
      #expect(claim.status == 0)
      #expect(claim.json.names == Self.claimMembers)
      #expect(claim.json["items"][0].names == Self.itemMembers)
      #expect(claim.json["items"][0]["attributes"] == .object([:]))
      let plain = try larder("claim", "codes", "--user", "ü/1", "--key", #"a "\b"#)
      #expect(plain.status == 0 && plain.output == "\"a\"\n" && plain.errors == "")
      let header = try larder("claim", "codes", "--user", "x", "--key", "k\r\nX-Other: 1")
      #expect(header.status == 2 && header.errors.contains("control characters"))

      let claims = try larder("claims", "--user", "ü/1", "--pool", "codes", "--json")
      #expect(claims.json["claims"] == .array([claim.json]))
      #expect(claims.json.names == ["claims", "cursor"])
      #expect(try larder("claims", "--user", "nobody", "--json").json["claims"] == .array([]))
      let table = try larder("claims")
      #expect(table.output.contains(claim.json["claim"].string ?? "-"))

      let run = try larder("prefill", "made", "--json")
      #expect(run.status == 0)
      #expect(run.json.names == Self.runMembers.union(["slices", "log"]))
      #expect(run.json["state"] == .string("succeeded") && run.json["stored"] == .int(3))
      let id = run.json["run"].string ?? ""
      let shown = try larder("run", id)
      #expect(shown.output.contains("state: succeeded") && shown.output.contains("noted"))
      #expect(try larder("run", id, "--json").json == run.json)
      let runs = try larder("runs", "made", "--json")
      #expect(runs.json["runs"].elements.map { $0["run"] } == [.string(id)])
      #expect(try larder("runs").output.contains(id))

      let levels = try larder("levels", "--json")
      #expect(levels.json.names == ["at", "levels"])
      let byName = Dictionary(
        uniqueKeysWithValues: levels.json["levels"].elements.map { ($0["pool"].string ?? "", $0) })
      #expect(byName.values.allSatisfy { $0.names == Self.levelMembers })
      #expect(byName["made"]?["available"] == .int(3))
      #expect(byName["codes"]?["claimed"] == .int(1))
      #expect(byName["made"]?["last_run"]["run"] == .string(id))
      let csv = try larder("levels", "codes", "--csv").output.split(separator: "\n")
      #expect(csv.count == 2 && csv[1].hasPrefix("codes,1,0,1,"))
    }
  }

  @Test func exitCodesSayHowItWent() throws {
    try Workspace.with { workspace in
      try workspace.declare("codes", "claims: {per_user: 1}")
      let server = try workspace.serve()
      try workspace.larder("put", "codes", input: #"{"payload": 1}"#)
      for way in [["--server", server.url], []] {
        if way.isEmpty { #expect(try server.stop() == 0) }
        func status(_ words: String...) throws -> Int32 {
          let finished = try workspace.larder(words + way)
          // What is no data goes to standard error.
          #expect(finished.status == 0 || finished.output.isEmpty, "\(words)")
          #expect(finished.status == 0 || !finished.errors.isEmpty, "\(words)")
          return finished.status
        }
        #expect(try status("claim", "codes", "--user", "u-1") == 0)
        #expect(try status("claim", "codes", "--user", "u-2") == 3)
        #expect(try status("claim", "codes", "--user", "u-1", "--count", "2") == 1)
        #expect(try status("claim", "codes", "--user", "u-3", "--hold", "1m") == 3)
        #expect(try status("claim", "codes", "--user", "u-3", "--match", "a=b") == 3)
        for command in ["confirm", "release", "cancel"] {
          #expect(try status(command, "nothing") == 1)
        }
        #expect(try status("recall", "nothing", "--run", "r") == 1)
        #expect(try status("claim", "nothing", "--user", "u-1") == 1)
        #expect(try status("levels", "nothing") == 1)
        #expect(try status("runs", "nothing") == 1)
        #expect(try status("run", "nothing") == 1)
        #expect(try status("put", "nothing") == 1)
        #expect(try status("prefill", "nothing") == 1)
        #expect(try status("prefill", "codes") == 1)
        #expect(try status("pause", "nothing") == 1)
        #expect(try status("resume", "nothing") == 1)
        #expect(try status("breaker", "reset", "nothing") == 1)
        for words in [
          ["claim", "codes"], ["claim", "--user", "u-1"],
          ["claim", "codes", "more", "--user", "u"],
          ["claim", "codes", "--user", "u-1", "--count", "0"],
          ["claim", "codes", "--user", "u-1", "--count", "many"],
          ["claim", "codes", "--user", "u-1", "--user", "u-2"],
          ["claim", "codes", "--user", "u-1", "--match", "zone"],
          ["claim", "codes", "--user"], ["levels", "--json", "--csv"], ["levels", "--colour"],
          ["levels", "--json=yes"], ["runs", "-n", "0"], ["run"], ["backup"], ["put"],
          ["prefill", "codes", "--count", "0"], ["claims", "more"], ["nothing"], ["pause"],
          ["resume", "codes", "more"], ["breaker"], ["breaker", "codes"], ["breaker", "reset"],
        ] {
          let finished = try workspace.larder(words + way)
          #expect(finished.status == 2, "\(words): \(finished.errors)")
          #expect(finished.output.isEmpty && !finished.errors.isEmpty, "\(words)")
        }
      }
      let miss = try workspace.larder("claim", "codes", "--user", "u-2", "--json")
      #expect(miss.status == 3)
      #expect(miss.json["type"] == .string("urn:larder:out-of-stock"))
      for words in [
        ["levels", "--server", "http://127.0.0.1:1"], ["levels", "--server", "unix:x"],
      ] {
        #expect(try workspace.larder(words).status == 1)
      }
      for words in [["levels", "--server", "ftp://x"], ["levels", "--store", "larder.db"]] {
        #expect(try workspace.larder(words).status == 2)
      }
    }
  }

  @Test func helpIsDataAndNoArgumentsAreBadUsage() throws {
    try Workspace.with { workspace in
      let help = try workspace.larder("--help")
      #expect(help.status == 0 && help.errors == "")
      for command in [
        "serve", "check", "next", "prefill", "put", "claim", "claims", "levels", "runs", "run",
        "pause", "resume", "breaker reset", "backup",
      ] {
        #expect(help.output.contains("  \(command)"))
        let one = try workspace.larder(command.split(separator: " ").map(String.init) + ["--help"])
        #expect(one.status == 0 && one.output.hasPrefix("Usage: larder \(command)"))
      }
      for words in [["breaker", "--help"], ["help", "breaker", "reset"], ["help", "breaker"]] {
        let family = try workspace.larder(words)
        #expect(family.status == 0 && family.output.hasPrefix("Usage: larder breaker reset POOL"))
      }
      let nothing = try workspace.larder()
      #expect(nothing.status == 2 && nothing.output == "" && nothing.errors.contains("Usage"))
      #expect(try workspace.larder("--version").output.hasPrefix("larder "))
    }
  }

  @Test(arguments: [true, false])
  func putTakesAnyNumberOfLines(_ serving: Bool) throws {
    try Workspace.with { workspace in
      try workspace.declare("codes", "stock: {max: 4600}")
      if serving { _ = try workspace.serve() }
      let items = (0..<4500).map { "{\"payload\": \($0), \"key\": \"k-\($0)\"}\n" }.joined()
      #expect(
        try workspace.larder("put", "codes", input: items).output
          == "stored 4500, duplicates 0, overfill 0\n")
      #expect(
        try workspace.larder("put", "codes", input: items).output
          == "stored 0, duplicates 4500, overfill 0\n")

      let broken = try workspace.larder(
        "put", "codes", input: "{\"payload\": 1}\n{\"payload\": 2\n")
      #expect(broken.status == 1 && broken.output == "")
      #expect(broken.errors.contains("line 2 is broken"))

      let full = try workspace.larder(
        "put", "codes", "--lines", input: (0..<150).map { "line \($0) \"ü\"\n" }.joined())
      #expect(full.status == 1)
      #expect(full.output == "stored 100, duplicates 0, overfill 50\n")
      #expect(full.errors.contains("50 items found no room"))
      let level = try workspace.larder("levels", "--json").json["levels"][0]
      #expect(level["available"] == .int(4600))
    }
  }

  @Test func linesBecomePayloadsAsTheyStand() throws {
    try Workspace.with { workspace in
      try workspace.declare("codes", "claims: {per_user: 0, order: fifo}")
      try workspace.larder("put", "codes", "--lines", input: "A-1 \"x\"\n{\"b\": 1}\nlast")
      let payloads = try (0..<3).map { _ in
        try workspace.larder("claim", "codes", "--user", "u-1").output
      }
      #expect(payloads == [#""A-1 \"x\"""# + "\n", #""{\"b\": 1}""# + "\n", #""last""# + "\n"])
      // Each of these bytes takes six as JSON.
      let long = try workspace.larder(
        "put", "codes", "--lines", input: "x\n" + String(repeating: "\u{1}", count: 200_000))
      #expect(long.status == 1 && long.errors.contains("line 2 is broken: as JSON longer than"))
    }
  }

  @Test(arguments: [SIGINT, SIGTERM])
  func anInterruptedPrefillEndsWhatItStartedAndGoesOnLater(_ signal: Int32) throws {
    try Workspace.with { workspace in
      try workspace.producer(
        "make",
        """
        W=\(workspace.path)
        [ -e $W/free ] || { sleep 1000 & echo $! >$W/child; echo $$ >$W/pid; wait; }
        \(Scripts.counting)
        """)
      try workspace.declare("codes", "producer: {command: [./make]}\nstock: {target: 3}")
      let prefill = try workspace.start([try Workspace.binary(), "prefill", "codes"])
      func pid(_ name: String) -> Int32? { workspace.lines(name).first.flatMap { Int32($0) } }
      let pids = try eventually("the producer works") {
        pid("pid").flatMap { producer in pid("child").map { [producer, $0] } }
      }
      kill(prefill.pid, signal)
      #expect(try prefill.wait(within: 60) == 1)
      #expect(!pids.contains { isAlive($0) })
      #expect(prefill.errors.contains("interrupted"))
      try workspace.write("free", "")
      #expect(try workspace.larder("prefill", "codes").status == 0)
      let runs = try workspace.larder("runs", "codes", "--json").json["runs"].elements
      #expect(runs.last?["state"] == .string("succeeded"))
      #expect(runs.last?["slices"][0]["attempts"] == .int(1))
    }
  }

  @Test func aProgramThatIsNotThereFailsTheRunAtOnce() throws {
    try Workspace.with { workspace in
      try workspace.declare("codes", "producer: {command: [./nowhere]}\nstock: {target: 3}")
      let prefill = try workspace.larder("prefill", "codes", "--json")
      #expect(prefill.status == 1)
      #expect(prefill.json["state"] == .string("failed"))
      #expect(prefill.json["why"].string?.contains("nowhere") == true)
    }
  }

  @Test func linesThatArePutAreReadAsThoseOfAProducer() throws {
    try Workspace.with { workspace in
      try workspace.declare("codes", "stock: {max: 10}\nclaims: {per_user: 0}")
      let put = try workspace.larder("put", "codes", "--lines", input: "a\n\n \nb\r\nc")
      #expect(put.status == 0 && put.output.hasPrefix("stored 4,"), "\(put.output)")
      let claim = try workspace.larder("claim", "codes", "--user", "u", "--count", "4")
      #expect(claim.output == "\"a\"\n\" \"\n\"b\"\n\"c\"\n")
      for words in [
        ["confirm", ""], ["levels", ""], ["claim", "", "--user", "u"], ["claims", "--user", ""],
      ] {
        let refused = try workspace.larder(words)
        #expect(refused.status == 2 && refused.errors.contains("is empty"), "\(refused.errors)")
      }
      for bad in [["--min-remaining", "5x"], ["--hold", "soon"]] {
        #expect(try workspace.larder(["claim", "codes", "--user", "u"] + bad).status == 2)
      }
      #expect(try workspace.larder("claim", "codes", "--user", "").status == 2)
    }
  }

  @Test func outputThatCannotBeWrittenIsAFailure() throws {
    try Workspace.with { workspace in
      try workspace.declare("codes", "stock: {max: 10}")
      #expect(try workspace.larder("put", "codes", input: "{\"payload\":1}\n").status == 0)
      let script = "exec \"$0\" claim codes --user u >/dev/full"
      let claim = try workspace.start(["/bin/sh", "-c", script, try Workspace.binary()])
      #expect(try claim.wait(within: 60) == 1)
      #expect(claim.errors.contains("standard output can't be written"))
      // The claim took place, and asking again gives it.
      #expect(try workspace.larder("claim", "codes", "--user", "u").output == "1\n")
    }
  }

  @Test func whatUsersSayCannotSteerATerminal() throws {
    try Workspace.with { workspace in
      try workspace.declare("codes", "stock: {max: 10}")
      #expect(try workspace.larder("put", "codes", input: "{\"payload\":1}\n").status == 0)
      let user = "a\nb\u{1B}[31m"
      #expect(try workspace.larder("claim", "codes", "--user", user).status == 0)
      let claims = try workspace.larder("claims").output
      #expect(claims.contains("a\\u{a}b\\u{1b}[31m") && !claims.contains("\u{1B}"))
      #expect(claims.split(separator: "\n").count == 2)
    }
  }

  @Test func prefillWithoutAServerTakesInThePoolsFile() throws {
    try Workspace.with { workspace in
      try workspace.producer("make", Scripts.counting)
      try workspace.producer("few", #"printf '{"payload": 1}\n'"#)
      try workspace.declare("codes", "producer: {command: [./make]}\nstock: {target: 3}")
      try workspace.declare("other", "colour: red")
      let first = try workspace.larder("prefill", "codes")
      #expect(first.status == 0 && first.output.contains("succeeded: 3 of 3 items stored"))
      let nothing = try workspace.larder("prefill", "codes")
      #expect(nothing.status == 0 && nothing.output.contains("skipped"))

      try workspace.declare("codes", "producer: {command: [./few]}\nstock: {target: 9}")
      let short = try workspace.larder("prefill", "codes")
      #expect(short.status == 0 && short.output.contains("short: 1 of 6 items stored"))

      try workspace.declare(
        "codes", "producer: {command: [\"false\"], retry: {attempts: 1}}\nstock: {target: 9}")
      let failed = try workspace.larder("prefill", "codes")
      #expect(failed.status == 1 && failed.output.contains("failed"))

      try workspace.declare(
        "codes", "suspend: true\nproducer: {command: [./make]}\nstock: {target: 9}")
      let suspended = try workspace.larder("prefill", "codes")
      #expect(suspended.status == 1 && suspended.output == "")
      #expect(suspended.errors.contains("suspended"))

      // From anywhere: the definition in force is kept in the store.
      try workspace.declare("codes", "producer: {command: [./make]}\nstock: {target: 9}")
      #expect(try workspace.larder("prefill", "codes", "--count", "1").status == 0)
      let elsewhere = try workspace.larder(
        "prefill", "codes", "--count", "2", "--schedules", "/nowhere")
      #expect(elsewhere.status == 0 && elsewhere.output.contains("2 of 2"))
      #expect(try workspace.larder("prefill", "other").status == 1)
    }
  }
}
