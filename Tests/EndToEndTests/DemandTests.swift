import Foundation
import Harness
import Testing

/// `larder demand`, `larder demand import`, and the calls for them.
@Suite struct DemandTests {
  /// A file of demand whose first row is so many bins after the present one.
  private func rows(_ requests: [String], from first: Int) -> String {
    let present = Int(Date().timeIntervalSince1970) / 300
    let rows = requests.enumerated().map { offset, count in
      let start = Date(timeIntervalSince1970: Double((present + first + offset) * 300))
      return "\(ISO8601DateFormatter().string(from: start)),\(count)\n"
    }
    return "start,requests\n" + rows.joined()
  }

  @Test func aNewPoolBeginsWithHistory() throws {
    try Workspace.with { workspace in
      try workspace.declare("codes", "claims: {per_user: 0}")
      let history = rows(["3", "0", "", "4"], from: -6)
      try workspace.write("history.csv", history)
      let taken = try workspace.larder("demand", "import", "codes", "history.csv")
      #expect(taken.status == 0, "\(taken.errors)")
      #expect(
        taken.output
          == "7 requests of 3 times 5 minutes were taken in, 0 times stayed as they were\n")
      let again = try workspace.larder("demand", "import", "codes", "history.csv", "--json")
      #expect(again.json.names == ["bins", "requests", "kept"])
      #expect(again.json["kept"] == .int(2) && again.json["bins"] == .int(1))

      #expect(try workspace.larder("put", "codes", input: #"{"payload":1}"#).status == 0)
      #expect(try workspace.larder("claim", "codes", "--user", "u").status == 0)
      #expect(try workspace.larder("claim", "codes", "--user", "u").status == 3)

      let json = try workspace.larder("demand", "codes", "--json").json
      #expect(json.names == ["pool", "bins", "gaps", "excluded", "cursor"])
      let bins = json["bins"].elements
      #expect(
        bins[0].names == ["start", "requests", "hits", "misses", "claimed", "missed", "wasted"])
      #expect(bins.compactMap { $0["requests"].int }.reduce(0, +) == 9)
      #expect(bins.compactMap { $0["misses"].int }.reduce(0, +) == 1)
      #expect(json["gaps"].elements.count == 2)

