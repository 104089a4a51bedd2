import Foundation
import Harness
import Testing

@Suite struct StoreCommandTests {
  @Test func aBackupIsTakenWhileServingAndOpensAsAStore() throws {
    try Workspace.with { workspace in
      try workspace.declare("codes", "claims: {per_user: 0}")
      let server = try workspace.serve()
      try workspace.larder("put", "codes", input: "{\"payload\": 1}\n{\"payload\": 2}\n")
      let claim = try server.http.claim("codes", "u-1", key: "k")
      let backup = try workspace.larder("backup", "copy.db")
      #expect(backup.status == 0 && backup.output == "")
      #expect(try workspace.mode("copy.db") == 0o600)
      #expect(try server.http.claim("codes", "u-1").status == 201)

      let copy = ["--store", "sqlite:copy.db"]
      let levels = try workspace.larder(["levels", "--json"] + copy)
      #expect(levels.json["levels"][0]["available"] == .int(1))
      let again = try workspace.larder(
        ["claim", "codes", "--user", "u-1", "--key", "k", "--json"] + copy)
      #expect(again.output == claim.text + "\n")

      let second = try workspace.larder("backup", "copy.db")
      #expect(second.status == 1 && second.errors.contains("exists already"))
      #expect(try workspace.larder("backup", "no/such/folder.db").status == 1)
      #expect(
        try workspace.larder("backup", "other.db", "--json").json["backup"] == .string("other.db"))
    }
  }

  @Test func aMissingStoreIsNamed() throws {
    try Workspace.with { workspace in
      try workspace.declare("codes", "description: none")
      for words in [
        ["claim", "codes", "--user", "u-1"], ["claims"], ["levels"], ["runs"], ["run", "x"],
        ["backup", "copy.db"],
      ] {
        let finished = try workspace.larder(words)
        #expect(finished.status == 1 && finished.output == "", "\(words)")
        #expect(finished.errors.contains("there is no store at"), "\(words): \(finished.errors)")
        #expect(!FileManager.default.fileExists(atPath: workspace.store), "\(words)")
      }
      let folder = try workspace.larder("put", "codes", "--store", "sqlite:/nowhere/larder.db")
      #expect(folder.status == 1 && folder.errors.contains("/nowhere"))
    }
  }

  @Test func aStoreThatCannotBeReadIsLeftAlone() throws {
    try Workspace.with { workspace in
      try workspace.declare("codes", "description: none")
      #expect(try workspace.larder("put", "codes", input: #"{"payload": 1}"#).status == 0)
      // The copy is all in one file, without a write-ahead log beside it.
      #expect(try workspace.larder("backup", "copy.db").status == 0)
      let good = try Data(contentsOf: URL(fileURLWithPath: workspace.path + "/copy.db"))
      // The header of an SQLite database: its user version is at 60, the application's id at 68.
      var newer = good
      newer.replaceSubrange(60..<64, with: [0, 0, 0, 99])
      var foreign = good
      foreign.replaceSubrange(68..<72, with: [1, 2, 3, 4])
      let garbage = Data(repeating: 0x78, count: 20_000)
      for (bytes, message, ways) in [
        (newer, "version 99", ["install the newer Larder", "larder restore FILE", "--store"]),
        (foreign, "another program", ["--store", "larder restore FILE"]),
        (garbage, "can't be used as a store", ["larder verify", "larder restore FILE", "--store"]),
      ] {
        let name = "\(message.prefix(3)).db"
        let file = URL(fileURLWithPath: "\(workspace.path)/\(name)")
        try bytes.write(to: file)
        for words in [
          ["serve", "--listen", "127.0.0.1:0"], ["claim", "codes", "--user", "u-1"], ["levels"],
          ["put", "codes"], ["backup", "second.db"],
        ] {
          let finished = try workspace.larder(
            words + ["--store", "sqlite:\(name)"], input: #"{"payload": 1}"#)
          #expect(finished.status == 1 && finished.output == "", "\(words)")
          #expect(finished.errors.contains(message), "\(words): \(finished.errors)")
          for way in ways { #expect(finished.errors.contains(way), "\(words): \(finished.errors)") }
        }
        let verified = try workspace.larder("verify", "--store", "sqlite:\(name)", "--json")
        #expect(verified.status == 1 && verified.json["sound"] == .bool(false))
        #expect(verified.json["violations"][0]["way_out"].string?.isEmpty == false)
        let refused = try workspace.larder("restore", name, "--store", "sqlite:copy.db")
        #expect(refused.status == 1 && refused.errors.contains("the store was left as it was"))
        #expect(try Data(contentsOf: file) == bytes)
      }
      let claim = ["claim", "codes", "--user", "u-1", "--store", "sqlite:copy.db"]
      #expect(try workspace.larder(claim).status == 0)
    }
  }

  @Test func theEnvironmentStandsForFlagsAndFlagsWin() throws {
    try Workspace.with { workspace in
      try FileManager.default.moveItem(
        atPath: workspace.schedules, toPath: workspace.path + "/files")
      try workspace.write("files/codes.yaml", "pool: codes\n")
      let environment = ["LARDER_STORE": "sqlite:env.db", "LARDER_SCHEDULES": "files"]
      func larder(_ words: String...) throws -> Finished {
        try workspace.larder(words, input: #"{"payload": 1}"#, environment: environment)
      }
      #expect(try larder("put", "codes").status == 0)
      #expect(FileManager.default.fileExists(atPath: workspace.path + "/env.db"))
      #expect(try larder("levels", "--json").json["levels"][0]["available"] == .int(1))
      #expect(try larder("check").output.contains("codes"))
      #expect(try larder("put", "codes", "--store", "sqlite:flag.db").status == 0)
      #expect(try larder("put", "codes", "--store", "sqlite:flag.db").status == 0)
      #expect(try larder("levels", "--json").json["levels"][0]["available"] == .int(1))
      #expect(
        try larder("levels", "--json", "--store=sqlite:flag.db").json["levels"][0]["available"]
          == .int(2))
      #expect(try larder("check", "--schedules", "/nowhere").status == 1)

      let refused = try workspace.larder(
        ["serve"], environment: environment.merging(["LARDER_LISTEN": "nonsense"]) { $1 })
      #expect(refused.status == 2)
      let server = try workspace.serve(
        environment: environment.merging(["LARDER_LISTEN": "nonsense"]) { $1 })
      #expect(try server.http.level("codes")["available"] == .int(1))
      let byServer = try workspace.larder(
        "levels", "--json", environment: ["LARDER_SERVER": server.url])
      #expect(byServer.json["levels"][0]["available"] == .int(1))
    }
  }
}
