import Larder
import Testing

@Suite struct DemandTests {
  private let now = at("2026-06-01T12:03:20Z")

  private func recent(hour: Int = 0, day: Demand = Demand(), since: String) -> RecentDemand {
    var recent = RecentDemand()
    recent.lastDay = day
    recent.itemsOfLastHour = hour
    recent.since = at(since)
    return recent
  }

  @Test(arguments: [
    ("2026-06-01T12:00:00Z", "2026-06-01T12:00:00Z"),
    ("2026-06-01T12:04:59.999Z", "2026-06-01T12:00:00Z"),
    ("2026-06-01T12:05:00Z", "2026-06-01T12:05:00Z"),
    ("1969-12-31T23:59:59.999Z", "1969-12-31T23:55:00Z"),
    ("1969-12-31T23:55:00Z", "1969-12-31T23:55:00Z"),
  ])
  func binsStartAtMultiplesOfFiveMinutes(_ instant: String, _ start: String) {
    #expect(Demand.bin(of: at(instant)) == at(start))
  }

  @Test func ratesAreUnknownWithoutRequests() {
    #expect(RecentDemand().hitRate == nil)
    #expect(RecentDemand().wasteRate == nil)
    #expect(RecentDemand().cover(of: 10, at: now) == nil)
    // Waste alone is no demand.
    let wasted = recent(day: .waste(3), since: "2026-06-01T12:00:00Z")
    #expect(wasted.hitRate == nil && wasted.wasteRate == 1 && wasted.cover(of: 1, at: now) == nil)
  }

  @Test func coverGoesByTheLastHourAndElseByTheLastDay() {
    var day = Demand.hit(30)
    day += .miss(70)
    // The hour's bins began 63:20 minutes ago.
    let busy = recent(hour: 10, day: day, since: "2026-05-01T00:00:00Z")
    #expect(busy.cover(of: 20, at: now) == .seconds(2 * 3800))
    #expect(busy.cover(of: 0, at: now) == .zero)
    let quiet = recent(day: day, since: "2026-05-01T00:00:00Z")
    #expect(quiet.cover(of: 50, at: now) == .seconds((86_400 + 200) / 2))
  }

  @Test func aYoungPoolHasItsRateFromItsOwnTime() {
    let young = recent(hour: 10, day: .hit(10), since: "2026-06-01T11:40:00Z")
    #expect(young.cover(of: 10, at: now) == .seconds(23 * 60 + 20))
    // A first claim just now says little, so a whole bin is taken for it.
    let new = recent(hour: 1, day: .hit(1), since: "2026-06-01T12:00:00Z")
    #expect(new.cover(of: 2, at: now) == .seconds(600))
    // A stock of the largest size at the lowest rate overflows nothing.
    let large = recent(hour: 0, day: .hit(1), since: "2026-05-01T00:00:00Z")
    #expect(large.cover(of: Limits.poolMax, at: now) == .seconds(86_600) * Limits.poolMax)
  }
}