      // A bin may have ended since, but what was imported comes first as it was.
      let csv = try workspace.larder("demand", "codes", "--csv").output
      #expect(csv.hasPrefix(history))
      let table = try workspace.larder("demand", "codes").output
      #expect(table.hasPrefix("DAY         REQUESTS  HIT RATE  MISSES  WASTED\n"))
      let second = history.split(separator: "\n")[2]
      let later = try workspace.larder(
        "demand", "codes", "--csv", "--from", String(second.prefix { $0 != "," })
      ).output
      #expect(later.hasPrefix("start,requests\n" + history.components(separatedBy: ",3\n")[1]))
    }
  }

  @Test func aLongFileIsTakenInInPieces() throws {
    try Workspace.with { workspace in
      try workspace.declare("codes", "")
      let history = rows((0..<2001).map { "\($0 % 7)" }, from: -2001)
      let server = try workspace.serve()
      let taken = try workspace.larder(
        "demand", "import", "codes", "-", "--json", input: history)
      #expect(taken.json["bins"] == .int(2001), "\(taken.errors)")
      let csv = try workspace.larder("demand", "codes", "--csv").output
      #expect(csv.hasPrefix(history))
      #expect(try workspace.larder("demand", "codes", "--json").json["gaps"] == .array([]))

      // The same over HTTP, in pages.
      let page = try server.http.send("GET", "/v1/pools/codes/demand?limit=1000")
      #expect(page.status == 200 && page.json["bins"].elements.count == 1000)
      let cursor = try #require(page.json["cursor"].string)
      let rest = try server.http.send("GET", "/v1/pools/codes/demand?limit=2&cursor=\(cursor)")
      #expect(rest.json["bins"].elements.map { $0["requests"].int } == [1000 % 7, 1001 % 7])
    }
  }

  /// Runs a script of SQL over the store of a server that is down.
  private func change(_ workspace: Workspace, _ sql: String) throws {
    let python = """
      import sqlite3
      store = sqlite3.connect('larder.db')
      store.executescript("\(sql)")
      """
    let child = try workspace.start(["/usr/bin/env", "python3", "-c", python])
    #expect(try child.wait() == 0, "\(child.errors)")
  }

  @Test func timeWithoutAServerIsUnknown() throws {
    try Workspace.with { workspace in
      try workspace.declare("codes", "claims: {per_user: 0}")
      let server = try workspace.serve()
      let answer = try server.http.post("/v1/pools/codes/claims", #"{"user":"u"}"#)
      #expect(answer.status == 409, "\(answer.text)")
      try eventually("the miss is written") {
        try server.http.get("/v1/pools/codes/demand").json["bins"].elements.count == 1
      }
      try server.kill()
      // As if that had been 2 hours ago.
      let hours = 2 * 3_600_000
      try change(
        workspace,
        "UPDATE demand SET bin = bin - \(hours); UPDATE misses SET bin = bin - \(hours);"
          + "UPDATE service SET start = start - \(hours), seen = seen - \(hours);")
      func gaps() throws -> [JSON] {
        try workspace.larder("demand", "codes", "--json").json["gaps"].elements
      }
      let down = try #require(try gaps().first)
      let now = Date().timeIntervalSince1970
      #expect(abs(try #require(down["from"].time) - (now - 7200)) < 600)
      #expect(abs(try #require(down["to"].time) - now) < 60)
      // Back, and 5 minutes later known again, but for the bin in which it came back.
      let again = try workspace.serve()
      let back = try #require(try gaps().first)
      #expect(back["from"] == down["from"])
      let csv = try workspace.larder("demand", "codes", "--csv").output
      #expect(csv.split(separator: "\n").count == 2, "\(csv)")
      let past = try again.http.get("/v1/pools/codes/plan").json["past"].elements
      #expect(past.last?["requests"] == .null)
      try again.kill()
      try change(
        workspace, "UPDATE service SET start = start - \(hours), seen = seen - \(hours);")
      #expect(try gaps().count == 1)
    }
  }

  @Test func callsThatAreWrongKeepNothing() throws {
    try Workspace.with { workspace in
      try workspace.declare("codes", "")
      let server = try workspace.serve()
      for (body, status, detail) in [
        ("start,requests\nnoon,3\n", 400, "line 2: `noon` is no time"),
        ("start,requests\n", 400, "a row or more"),
        (rows(["1", "1", "1", "1"], from: -1), 400, "which is to come"),
        (rows(Array(repeating: "1", count: 1001), from: -2000), 413, "in several requests"),
      ] {
        let answer = try server.http.send(
          "POST", "/v1/pools/codes/demand", headers: [("Content-Type", "text/csv")],
          body: Array(body.utf8))
        #expect(answer.status == status, "\(answer.text)")
        #expect(answer.json["detail"].string?.contains(detail) ?? false, "\(answer.text)")
      }
      for (path, status) in [
        ("/v1/pools/none/demand", 404), ("/v1/pools/codes/demand?from=noon", 400),
        ("/v1/pools/codes/demand?step=1h", 400), ("/v1/pools/codes/demand?limit=0", 400),
      ] {
        #expect(try server.http.send("GET", path).status == status, "\(path)")
      }
      let one = try server.http.send(
        "POST", "/v1/pools/codes/demand", headers: [("Content-Type", "text/csv")],
        body: Array(rows(["5"], from: -3).utf8))
      #expect(one.status == 200 && one.json["requests"] == .int(5), "\(one.text)")
      let bins = try server.http.send("GET", "/v1/pools/codes/demand").json["bins"].elements
      #expect(bins.count == 1)
    }
  }

  @Test func accessLogsAreCounted() throws {
    try Workspace.with { workspace in
      try workspace.declare("codes", "")
      let common = """
        10.0.0.1 - - [01/Jun/2026:02:00:00 +0200] "POST /claims HTTP/1.1" 201 12
        10.0.0.1 - - [01/Jun/2026:02:04:00 +0200] "POST /claims HTTP/1.1" 201 12
        10.0.0.1 - - [01/Jun/2026:02:11:00 +0200] "POST /claims HTTP/1.1" 201 12

        """
      try workspace.write("access.log", common)
      #expect(try workspace.larder("demand", "import", "codes", "access.log").status == 0)
      let json = #"{"when": "2026-06-01T00:17:00Z"}"# + "\n"
      let taken = try workspace.larder(
        "demand", "import", "codes", "-", "--time", "when", input: json)
      #expect(taken.status == 0, "\(taken.errors)")
      let csv = try workspace.larder(
        "demand", "codes", "--csv", "--to", "2026-06-01T00:20:00Z")
      #expect(
        csv.output == """
          start,requests
          2026-06-01T00:00:00Z,2
          2026-06-01T00:05:00Z,0
          2026-06-01T00:10:00Z,1
          2026-06-01T00:15:00Z,1

          """)
      let broken = try workspace.larder("demand", "import", "codes", "-", input: json)
      #expect(broken.status == 1)
      #expect(broken.errors.contains("-:1: the object has no time in time, timestamp"))
    }
  }

  @Test func whatIsWrongIsSaid() throws {
    try Workspace.with { workspace in
      try workspace.declare("codes", "")
      try workspace.write("future.csv", rows(["1", "1", "1", "1"], from: -1))
      try workspace.write("bad.csv", "when,what\n")
      for (words, status, message) in [
        (["demand"], Int32(2), "POOL is missing"), (["demand", "import"], 2, "POOL is missing"),
        (["demand", "import", "codes"], 2, "FILE is missing"),
        (["demand", "import", "codes", "bad.csv"], 1, "bad.csv:1: the first line has to be"),
        (["demand", "import", "codes", "none.csv"], 1, "No such file"),
        (["demand", "import", "codes", "future.csv"], 1, "the right zone"),
        (["demand", "codes", "--csv", "--json"], 2, "exclude each other"),
        (["demand", "codes", "--from", "noon"], 2, "must be a time"),
      ] {
        let finished = try workspace.larder(words)
        #expect(finished.status == status && finished.output == "", "\(words)")
        #expect(finished.errors.contains(message), "\(finished.errors)")
      }
      try workspace.write("good.csv", rows(["1", "1"], from: -9))
      let unknown = try workspace.larder("demand", "import", "none", "good.csv")
      #expect(unknown.status == 1 && unknown.errors.contains("there is no pool none"))
      #expect(try workspace.larder("demand", "none").status == 1)
    }
  }
}
