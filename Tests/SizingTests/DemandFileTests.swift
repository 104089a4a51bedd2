import Larder
import Sizing
import Testing

struct DemandFileTests {
  private func read(_ rows: [String]) throws -> DemandSeries {
    try DemandFile.read(Array((["start,requests"] + rows).joined(separator: "\n").utf8))
  }

  @Test func rowsOfFiveMinutesAreBins() throws {
    let series = try read(["2026-06-01T00:00Z,3", "2026-06-01T00:05Z,0", "2026-06-01T00:10Z,17"])
    #expect(series == DemandSeries(start: monday, requests: [3, 0, 17]))
  }

  @Test(arguments: [
    "start,requests\r\n2026-06-01T00:00:00Z,1\r\n2026-06-01T00:05:00Z,2\r\n",
    "# exported\nstart,requests\n2026-06-01T02:00+02:00,1\n# lunch\n2026-06-01T00:05:00.000Z,2\n",
  ])
  func endsOfLinesCommentsAndOffsetsMayDiffer(_ text: String) throws {
    let series = try DemandFile.read(Array(text.utf8))
    #expect(series == DemandSeries(start: monday, requests: [1, 2]))
  }

  @Test func longerRowsAreSpreadOverTheirBins() throws {
    let quarters = try read(["2026-06-01T00:00Z,7", "2026-06-01T00:15Z,3"])
    #expect(quarters.requests == [2, 2, 3, 1, 1, 1])
    let hours = try read(["2026-06-01T00:00Z,5", "2026-06-01T01:00Z,1200", "2026-06-01T02:00Z,"])
    #expect(hours.requests.count == 36)
    #expect(hours.requests[..<12].reduce(0) { $0 + $1! } == 5)
    #expect(hours.requests[..<12].allSatisfy { $0! <= 1 })
    #expect(hours.requests[12..<24].allSatisfy { $0 == 100 })
    #expect(hours.requests[24...].allSatisfy { $0 == nil })
  }

  @Test func shorterRowsAreAddedUp() throws {
    let rows = (0..<10).map { "2026-06-01T00:0\($0)Z,\($0)" }
    #expect(try read(rows).requests == [10, 35])
    // A part of the second bin is unknown.
    let holed = rows.map { $0.hasSuffix(",7") ? String($0.dropLast()) : $0 }
    #expect(try read(holed).requests == [10, nil])
  }

  @Test func stepsThatAreNoBinsKeepTheSum() throws {
    // 5 rows of 7 minutes are 7 bins.
    let rows = ["00:00Z,7", "00:07Z,7", "00:14Z,7", "00:21Z,14", "00:28Z,0"]
    #expect(try read(rows.map { "2026-06-01T" + $0 }).requests == [5, 5, 5, 5, 9, 6, 0])
    // Bins that are covered in part are left out.
    let late = try read(["2026-06-01T00:03Z,10", "2026-06-01T00:08Z,20", "2026-06-01T00:13Z,0"])
    #expect(late == DemandSeries(start: monday + 1, requests: [6 + 8, 12]))
  }

  @Test(arguments: [
    ([], 0, "two rows"),
    (["2026-06-01T00:00Z,3"], 0, "two rows"),
    (["2026-06-01T00:00Z,3", "2026-06-01T00:05Z"], 3, "a comma"),
    (["2026-06-01T00:00Z,3", "", "2026-06-01T00:05Z,3"], 3, "a comma"),
    (["2026-06-01T00:00Z,3,4"], 2, "a comma"),
    (["2026-06-01,3"], 2, "is no time"),
    (["2026-06-01T00:00,3"], 2, "is no time"),
    (["2026-06-31T00:00Z,3"], 2, "is no time"),
    (["2026-06-01T00:00Z,-3"], 2, "no number of requests"),
    (["2026-06-01T00:00Z,3.5"], 2, "no number of requests"),
    (["2026-06-01T00:00Z, 3"], 2, "no number of requests"),
    (["2026-06-01T00:00Z,1000000001"], 2, "no number of requests"),
    (["2026-06-01T00:00Z,99999999999999999999"], 2, "no number of requests"),
    (["2026-06-01T00:00Z,3", "2026-06-01T00:00Z,3"], 3, "not after"),
    (["2026-06-01T00:05Z,3", "2026-06-01T00:00Z,3"], 3, "not after"),
    (
      ["2026-06-01T00:00Z,3", "2026-06-01T00:05Z,3", "2026-06-01T00:15Z,3"], 4,
      "2026-06-01T00:10:00.000Z is"
    ),
    (["2026-06-01T00:00Z,3", "2026-06-01T00:01Z,3"], 0, "less than 5 minutes"),
    (["1926-06-01T00:00Z,3", "2026-06-01T00:00Z,3"], 0, "cover more than"),
  ])
  func refusesWhatIsNone(_ rows: [String], _ line: Int, _ message: String) throws {
    let error = try #require(throws: DemandFile.Malformed.self) { try read(rows) }
    #expect(error.line == line)
    #expect(error.message.contains(message))
  }

  @Test(arguments: ["", "\n", "start;requests\n", "2026-06-01T00:00Z,3\n", "# only this\n\n"])
  func refusesAnotherHeader(_ text: String) throws {
    let error = try #require(throws: DemandFile.Malformed.self) {
      try DemandFile.read(Array(text.utf8))
    }
    #expect(error.line == 1 || text.hasPrefix("#") && error.line == 2)
    #expect(error.message.contains("start,requests"))
  }

  @Test func timesBeforeTheEpochAreBinsToo() throws {
    let series = try read(["1969-12-31T23:55Z,1", "1970-01-01T00:00Z,2"])
    #expect(series == DemandSeries(start: -1, requests: [1, 2]))
  }

  @Test func hoursPlanLikeTheirFiveMinutes() throws {
    let bins = demand(days: 40, officeHours)
    let hours = stride(from: 0, to: bins.requests.count, by: 12).map { place in
      let time = RFC3339.format(seconds: Int64(bins.start + place) * 300)
      return "\(time),\(bins.requests[place..<place + 12].reduce(0) { $0 + $1! })"
    }
    let (plan, again) = (Planner(after: bins).plan(), Planner(after: try read(hours)).plan())
    #expect(abs(again.untilNext.mean / plan.untilNext.mean - 1) < 0.05)
    #expect(abs(again.target - plan.target) <= 3)
  }
}
