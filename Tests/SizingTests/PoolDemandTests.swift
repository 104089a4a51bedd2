import Cron
import Larder
import Sizing
import Testing

/// What a pool's file says about its demand, in its plans.
@Suite struct PoolDemandTests {
  /// A pool that is filled each hour, whose clocks are those of Berlin.
  private func pool() throws -> Pool {
    var pool = Pool(name: "codes")
    pool.stock.target = 10
    pool.stock.shelfLife = .seconds(2 * 3600)
    pool.schedules = [
      ScheduleSpec(
        name: "hourly", cron: try .parse("0 * * * *"), zone: try .load("Europe/Berlin"))
    ]
    return pool
  }

  private func plan(_ pool: Pool, _ record: DemandRecord, at now: Instant) -> StockPlan {
    var evidence = StockPlan.Evidence()
    evidence.demand = record
    return StockPlan(of: PoolStatus(pool: pool), evidence, StockPlan.Terms(), at: now)
  }

  private func record(_ series: DemandSeries) -> DemandRecord {
    var record = DemandRecord()
    for bin in series.start..<series.end {
      guard let requests = series[bin] else { continue }
      var demand = Demand()
      demand.hits = requests
      record.bins.append(DemandRecord.Bin(start: Instant(bin: bin), demand: demand))
    }
    return record
  }

  @Test func aPlanLearnsNothingFromWhatIsExcluded() throws {
    // 5 weeks until a Monday's noon, and 3 hours of a flood before that.
    let quiet = demand(days: 35, officeHours)
    let noon = quiet.end - Grid.binsPerDay / 2
    let flood = noon - 5 * Grid.binsPerHour..<noon - 2 * Grid.binsPerHour
    func flooded(_ requests: Int) -> DemandRecord {
      var series = quiet
      for bin in flood { series.requests[bin - series.start] = requests }
      return record(series)
    }
    let usual = try pool()
    var excluding = usual
    // From within the first bin to within the last.
    excluding.demand.excluded = [
      Instant(bin: flood.lowerBound) + .seconds(100)..<Instant(bin: flood.upperBound) - .seconds(1)
    ]
    let now = Instant(bin: noon)
    let plain = plan(excluding, flooded(0), at: now)
    let same = plan(excluding, flooded(1000), at: now)
    #expect(same.plan == plain.plan && same.outlook == plain.outlook)
    #expect(same.known == plain.known)
    #expect(same.past.count { $0.requests == nil } == 3)
    let taken = plan(usual, flooded(1000), at: now)
    #expect(
      taken.plan.target > 2 * plain.plan.target && taken.past.allSatisfy { $0.requests != nil })
  }

  @Test func spansExcludeEachBinThatTheyTouch() {
    let start = Instant(bin: monday)
    func bins(_ from: Int, _ to: Int) -> Range<Int> {
      let span = start + .milliseconds(from)..<start + .milliseconds(to)
      return span.bins.lowerBound - monday..<span.bins.upperBound - monday
    }
    #expect(bins(0, 300_000) == 0..<1)
    #expect(bins(0, 300_001) == 0..<2)
    #expect(bins(299_999, 600_000) == 0..<2)
    #expect(bins(-1, 1) == -1..<1)
    #expect(bins(0, 0).isEmpty)
  }

  @Test func aDateIsLikeTheWeekdayThatTheFileNames() throws {
    let series = demand(days: 42, officeHours)
    let tuesday = CivilDate(daysSinceEpoch: Int64(series.end / Grid.binsPerDay) + 1)
    #expect(tuesday.weekday == 2)
    let usual = try pool()
    var holiday = usual
    holiday.demand.days = [tuesday: 0]
    let now = Instant(bin: series.end)
    let (before, after) = (
      plan(usual, record(series), at: now), plan(holiday, record(series), at: now)
    )
    for (plain, other) in zip(before.outlook, after.outlook) {
      // A summer's day of Berlin begins and ends 2 hours before that of UTC.
      let hour = plain.hour - Grid.hour(of: series.end)
      if (22..<46).contains(hour) {
        let isBusy = (8..<18).contains(hour % 24)
        #expect(!isBusy || (plain.usual > 20 && other.usual < 15), "\(hour)")
      } else {
        #expect(plain == other, "\(hour)")
      }
    }
    // Without a schedule a date is one of UTC.
    holiday.schedules = []
    let inUTC = plan(holiday, record(series), at: now).outlook
    #expect(inUTC[23] == plan(usual, record(series), at: now).outlook[23])
    #expect(inUTC[24 + 12].usual < 15)
  }
}
