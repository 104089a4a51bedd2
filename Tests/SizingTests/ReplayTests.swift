import Testing

@testable import Sizing

struct ReplayTests {
  private static let policies: [SizingPolicy] = [
    .learned(topUps: false), .learned(topUps: true), .fixed(target: 30, use: 1),
    .reorder(at: 10, target: 40),
  ]

  private func replay(
    _ series: DemandSeries, _ supply: Supply = hourly, _ costs: Costs = Costs(miss: 5),
    from: Int? = nil
  ) throws -> Replay {
    try #require(Replay(demand: series, supply: supply, costs: costs, from: from))
  }

  @Test(arguments: policies)
  func whatComesLaterChangesNothingBefore(_ policy: SizingPolicy) throws {
    let series = demand(days: 40, officeHours)
    let now = series.end - 10 * Grid.binsPerDay - 7
    var scrambled = series
    var random = SeededRandom(9)
    for bin in now..<series.end {
      scrambled.requests[bin - series.start] = Int.random(in: 0...50, using: &random)
    }
    func bins(_ series: DemandSeries) throws -> [ReplayedBin] {
      var bins: [ReplayedBin] = []
      _ = try replay(series, from: series.end - 20 * Grid.binsPerDay).run(policy) {
        bins.append($0)
      }
      return bins
    }
    let (told, untold) = (try bins(series), try bins(scrambled))
    let before = told.filter { $0.bin < now }
    #expect(before.count > 11 * Grid.binsPerDay)
    #expect(before == untold.filter { $0.bin < now })
    // The decision at `now` comes before its demand.
    #expect(told.first { $0.bin == now }?.ordered == untold.first { $0.bin == now }?.ordered)
    #expect(told != untold)
  }

