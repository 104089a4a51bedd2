import Foundation
import Harness
import Testing

/// The schedules that ship with the project, with their own producers.
@Suite struct ExampleTests {
  private static let folder = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Schedules").path

  /// Copies an example, with changes to its schedule file.
  private func copy(
    _ pool: String, to workspace: Workspace, _ changes: [(from: String, to: String)] = []
  ) throws {
    for name in ["producers", "data", "supplier"] {
      try FileManager.default.copyItem(
        atPath: "\(Self.folder)/\(name)", toPath: "\(workspace.schedules)/\(name)")
    }
    try workspace.takeFromOthers("Schedules")
    var text = try String(contentsOfFile: "\(Self.folder)/\(pool).yaml", encoding: .utf8)
    for change in changes {
      #expect(text.contains(change.from), "\(pool).yaml has no \(change.from)")
      text = text.replacingOccurrences(of: change.from, with: change.to)
    }
    try workspace.write("Schedules/\(pool).yaml", text)
  }

  /// The time that a run took for each item, in seconds.
  private func secondsPerItem(_ run: JSON) throws -> Double {
    let start = try #require(run["started_at"].time)
    let end = try #require(run["ended_at"].time)
    return (end - start) / Double(try #require(run["stored"].int))
  }

  /// The shortest time of a claim for one of the users, in seconds, and the last one's answer. The
  /// others tell how busy the machine is.
  private func claim(
    _ pool: String, _ users: [String], _ server: ServerProcess, key: String? = nil
  ) throws -> (seconds: Double, last: HTTPAnswer) {
    let connection = try HTTPConnection(server.http)
    var times: [Duration] = []
    var last: HTTPAnswer?
    for user in users {
      let start = ContinuousClock.now
      try connection.send(
        "POST", "/v1/pools/\(pool)/claims", headers: key.map { [("Idempotency-Key", $0)] } ?? [],
        body: Array(#"{"user": "\#(user)"}"#.utf8))
      let answer = try connection.receive()
      times.append(ContinuousClock.now - start)
      #expect(answer.status == 201, "\(answer.text.prefix(300))")
      last = answer
    }
    return (try #require(times.min()) / .seconds(1), try #require(last))
  }

  @Test func theFilesAreGoodAsTheyShip() throws {
    try Workspace.with { workspace in
      try FileManager.default.copyItem(atPath: Self.folder, toPath: "\(workspace.path)/shipped")
      try workspace.takeFromOthers("shipped")
      let checked = try workspace.larder("check", "--schedules", "shipped", "--json")
      #expect(checked.status == 0)
      #expect(checked.json["diagnostics"] == .array([]))
      #expect(
        Set(checked.json["pools"].elements.map { $0["pool"].string })
          == ["rsa-keys", "movie-tickets", "morning-reports"])
    }
  }

  @Test func aKeyPairIsClaimedInAFractionOfTheTimeThatItTakesToMake() throws {
    try Workspace.with { workspace in
      try copy("rsa-keys", to: workspace, [("target: 10", "target: 3"), ("at: 5", "at: 1")])
      let server = try workspace.serve()
      let started = try eventually("a run") { try server.http.runs("rsa-keys").last }
      let run = try server.http.ended(started["run"].string ?? "")
      #expect(run["state"] == .string("succeeded") && run["reason"] == .string("start"))

      let claims = try claim("rsa-keys", ["u-1", "u-2"], server)
      #expect(try secondsPerItem(run) / claims.seconds >= 10)
      let payload = claims.last.json["items"][0]["payload"]
      #expect(payload["algorithm"] == .string("RSA-3072"))
      let check = try workspace.start(
        ["/usr/bin/env", "openssl", "rsa", "-check", "-noout", "-text"],
        input: payload["private_key"].string ?? "")
      #expect(try check.wait() == 0)
      #expect(check.output.contains("3072 bit"))
      #expect((check.output + check.errors).contains("RSA key ok"))
      let publicKey = try workspace.start(
        ["/usr/bin/env", "openssl", "rsa", "-pubout"], input: payload["private_key"].string ?? "")
      #expect(try publicKey.wait() == 0)
      #expect(publicKey.output == payload["public_key"].string)
    }
  }

  @Test func aReportIsItsUsersAloneAndReadyBeforeItIsAskedFor() throws {
    try Workspace.with { workspace in
      // Of tomorrow, so that none expires while the test runs.
      let day = Date(timeIntervalSinceNow: 86_400).ISO8601Format().prefix(10)
      try copy(
        "morning-reports", to: workspace,
        [
          ("environment:\n", "environment:\n    REPORT_DAY: \"\(day)\"\n"),
          ("name: hourly\n", "name: hourly\n    suspend: true\n"),
        ])
      let prefill = try workspace.larder("prefill", "morning-reports", "--count", "12", "--json")
      #expect(prefill.status == 0)
      #expect(prefill.json["slices"].elements.map { $0["stored"] } == [.int(10), .int(2)])

      let server = try workspace.serve()
      let users = (1...9).map { "u-00\($0)" }
      let claims = try claim("morning-reports", users, server, key: String(day))
      #expect(try secondsPerItem(prefill.json) / claims.seconds >= 10)
      let own = claims.last.json["items"][0]
      #expect(own["payload"]["customer"] == .string("u-009"))
      #expect(own["payload"]["day"] == .string(String(day)))
      #expect(own["payload"]["html"].string?.contains("data:image/png;base64,") == true)
      let first = try server.http.claim("morning-reports", "u-001", key: String(day))
      #expect(first.status == 200)
      #expect(first.json["items"][0]["payload"]["customer"] == .string("u-001"))
      // Whoever has no report finds none, however full the shelf.
      #expect(try server.http.level("morning-reports")["available"] == .int(3))
      #expect(try server.http.claim("morning-reports", "u-013", key: "d").status == 409)
      #expect(try server.http.claim("morning-reports", "u-001", key: "next day").status == 409)
      // The same day's reports once more renew what is on the shelf, and add nothing for users who
      // took theirs.
      let again = try server.http.prefill("morning-reports", count: 10)
      #expect(again["stored"] == .int(1) && again["slices"][0]["duplicates"] == .int(9))
      #expect(try server.http.level("morning-reports")["available"] == .int(3))
    }
  }

  @Test func aReportIsMadeAnewUntilItIsTaken() throws {
    try Workspace.with { workspace in
      let day = Date(timeIntervalSinceNow: 86_400).ISO8601Format().prefix(10)
      // Twenty customers, which two slices hold: the third one finds nobody left.
      try copy(
        "morning-reports", to: workspace,
        [
          ("environment:\n", "environment:\n    REPORT_DAY: \"\(day)\"\n"),
          ("name: hourly\n", "name: hourly\n    suspend: true\n"), ("max: 100", "max: 30"),
        ])
      let customers = workspace.lines("Schedules/data/customers.csv").prefix(21)
      let known = Set(customers.map { $0.prefix(5) })
      let orders = workspace.lines("Schedules/data/orders.csv").filter { line in
        line.hasPrefix("order,") || known.contains(line.split(separator: ",")[2])
      }
      func write(_ name: String, _ lines: some Sequence<String>) throws {
        try workspace.write("Schedules/data/\(name)", lines.map { $0 + "\n" }.joined())
      }
      try write("customers.csv", customers)
      try write("orders.csv", orders)

      // The first start fills the shelf.
      let server = try workspace.serve()
      let started = try eventually("a run") { try server.http.runs("morning-reports").last }
      let run = try server.http.ended(started["run"].string ?? "")
      #expect(run["state"] == .string("succeeded") && run["reason"] == .string("start"))
      #expect(
        run["slices"].elements.map { $0["stored"] } == [.int(10), .int(10), .int(0)])
      #expect(try server.http.level("morning-reports")["target"] == .null)
      let taken = try server.http.claim("morning-reports", "u-001", key: String(day))
      #expect(taken.status == 201)

      // An order comes in late, and the next run tells of it, where the report is still to be had.
      let newest = try #require(
        orders.compactMap { $0.split(separator: ",").dropFirst().first }.dropFirst().max())
      let late = ["u-001", "u-002"].map { "late-\($0),\(newest),\($0),Saffron 1 kg,1,3000.00" }
      try write("orders.csv", orders + late)
      let renewal = try server.http.prefill("morning-reports")
      #expect(renewal["state"] == .string("succeeded"))
      #expect(
        renewal["slices"].elements.map { $0["stored"] } == [.int(9), .int(10), .int(0)])
      #expect(renewal["slices"][0]["duplicates"] == .int(1))
      let level = try server.http.level("morning-reports")
      #expect(level["available"] == .int(19) && level["replaced"] == .int(19))
      let renewed = try server.http.claim("morning-reports", "u-002", key: String(day))
      let products = renewed.json["items"][0]["payload"]["products"].elements
      #expect(products.contains { $0["product"] == .string("Saffron 1 kg") })
      let same = try server.http.claim("morning-reports", "u-001", key: String(day))
      #expect(same.status == 200)
      #expect(same.json["items"][0]["payload"] == taken.json["items"][0]["payload"])
    }
  }

