import Foundation
import Harness
import Testing

/// `larder waste`, the calls for it, and what levels tell of it.
@Suite struct WasteTests {
  private static let names: Set = ["pool", "day", "reason", "items", "producer_seconds", "cost"]

  private func items(_ rows: [JSON]) -> [String: Int] {
    var items: [String: Int] = [:]
    for row in rows { items[row["reason"].string ?? "", default: 0] += row["items"].int ?? 0 }
    return items
  }

  private func total(_ rows: [JSON], _ name: String) -> Double {
    rows.reduce(0) { $0 + ($1[name].number ?? 0) }
  }

  /// Prints three items more than it is asked for, after a while.
  private static let generous = """
    sleep 0.5
    i=0
    while [ "$i" -lt "$((LARDER_COUNT + 3))" ]; do
      i=$((i + 1))
      printf '{"payload": %s}\\n' "$i"
    done
    """

  @Test func whatIsLostIsListedByReasonWithItsCost() throws {
    try Workspace.with { workspace in
      try workspace.producer("make", Self.generous)
      try workspace.declare(
        "codes",
        """
        producer: {command: [./make]}
        stock: {target: 4, waste_cost: 2.5}
        schedules: [{cron: "0 0 1 1 *"}]
        claims: {per_user: 0, hold: 1h}
        """)
      try workspace.declare("other", "claims: {per_user: 0}")
      let server = try workspace.serve()
      #expect(try server.http.get("/v1/waste").json["waste"].elements == [])
      #expect(try server.http.level("codes")["waste_24h"]["items"] == .int(0))
      let titles = try workspace.larder("levels").output.prefix { $0 != "\n" }
      #expect(!titles.contains("LOST"))

      #expect(try workspace.larder("prefill", "codes").status == 0)
      // One is released, one lapses, one is claimed and recalled with what is on the shelf.
      let released = try server.http.claim("codes", "u-1", more: #""hold": "1h""#).json
      let path = "/v1/claims/\(released["claim"].string ?? "")/release"
      #expect(try server.http.post(path).status == 200)
      #expect(try server.http.claim("codes", "u-2", more: #""hold": "1ms""#).status == 201)
      #expect(try server.http.claim("codes", "u-3").status == 201)
      try eventually("the hold lapses") {
        try server.http.level("codes")["held"] == .int(0)
      }
      let run = try server.http.get("/v1/runs").json["runs"][0]["run"].string ?? ""
      #expect(try workspace.larder("recall", "codes", "--run", run).status == 0)
      let late = #"{"payload": 1, "expires_at": "2020-01-01T00:00:00Z"}"# + "\n"
      #expect(try workspace.larder("put", "other", input: late).status == 0)

      let expected = ["overfill": 3, "released": 1, "lapsed": 1, "recalled": 2]
      let json = try server.http.get("/v1/pools/codes/waste").json
      #expect(json.names == ["waste", "cursor"])
      let rows = json["waste"].elements
      #expect(items(rows) == expected)
      #expect(rows.allSatisfy { $0.names == Self.names && $0["pool"] == .string("codes") })
      #expect(total(rows, "cost") == 17.5)
      // All seven that were printed are lost, and with them the whole time of the slice.
      let slice = try server.http.get("/v1/runs/\(run)").json["slices"][0]
      func time(_ name: String) throws -> Date {
        let formatter = ISO8601DateFormatter()
        formatter.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
        return try #require(formatter.date(from: slice[name].string ?? ""))
      }
      let took = try time("ended_at").timeIntervalSince(time("started_at"))
      #expect(took >= 0.5 && abs(total(rows, "producer_seconds") - took) < 1e-3)

      let all = try server.http.get("/v1/waste").json
      #expect(all["waste"].elements.map { $0["pool"].string }.suffix(1) == ["other"])
      #expect(all["waste"].elements.last?["cost"].number == 1)
      #expect(try workspace.larder("waste", "--json").json == all)
      #expect(try workspace.larder("waste", "codes", "--json").json == json)
      // Page by page.
      var paged: [JSON] = []
      var cursor = ""
      while true {
        let page = try server.http.get("/v1/waste?limit=1&cursor=\(cursor)").json
        paged += page["waste"].elements
        guard let next = page["cursor"].string else { break }
        cursor = next
      }
      #expect(paged == all["waste"].elements)

      let level = try server.http.level("codes")["waste_24h"]
      #expect(level.names == ["items", "producer_seconds", "cost", "reasons"])
      #expect(level["items"] == .int(7) && level["cost"].number == 17.5)
      #expect(level["reasons"].names == Set(expected.keys))
      #expect(try workspace.larder("levels").output.prefix { $0 != "\n" }.contains("  LOST  "))
      let csv = try workspace.larder("levels", "codes", "--csv").output.split(separator: "\n")
      #expect(csv[0].hasSuffix(",waste_24h_items,waste_24h_producer_seconds,waste_24h_cost"))
      #expect(csv[1].contains(",7,") && csv[1].hasSuffix(",17.5"))
      let metrics = try server.http.get("/metrics").text
      #expect(metrics.contains(#"larder_waste_24h_items{pool="codes",reason="overfill"} 3"#))

      #expect(try server.stop() == 0)
      #expect(try workspace.larder("waste", "--json").json == all)
      #expect(try workspace.larder("verify").status == 0)
    }
  }

  @Test func theTableAddsUpAndTheCSVDoesNot() throws {
    try Workspace.with { workspace in
      try workspace.declare("codes", "stock: {waste_cost: 0.125}")
      try workspace.declare("others", "stock: {max: 10}")
      let titles = "POOL  DAY  REASON  ITEMS  SECONDS  COST\n"
      let late = #"{"payload": 1, "expires_at": "2020-01-01T00:00:00Z"}"# + "\n"
      for (pool, input) in [("codes", late + late), ("others", late)] {
        #expect(try workspace.larder("put", pool, input: input).status == 0)
      }
      let lines = try workspace.larder("waste").output.split(separator: "\n")
      let row = /codes   \d{4}-\d\d-\d\d  expired      2    0\.000  0\.25/
      #expect(lines[1].wholeMatch(of: row) != nil, "\(lines)")
      #expect(lines.last?.wholeMatch(of: /all +3 +0\.000  1\.25/) != nil, "\(lines)")
      let csv = try workspace.larder("waste", "codes", "--csv").output.split(separator: "\n")
      #expect(csv.count == 2 && csv[0] == "pool,day,reason,items,producer_seconds,cost")
      #expect(csv[1].wholeMatch(of: /codes,\d{4}-\d\d-\d\d,expired,2,0\.0,0\.25/) != nil)

      let later = try workspace.larder("waste", "--from", "2100-01-01T00:00:00Z", "--json")
      #expect(later.json["waste"].elements == [])
      #expect(try workspace.larder("waste", "--to", "2020-01-02T00:00:00Z").output == titles)
      #expect(try workspace.larder("waste", "nowhere").status == 1)
      #expect(try workspace.larder("waste", "--json", "--csv").status == 2)
      let server = try workspace.serve()
      #expect(try server.http.get("/v1/waste?pool=nowhere").status == 404)
      #expect(try server.http.get("/v1/pools/nowhere/waste").status == 404)
      for query in ["cursor=x", "cursor=a/b/c", "limit=0", "from=x", "pol=codes"] {
        #expect(try server.http.get("/v1/waste?\(query)").status == 400, "\(query)")
      }
    }
  }
}