  @Test(
    arguments: policies,
    [
      hourly, Supply(interval: 3, lead: 0, shelfLife: 7),
      Supply(interval: 24, lead: 30, shelfLife: 40),
      Supply(interval: 288, lead: 1, shelfLife: nil),
    ])
  func itemsAreConserved(_ policy: SizingPolicy, _ supply: Supply) throws {
    let result = try replay(demand(days: 11, officeHours), supply).run(policy)
    let total = result.total
    #expect(
      result.itemsBefore + total.produced == total.requests - total.missed + total.wasted
        + result.itemsAfter)
    #expect(total.produced > 0)
  }

  @Test func weeksAndHoursAddUp() throws {
    let series = demand(days: 50, officeHours)
    let result = try replay(series, from: series.start + 10 * Grid.binsPerDay + 1)
      .run(.learned(topUps: true))
    #expect(result.evaluated.lowerBound == series.start + 10 * Grid.binsPerDay + 12)
    #expect(result.evaluated.upperBound == series.end - 26 * 12)
    for parts in [result.weeks, result.hours] {
      #expect(parts.reduce(0) { $0 + $1.requests } == result.total.requests)
      #expect(parts.reduce(0) { $0 + $1.missed } == result.total.missed)
      #expect(parts.reduce(0) { $0 + $1.wasted } == result.total.wasted)
      #expect(parts.reduce(0) { $0 + $1.produced } == result.total.produced)
      #expect(parts.reduce(0) { $0 + $1.bins } == result.evaluated.count)
    }
    #expect(result.weeks.count == 6 && result.hours.count == result.evaluated.count / 12)
    let worst = result.worstHours(5)
    #expect(worst.count == 5)
    let costs = worst.map { $0.totals.cost(result.costs) }
    #expect(costs == costs.sorted(by: >) && costs.last ?? 0 > 0)
    #expect(costs[0] == result.hours.map { $0.cost(result.costs) }.max())
  }

  @Test func aFixedTargetIsReplayedAsByHand() throws {
    // Two requests at the beginning of each hour, items that last an hour and come after 10 minutes.
    let hours = 60 * 24
    let series = DemandSeries(
      start: monday, requests: (0..<hours * 12).map { $0 % 12 == 0 ? 2 : 0 })
    let supply = Supply(interval: 12, lead: 2, shelfLife: 12)
    let result = try replay(series, supply).run(.fixed(target: 5, use: 0))
    // What was ordered at 0:00 comes at 0:10 and expires at 1:10: 2 of 5 are used at 1:00, 3 are lost.
    // At 1:00 those 5 count as gone, as far as they are not expected to be used.
    let evaluatedHours = result.evaluated.count / 12
    #expect(result.total.missed == 0)
    #expect(result.total.wasted == 3 * evaluatedHours)
    #expect(result.total.produced == 5 * evaluatedHours)
    #expect(result.total.costPer1000(result.costs) == 1500)
  }

  @Test func aReorderPointOrdersWheneverItIsReached() throws {
    let series = DemandSeries(start: monday, requests: Array(repeating: 1, count: 9000))
    let supply = Supply(interval: 12, lead: 2, shelfLife: nil)
    let result = try replay(series, supply).run(.reorder(at: 2, target: 12))
    #expect(result.total.missed == 0 && result.total.wasted == 0)
    // 10 items each 10 bins; one in 12 falls on the schedule's time or not at all.
    #expect(abs(result.total.produced - result.evaluated.count) <= 10)
    #expect(result.total.extraRuns > 0)
  }

  @Test func theBestFixedTargetIsTheCheapest() throws {
    let replay = try replay(demand(days: 20, officeHours))
    let best = replay.bestFixed()
    let costs = (0...120).map { replay.run(replay.fixed($0)).total.cost(replay.costs) }
    #expect(best.result.total.cost(replay.costs) == costs.min())
    #expect(costs[best.target] == costs.min())
  }

  @Test func learnedTargetsCostLessThanTheBestFixedOne() throws {
    let replay = try replay(demand(days: 40, officeHours))
    let best = replay.bestFixed().result.total.cost(replay.costs)
    let hourly = replay.run(.learned(topUps: false)).total.cost(replay.costs)
    let toppedUp = replay.run(.learned(topUps: true)).total.cost(replay.costs)
    #expect(hourly < 0.5 * best)
    #expect(toppedUp < hourly)
  }

  @Test func topUpsServeWhatLastsShorterThanAnInterval() throws {
    let supply = Supply(interval: Grid.binsPerDay, lead: 2, shelfLife: 12)
    let replay = try replay(demand(days: 40, officeHours), supply)
    let best = replay.bestFixed().result.total.cost(replay.costs)
    #expect(replay.run(.learned(topUps: true)).total.cost(replay.costs) < 0.5 * best)
  }

  @Test func withoutDemandNothingIsProduced() throws {
    let series = demand(days: 40) { _ in 0 }
    let replay = try replay(series)
    for topUps in [false, true] {
      let total = replay.run(.learned(topUps: topUps)).total
      #expect(total.produced == 0 && total.missed == 0 && total.costPer1000(replay.costs) == nil)
    }
    #expect(replay.bestFixed().target == 0)
  }

  @Test func aNewPoolIsReplayedFromItsFirstHour() throws {
    let series = demand(days: 6) { _ in 12 }
    let replay = try replay(series, from: series.start)
    let total = replay.run(.learned(topUps: true)).total
    #expect(total.bins == series.requests.count - 26 * 12)
    #expect(Double(total.missed) < 0.1 * Double(total.requests))
  }

  @Test(arguments: 1...6)
  func wildDemandIsServedToo(_ seed: UInt64) throws {
    var random = SeededRandom(seed)
    let requests = (0..<12 * Grid.binsPerDay).map { _ -> Int? in
      switch Int.random(in: 0..<20, using: &random) {
      case 0: nil
      case 1: Int.random(in: 0...1_000_000_000, using: &random)
      case 2..<10: 0
      default: Int.random(in: 0...20, using: &random)
      }
    }
    let supply = Supply(
      interval: Int.random(in: 1...300, using: &random),
      lead: Int.random(in: 0...40, using: &random),
      shelfLife: Int.random(in: 1...300, using: &random))
    let costs = Costs(
      miss: Double.random(in: 0...100, using: &random), waste: Double(seed % 3),
      holding: seed % 4 == 0 ? 0.1 : 0)
    let series = DemandSeries(start: monday + Int(seed), requests: requests)
    let result = try replay(series, supply, costs).run(.learned(topUps: true))
    let total = result.total
    #expect(
      result.itemsBefore + total.produced == total.requests - total.missed + total.wasted
        + result.itemsAfter)
    #expect(total.requests > 0 && total.missed >= 0 && total.wasted >= 0)
  }

  @Test func demandHasToBeLongerThanADayAndTwoHours() {
    let day = demand(days: 1, officeHours)
    #expect(Replay(demand: day, supply: hourly, costs: Costs(miss: 5)) == nil)
    let days = demand(days: 3, officeHours)
    #expect(
      Replay(demand: days, supply: hourly, costs: Costs(miss: 5), from: days.end - 300) == nil)
  }

  @Test func shelvesGiveFirstWhatExpiresFirst() {
    var shelf = Shelf([
      Shelf.Batch(readyAt: 0, expiresAt: nil, items: 5),
      Shelf.Batch(readyAt: 0, expiresAt: 9, items: 2),
    ])
    shelf.add(Shelf.Batch(readyAt: 4, expiresAt: 8, items: 3))
    #expect(shelf.position == 10 && shelf.available(at: 0) == 7 && shelf.awaits(at: 3))
    #expect(shelf.serve(3, at: 0) == 0)
    #expect(shelf.batches.map(\.items) == [3, 4])
    #expect(shelf.expiringUnused(from: 0, bins: 8, use: 0.25) == 0)
    #expect(shelf.expiringUnused(from: 0, bins: 9, use: 0.25) == 1)
    #expect(shelf.expire(at: 7) == 0 && shelf.expire(at: 8) == 3)
    #expect(shelf.serve(6, at: 8) == 2 && shelf.position == 0)
  }
}
