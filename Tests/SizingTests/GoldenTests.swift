import Testing

@testable import Sizing

/// The figures of the method's reference for flights, from day 243 on with a lead of 10 minutes.
@Suite struct GoldenTests {
  private static let firstDay = 243
  private static let probeHours = 249

  private func supply(hours: Int) -> Supply {
    Supply(interval: Grid.binsPerHour, lead: 2, shelfLife: hours * Grid.binsPerHour)
  }

  private func check(_ plan: Plan, targets: [Int], life: Double, dispersion: Double) throws {
    for (cost, target) in zip([1.0, 5, 20], targets) {
      let (until, life) = (plan.untilNext.distribution, plan.life.distribution)
      #expect(Costs(miss: cost).target(until: until, life: life, reach: plan.reach) == target)
    }
    #expect(abs(plan.untilNext.mean - 69.4969) < 1e-3)
    #expect(abs(plan.untilNext.dispersion - 0.0001) < 1e-6)
    #expect(abs(plan.life.mean - life) < 1e-3)
    #expect(abs(plan.life.dispersion - dispersion) < 1e-6)
    let (constant, hour, day) = try #require(plan.coefficients)
    #expect(abs(constant - 0.059) < 1e-4)
    #expect(abs(hour - 0.3619) < 1e-4)
    #expect(abs(day - 0.3062) < 1e-4)
  }

  @Test func plansAndCountsAreThoseOfTheReference() throws {
    let series = try flights.get()
    let from = series.start + Self.firstDay * Grid.binsPerDay
    let replay = try #require(
      Replay(demand: series, supply: supply(hours: 2), costs: Costs(miss: 5), from: from))
    var plan: Plan?
    let total = replay.run(.learned(topUps: true)) {
      if $0.bin == from + Self.probeHours * Grid.binsPerHour { plan = $0.plan }
    }.total
    let probe = try #require(plan)
    #expect(probe.target == 94)
    try check(probe, targets: [92, 94, 97], life: 118.8871, dispersion: 0.0001)
    #expect(total.requests == 111_076)
    #expect(total.missed == 13 && total.wasted == 1100 && total.produced == 112_175)
    #expect(abs(total.meanStock - 38.650) < 1e-3)
    #expect(abs(total.extraRunsPerHour - 0.0176) < 1e-4)
  }

  @Test func plansForLongerLivesAreThoseOfTheReference() throws {
    let series = try flights.get()
    let probe =
      series.start + Self.firstDay * Grid.binsPerDay + Self.probeHours * Grid.binsPerHour
    let plan = Planner(after: series, upTo: probe, supply: supply(hours: 6)).plan()
    #expect(plan.target == 150)
    try check(plan, targets: [150, 150, 150], life: 344.7740, dispersion: 0.001858)
  }

  @Test func aPlannerMadeAnewFromNineWeeksServesAsWell() throws {
    let series = try flights.get()
    let from = series.start + Self.firstDay * Grid.binsPerDay
    func cost(weeksBefore weeks: Int) throws -> Double {
      let start = from - Replay.warmUp - weeks * Grid.binsPerWeek
      let end = from + 4 * Grid.binsPerWeek
      let part = DemandSeries(
        start: start, requests: Array(series.requests[start - series.start..<end - series.start]))
      let replay = try #require(
        Replay(demand: part, supply: supply(hours: 2), costs: Costs(miss: 5), from: from))
      return replay.run(.learned(topUps: false)).total.cost(replay.costs)
    }
    #expect(try cost(weeksBefore: 9) < 1.02 * cost(weeksBefore: 20))
  }
}
