import Foundation
import Harness
import Testing

/// The rates that levels tell.
@Suite struct LevelTests {
  private static let rates = ["hit_rate_24h", "waste_rate_24h", "cover_seconds"]

  private func cells(of line: String) -> [String] {
    line.split(separator: /[ ]{2,}/).map(String.init)
  }

  @Test func ratesFollowClaimsMissesAndWaste() throws {
    try Workspace.with { workspace in
      try workspace.declare("codes", "claims: {per_user: 3}\nstock: {max: 10}")
      try workspace.declare("idle", "stock: {max: 10}")
      let server = try workspace.serve()
      for rate in Self.rates { #expect(try server.http.level("codes")[rate] == .null) }
      #expect(try workspace.larder("put", "codes", "--lines", input: "a\nb\nc\nd\n").status == 0)
      let began = Date()
      for (user, status) in [("u-1", 201), ("u-2", 201), ("u-2", 200)] {
        #expect(try server.http.claim("codes", user, key: user).status == status)
      }
      let full = try server.http.level("codes")
      #expect(full["hit_rate_24h"].number == 1 && full["waste_rate_24h"].number == 0)

      // Refused by the user's limit, by the key, by the syntax: no demand.
      #expect(try server.http.claim("codes", "u-1", more: #""count": 3"#).status == 429)
      #expect(try server.http.claim("codes", "u-2", key: "u-2", more: #""count": 2"#).status == 422)
      #expect(try server.http.claim("codes", "u-2", more: #""count": 0"#).status == 400)
      #expect(try server.http.claim("codes", "u-3", more: #""count": 3"#).status == 409)
      // Nothing is written after the miss, and yet it is seen soon.
      try eventually("the miss is seen") {
        try abs((server.http.level("codes")["hit_rate_24h"].number ?? 1) - 2.0 / 3) < 1e-9
      }
      let level = try server.http.level("codes")
      #expect(level["available"] == .int(2))
      // 5 items were asked for in a bin or two, which took 5 to 10 minutes; 2 are left.
      let most = 2 * (600 + Date().timeIntervalSince(began)) / 5
      let cover = try #require(level["cover_seconds"].int)
      #expect(cover >= 2 * 300 / 5 && Double(cover) <= most)

      // What comes expired is waste at once.
      let late = #"{"payload": 1, "expires_at": "2020-01-01T00:00:00Z"}"# + "\n"
      #expect(try workspace.larder("put", "codes", input: late + late).status == 0)
      #expect(try server.http.level("codes")["waste_rate_24h"].number == 0.5)
      for rate in Self.rates { #expect(try server.http.level("idle")[rate] == .null) }

      let before = try server.http.level("codes")
      #expect(try server.stop() == 0)
      let after = try workspace.larder("levels", "codes", "--json").json["levels"][0]
      for rate in Self.rates.dropLast() { #expect(after[rate] == before[rate]) }
    }
  }

  @Test func levelsAreDrawnWithTheirMisses() throws {
    try Workspace.with { workspace in
      try workspace.declare("codes", "claims: {per_user: 0}\nstock: {max: 10}")
      try workspace.declare("seats", "stock: {max: 10}")
      // The pool has been there for longer than the picture tells of.
      let old = Int(Date().timeIntervalSince1970) - 60 * 3600
      let time = ISO8601DateFormatter().string(from: Date(timeIntervalSince1970: Double(old)))
      let history = "start,requests\n\(time.prefix(14))00:00Z,5\n\(time.prefix(14))05:00Z,7\n"
      let taken = try workspace.larder("demand", "import", "codes", "-", input: history)
      #expect(taken.status == 0, "\(taken.errors)")
      #expect(try workspace.larder("put", "codes", "--lines", input: "a\nb\nc\n").status == 0)
      for status: Int32 in [0, 0, 0, 3, 3] {
        #expect(try workspace.larder("claim", "codes", "--user", "u").status == status)
      }
      #expect(try workspace.larder("put", "codes", "--lines", input: "d\ne\n").status == 0)
      #expect(try workspace.larder("put", "seats", "--lines", input: "a\n").status == 0)
      let drawn = try workspace.larder("levels", "--svg", "levels.svg")
      #expect(drawn.status == 0 && drawn.output.contains("codes"), "\(drawn.errors)")
      let all = workspace.read("levels.svg")
      for text in [
        "codes", "seats", "on the shelf 2", "max 10", "got their items: 3", "misses: 2",
        "got their items: 0", "unknown", "hit rate 60.0 % in 24 h, waste 0.0 % in 24 h, lasts ",
      ] { #expect(all.contains(">\(text)"), "\(text)") }
      #expect(try workspace.larder("levels", "codes", "--svg", "one.svg").status == 0)
      let one = workspace.read("one.svg")
      #expect(one.contains(">codes<") && !one.contains(">seats<"))
      let both = try workspace.larder("levels", "--svg", "x.svg", "--watch")
      #expect(both.status == 2 && both.errors.contains("--svg and --watch exclude each other"))
    }
  }

  @Test func anItemThatExpiresIsWasteWithAndWithoutAServer() throws {
    try Workspace.with { workspace in
      try workspace.declare("codes", "claims: {per_user: 0}\nstock: {shelf_life: 1s}")
      #expect(try workspace.larder("put", "codes", "--lines", input: "a\nb\n").status == 0)
      func rate() throws -> Double? {
        try workspace.larder("levels", "--json").json["levels"][0]["waste_rate_24h"].number
      }
      try eventually("waste without a server") { try rate() == 1 }
      let server = try workspace.serve()
      #expect(try rate() == 1)
      #expect(try server.http.level("codes")["expired"] == .int(2))
    }
  }

  @Test func aMissOfACommandIsKept() throws {
    try Workspace.with { workspace in
      try workspace.declare("codes", "claims: {per_user: 0}")
      #expect(try workspace.larder("put", "codes", "--lines", input: "a\n").status == 0)
      #expect(try workspace.larder("claim", "codes", "--user", "u").status == 0)
      #expect(try workspace.larder("claim", "codes", "--user", "u").status == 3)
      let level = try workspace.larder("levels", "--json").json["levels"][0]
      #expect(level["hit_rate_24h"].number == 0.5 && level["cover_seconds"] == .int(0))
    }
  }

  @Test func theTableAndTheCSVShowTheRates() throws {
    try Workspace.with { workspace in
      try workspace.producer("make", Scripts.counting)
      try workspace.declare(
        "codes",
        """
        producer: {command: [./make]}
        stock: {target: 3}
        schedules: [{cron: "0 0 1 1 *"}]
        claims: {per_user: 0}
        """)
      try workspace.declare("idle", "stock: {max: 10}")
      #expect(try workspace.larder("prefill", "codes").status == 0)
      for status in [0, 0, 0, 3] as [Int32] {
        #expect(try workspace.larder("claim", "codes", "--user", "u").status == status)
      }
      #expect(try workspace.larder("put", "idle", "--lines", input: "a\n").status == 0)
      let lines = try workspace.larder("levels").output.split(separator: "\n").map(String.init)
      #expect(lines.count == 3)
      let titles = [
        "POOL", "AVAILABLE", "TARGET", "REORDER AT", "IN FLIGHT", "CLAIMED", "EXPIRED", "HIT RATE",
        "WASTE", "COVER", "LAST RUN", "NEXT RUN", "WHY",
      ]
      #expect(cells(of: lines[0]) == titles)
      let row = cells(of: lines[1])
      #expect(row.prefix(10) == ["codes", "0", "3", "0", "0", "3", "0", "75.0%", "0.0%", "0s"])
      #expect(row[10].wholeMatch(of: /succeeded \d+s ago/) != nil, "\(row[10])")
      #expect(row[11].wholeMatch(of: /in \d+d(\d+h)?/) != nil, "\(row[11])")
      let idle = cells(of: lines[2])
      #expect(idle.prefix(12) == ["idle", "1", "-", "0", "0", "0", "0", "-", "-", "-", "-", "-"])
      // All but the reasons fit a usual terminal.
      #expect(lines[0].components(separatedBy: "WHY")[0].count <= 140)

      let csv = try workspace.larder("levels", "codes", "--csv").output.split(separator: "\n")
      let names = csv[0].split(separator: ",").map(String.init)
      let values = csv[1].split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      let csvRow = Dictionary(zip(names, values)) { first, _ in first }
      #expect(csvRow["hit_rate_24h"] == "0.75" && csvRow["waste_rate_24h"] == "0.0")
      #expect(csvRow["cover_seconds"] == "0" && csvRow["paused"] == "false")
    }
  }
}