  @Test func seatsAreBoughtOnceFromASupplierThatFails() throws {
    try Workspace.with { workspace in
      let supplier = try workspace.start([
        "/usr/bin/env", "python3", "\(Self.folder)/supplier/supplier.py", "--port", "0",
        "--port-file", workspace.path + "/port", "--state", workspace.path + "/sold.jsonl",
        "--latency", "0-2", "--refuse", "0.2", "--error", "0.1", "--drop", "0.3", "--seed", "7",
      ])
      let port = try eventually("the supplier") { () throws -> UInt16? in
        #expect(supplier.ended == nil, "\(supplier.errors)")
        return workspace.lines("port").first.flatMap { UInt16($0) }
      }
      try copy(
        "movie-tickets", to: workspace,
        [
          ("8421\"", "\(port)\""), ("attempts: 5", "attempts: 50"),
          ("backoff: 2s", "backoff: 10ms"),
          ("max_backoff: 1m", "max_backoff: 50ms"), ("slice: 20", "slice: 6"),
          ("reorder_at: 40", "reorder_at: 0"),
        ])
      let server = try workspace.serve()
      let run = try server.http.prefill("movie-tickets", count: 60)
      #expect(run["state"] == .string("succeeded") && run["stored"] == .int(60))
      let tries = run["slices"].elements.compactMap { $0["attempts"].int }
      #expect(tries.count == 10 && tries.reduce(0, +) > 10)

      let sold = try Endpoint.tcp(port: port).get("/sold").json["purchases"].elements
        .flatMap { $0["tickets"].elements.compactMap { $0.string } }
      #expect(Set(sold).count == sold.count)
      let connection = try HTTPConnection(server.http)
      var inStock = 0
      for ticket in sold {
        let key = ticket.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        try connection.send("GET", "/v1/pools/movie-tickets/items/\(key)")
        let item = try connection.receive()
        inStock += item.status == 200 && item.json["state"] == .string("available") ? 1 : 0
      }
      #expect(inStock == 60)

      let seats = try (0..<20).map { user in
        try server.http.claim("movie-tickets", "u-\(user)").json["items"][0]
      }
      #expect(Set(seats.map { $0["key"].string }).count == 20)
      #expect(seats.allSatisfy { sold.contains($0["key"].string ?? "") })
      #expect(seats.allSatisfy { $0["payload"]["code"].string?.count == 12 })
      #expect(Set(seats.map { $0["payload"]["code"].string }).count == 20)
      // The show that starts first is handed out first.
      let expiries = seats.compactMap { $0["expires_at"].time }
      #expect(expiries == expiries.sorted())

      // Without the supplier runs are tried later, and claims go on.
      supplier.signal(SIGTERM)
      #expect(try supplier.wait() == 0)
      let waiting = try server.http.post("/v1/pools/movie-tickets/runs", #"{"count": 1}"#)
      let id = try #require(waiting.json["run"].string)
      try eventually("a second try") {
        (try server.http.run(id)["slices"][0]["attempts"].int ?? 0) >= 2
      }
      #expect(try server.http.claim("movie-tickets", "u-99").status == 201)
    }
  }
}
