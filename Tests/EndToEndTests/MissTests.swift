import Harness
import Testing

/// `larder misses` and the call for it.
@Suite struct MissTests {
  @Test func missesAreListedByReason() throws {
    try Workspace.with { workspace in
      try workspace.declare("codes", "claims: {per_user: 0}")
      #expect(try workspace.larder("put", "codes", input: #"{"payload":1}"#).status == 0)
      #expect(try workspace.larder("claim", "codes", "--user", "u", "--count", "2").status == 3)
      #expect(try workspace.larder("claim", "codes", "--user", "u").status == 0)
      #expect(try workspace.larder("claim", "codes", "--user", "u").status == 3)

      let json = try workspace.larder("misses", "codes", "--json").json
      #expect(json.names == ["pool", "bins", "cursor"])
      let bins = json["bins"].elements
      #expect(bins.allSatisfy { $0.names == ["start", "misses", "reasons"] })
      #expect(bins.compactMap { $0["misses"].int }.reduce(0, +) == 2)
      #expect(bins.compactMap { $0["reasons"]["no_producer"].int }.reduce(0, +) == 2)

      let csv = try workspace.larder("misses", "codes", "--csv").output
      #expect(csv.hasPrefix("start,reason,misses\n") && csv.contains("Z,no_producer,"))
      let table = try workspace.larder("misses", "codes").output
      #expect(table.hasPrefix("DAY         MISSES  WHY\n") && table.contains(" no_producer"))
      let later = try workspace.larder(
        "misses", "codes", "--from", "2100-01-01T00:00:00Z", "--json")
      #expect(later.json["bins"].elements.isEmpty)

      #expect(try workspace.larder("misses", "nowhere").status == 1)
      #expect(try workspace.larder("misses", "codes", "--json", "--csv").status == 2)
      #expect(try workspace.larder("verify").status == 0)
    }
  }
}
