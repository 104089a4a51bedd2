import Cron
import Engine
import Larder
import Sizing
import Testing

/// Demand that was, through the engine's own ticks: what `larder simulate FILE` shows.
@Suite struct EngineReplayTests {
  private func pool(_ change: (inout Pool) -> Void = { _ in }) throws -> Pool {
    var pool = Pool(name: "tickets")
    pool.producer = ProducerSpec(command: ["make"], executable: "make", directory: "/")
    pool.producer?.slice = 50
    // A scheduled run does not wait for a top-up that is under way.
    pool.producer?.concurrency = 2
    pool.stock.isAuto = true
    pool.stock.shelfLife = .seconds(7200)
    pool.schedules = [
      ScheduleSpec(name: "hourly", cron: try CronExpression.parse("0 * * * *"), zone: .utc)
    ]
    change(&pool)
    return pool
  }

  private func replay(
    _ series: DemandSeries, from: Int? = nil, lead: Int = 2, missCost: Double = 5
  ) throws -> Replay {
    let supply = Supply(interval: Grid.binsPerHour, lead: lead, shelfLife: 24)
    return try #require(
      Replay(demand: series, supply: supply, costs: Costs(miss: missCost), from: from))
  }

  @Test(arguments: [false, true], [0, 2])
  func theLearnedPoliciesComeToWhatTheReplaySays(_ topUps: Bool, _ lead: Int) throws {
    var series = try flights.get()
    let from = series.start + 243 * Grid.binsPerDay
    series.requests.removeLast(series.end - from - 10 * Grid.binsPerDay)
    let replay = try replay(series, from: from, lead: lead)
    let ticked = EngineReplay.run(try pool { $0.stock.topsUp = topUps }, over: replay)
    #expect(ticked == replay.run(.learned(topUps: topUps)))
    #expect(ticked.total.requests > 5000)
  }

  @Test func aFixedTargetThatNothingExpiresUnderIsTheReplays() throws {
    let series = demand(days: 12, officeHours)
    let replay = try replay(series)
    let fixed = try pool {
      ($0.stock.isAuto, $0.stock.target, $0.stock.shelfLife) = (false, 40, nil)
    }
    let supply = Supply(interval: Grid.binsPerHour, lead: 2, shelfLife: nil)
    let lasting = try #require(
      Replay(demand: series, supply: supply, costs: replay.costs))
    #expect(EngineReplay.run(fixed, over: lasting) == lasting.run(.fixed(target: 40, use: 0)))
  }

  private static let changes: [@Sendable (inout Pool) -> Void] = [
    { _ in },
    { $0.stock.topsUp = false },
    { $0.stock.reorderAt = 5 },
    { ($0.stock.isAuto, $0.stock.target, $0.stock.reorderAt) = (false, 30, 8) },
    { ($0.stock.isAuto, $0.stock.takesAll, $0.stock.max) = (false, true, 60) },
    { $0.producer?.rate = Rate(items: 40, per: .seconds(3600)) },
    { $0.schedules[0].overlap = .replace },
    { $0.schedules = [] },
    { $0.claims.minRemaining = .seconds(1800) },
  ]

  @Test(arguments: changes.indices)
  func noDecisionSeesWhatIsStillToCome(_ index: Int) throws {
    let series = demand(days: 20, officeHours)
    let now = series.start + 16 * Grid.binsPerDay + 5
    var scrambled = series
    var random = SeededRandom(9)
    for bin in now..<series.end {
      scrambled.requests[bin - series.start] = Int.random(in: 0...50, using: &random)
    }
    let pool = try pool(Self.changes[index])
    func bins(_ series: DemandSeries) throws -> [ReplayedBin] {
      var bins: [ReplayedBin] = []
      let replay = try replay(series, from: series.start + 10 * Grid.binsPerDay)
      _ = EngineReplay.run(pool, over: replay) { bins.append($0) }
      return bins
    }
    let (told, untold) = (try bins(series), try bins(scrambled))
    let before = told.filter { $0.bin < now }
    #expect(before.count > 7 * Grid.binsPerDay)
    #expect(before == untold.filter { $0.bin < now })
    // The decision at `now` comes before its demand.
    #expect(told != untold)
  }

  @Test(arguments: changes.indices, [0, 2, 30])
  func itemsAreConserved(_ index: Int, _ lead: Int) throws {
    let replay = try replay(demand(days: 11, officeHours), lead: lead)
    let result = EngineReplay.run(try pool(Self.changes[index]), over: replay)
    let total = result.total
    #expect(
      result.itemsBefore + total.produced == total.requests - total.missed + total.wasted
        + result.itemsAfter)
    #expect(total.produced > 0)
  }

  @Test func unknownDemandIsLeftOut() throws {
    let whole = demand(days: 21, officeHours)
    let down = whole.start + 15 * Grid.binsPerDay..<whole.start + 16 * Grid.binsPerDay
    var zero = whole
    for bin in down { zero.requests[bin - whole.start] = 0 }
    let results = try [whole.excluding(down), zero].map { series in
      EngineReplay.run(
        try pool(), over: try replay(series, from: series.start + 17 * Grid.binsPerDay))
    }
    // Who takes the outage for a day without requests expects fewer of them.
    #expect(results[0].total.missed <= results[1].total.missed)
    #expect(results[0].total != results[1].total)
  }
}
