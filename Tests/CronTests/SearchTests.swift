import Cron
import Testing

struct SearchTests {
  private static let expressions = [
    "30 2 * * *", "*/15 2 * * *", "0 * * * *", "0 0-23 * * *", "5,35,59 */3 * * *", "0 0 31W * *",
    "0 0 29 2 *", "15 30 1 * * *", "*/7 * 1-3 * * *", "0 12 * * MON#1,FRIL", "@every 7h13s",
    "0 0 1 1 *", "* * * * *", "0,30 0,1,2,3 * * SUN",
  ]

  @Test(arguments: expressions)
  func nextGrowsAndPreviousGoesBack(_ source: String) throws {
    let expression = try parse(source)
    var random = Seeded(300)
    for name in oddZones {
      let zone = try Zone.load(name)
      let start = Int64.random(in: 0...5_000_000_000, using: &random)
      var last = (transition(after: start, in: zone) ?? start) - 90_000
      var fires: [Int64] = []
      for _ in 0..<40 {
        let next = try #require(expression.next(after: last, in: zone))
        #expect(next > last)
        #expect(expression.next(after: next - 1, in: zone) == next)
        #expect(expression.previous(atOrBefore: next, in: zone) == next)
        if let fire = fires.last {
          #expect(expression.previous(atOrBefore: next - 1, in: zone) == fire)
        }
        fires.append(next)
        last = next
      }
      let missed = expression.missed(
        after: fires[2], through: fires[30] + 1, in: zone, limit: 10)
      #expect(missed.instants == Array(fires[21...30]))
      #expect(missed.count == 28)
      #expect(missed.countIsExact)
    }
  }

  @Test(arguments: [
    ("0 0 * 2 MON#5", "UTC", "2044-02-29T00:00:00Z 2072-02-29T00:00:00Z 2112-02-29T00:00:00Z"),
    ("0 0 29 2 *", "Europe/Berlin", "2028-02-28T23:00:00Z 2032-02-28T23:00:00Z"),
    ("0 0 31W * *", "UTC", "2027-01-29T00:00:00Z 2027-03-31T00:00:00Z"),
    ("0 12 30 12 *", "Pacific/Apia", "2027-12-29T23:00:00Z 2028-12-29T23:00:00Z"),
    ("59 59 23 29 2 THU", "UTC", "2027-02-04T23:59:59Z 2027-02-11T23:59:59Z"),
  ])
  func findsRareDates(_ source: String, _ zone: String, _ expected: String) throws {
    let expected = expected.split(separator: " ").map(String.init)
    let found = try fires(source, zone, after: "2027-01-01T00:00:00Z", count: expected.count)
    #expect(found == expected)
  }

  @Test func aWholeDaySkippedFiresOnceAfterIt() throws {
    let zone = "Pacific/Apia"
    #expect(
      try fires("0 0,6,12,18 30 12 *", zone, after: "2011-12-28T00:00:00Z", count: 2)
        == ["2011-12-30T10:00:00Z", "2012-12-29T10:00:00Z"])
    #expect(
      try fires("0 */6 30 12 *", zone, after: "2011-12-28T00:00:00Z", count: 1)
        == ["2012-12-29T10:00:00Z"])
  }

  @Test func aTimeThatIsAlwaysInAGapNeverFires() throws {
    let zone = try Zone.load("America/New_York")
    let expression = try parse("* 2 * 3 SUN#2")
    #expect(expression.next(after: instant("2027-01-01T00:00:00Z"), in: zone) == nil)
    let from = instant("2027-06-01T00:00:00Z")
    #expect(
      expression.previous(atOrBefore: from, in: zone, notBefore: from - 400_000_000) == nil)
    let last = try #require(expression.previous(atOrBefore: from, in: zone))
    #expect(text(last) == "2006-03-12T07:59:00Z")
  }

  @Test func theBoundsOfTimeEndTheSearch() throws {
    for source in ["* * * * *", "30 2 * * *", "@every 1d", "0 0 * 2 MON#5"] {
      let expression = try parse(source)
      for name in oddZones {
        let zone = try Zone.load(name)
        #expect(expression.next(after: .max, in: zone) == nil)
        #expect(expression.next(after: SupportedInstants.latest, in: zone) == nil)
        let first = try #require(expression.next(after: .min, in: zone))
        #expect(first >= SupportedInstants.earliest)
        #expect(expression.previous(atOrBefore: .min, in: zone) == nil)
        let last = try #require(expression.previous(atOrBefore: .max, in: zone))
        #expect(last <= SupportedInstants.latest)
        #expect(expression.next(after: last, in: zone) == nil)
      }
    }
  }

  @Test func missedTimesAreCountedUpToTheBound() throws {
    let zone = try Zone.load("Europe/Berlin")
    let expression = try parse("* * * * * *")
    let through = instant("2027-06-01T00:00:00Z")
    let years = expression.missed(after: 0, through: through, in: zone, limit: 3)
    #expect(years.instants == [through - 2, through - 1, through])
    #expect(years.count == MissedTimes.countBound)
    #expect(!years.countIsExact)
    let bound = Int64(MissedTimes.countBound)
    let exact = expression.missed(after: through - bound, through: through, in: zone, limit: 1)
    #expect(exact.count == MissedTimes.countBound)
    #expect(exact.countIsExact)
  }

  @Test func missedTimesLieAfterTheStartUpToTheEnd() throws {
    let expression = try parse("0 * * * *")
    let noon = instant("2027-06-01T12:00:00Z")
    func missed(_ after: Int64, _ through: Int64, _ limit: Int = 100) -> MissedTimes {
      expression.missed(after: after, through: through, in: .utc, limit: limit)
    }
    #expect(missed(noon, noon).count == 0)
    #expect(missed(noon, noon - 7_200).count == 0)
    #expect(missed(noon - 1, noon).instants == [noon])
    #expect(missed(noon, noon + 3_600).instants == [noon + 3_600])
    #expect(missed(noon, noon + 3_599).instants == [])
    #expect(
      missed(noon, noon + 36_000, 0) == MissedTimes(instants: [], count: 10, countIsExact: true))
    #expect(missed(noon, noon + 36_000, -1).instants == [])
    #expect(missed(.max, .max).count == 0)
    #expect(missed(.min, .max, 1).count == MissedTimes.countBound)
  }
}
