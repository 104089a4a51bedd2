import Cron
import Larder
import Testing

@testable import Sizing

struct PlannerTests {
  // MARK: State

  @Test func aPlannerThatIsKeptEqualsOneThatIsMadeAnew() {
    let series = demand(days: 30, officeHours)
    var kept = Planner(supply: hourly, start: series.start)
    for bin in series.start..<series.end {
      kept.observe(series[bin])
      if bin % 977 == 0 {
        // Plans change nothing.
        _ = kept.plan()
        _ = kept.topUp(nextOrder: kept.next + 3, costs: Costs(miss: 5))
        #expect(kept == Planner(after: series, upTo: bin + 1))
      }
    }
    #expect(kept.plan() == Planner(after: series).plan())
    var other = series
    other.requests[series.requests.count - 5000]! += 1
    #expect(kept != Planner(after: other))
  }

  @Test func afterEightWeeksWithoutNewsAPlannerBeginsAnew() {
    let before = demand(days: 20, officeHours)
    let weeks = demand(
      days: 3, start: before.end + 9 * Grid.binsPerWeek, seed: 2, officeHours)
    var planner = Planner(after: before)
    while planner.next < weeks.start { planner.observe(nil) }
    for requests in weeks.requests { planner.observe(requests) }
    #expect(planner == Planner(after: weeks))
  }

  // MARK: Cold start

  @Test func aPoolThatNothingIsKnownOfIsExpectedToSeeARequestAnHour() {
    let plan = Planner(supply: hourly, start: monday).plan()
    #expect(abs(plan.untilNext.mean - 14.0 / 12) < 1e-9)
    #expect(plan.untilNext.dispersion == 0.3)
    #expect(plan.target > 0)
  }

  @Test func onTheFirstDayTheRateIsThatOfTheLastSixHoursWithTheGuess() {
    var planner = Planner(supply: hourly, start: monday + 5)
    for _ in 0..<10 * Grid.binsPerHour { planner.observe(2) }
    // 6 hours of 24 and 2 of 1, over 8.
    #expect(abs(planner.plan().untilNext.mean - (6 * 24 + 2) / 8 * 14.0 / 12) < 1)
    for _ in 0..<3 * Grid.binsPerHour { planner.observe(0) }
    #expect(abs(planner.plan().untilNext.mean - 74.0 / 8 * 14 / 12) < 1e-9)
  }

  @Test func inTheFirstWeekTheHourOfTheDayIsWhatIsUsual() {
    let series = demand(days: 4) { (8..<18).contains($0 % 24) ? 60 : 3 }
    let night = Planner(after: series, upTo: series.end - 3 * Grid.binsPerDay / 24).plan()
    let noon = Planner(after: series, upTo: series.end - Grid.binsPerDay / 2).plan()
    #expect(night.untilNext.mean < 8 && noon.untilNext.mean > 50 && noon.untilNext.mean < 95)
    #expect(noon.untilNext.dispersion == 0.15 && noon.carried == nil)
  }

  @Test func afterAWeekThePlanCarriesLevelsForward() {
    let series = demand(days: 8, officeHours)
    let end = series.start + 7 * Grid.binsPerDay
    #expect(Planner(after: series, upTo: end - 1).plan().carried == nil)
    let plan = Planner(after: series, upTo: end).plan()
    #expect(plan.carried?.lastHour == 0.3 && plan.carried?.lastDay == 0.2)
  }

  // MARK: Forecasts

  @Test func withoutDemandNothingIsOrdered() {
    let plan = Planner(after: demand(days: 70) { _ in 0 }).plan(Costs(miss: 20))
    #expect(plan.untilNext.mean == 0.02)
    #expect(plan.target == 0)
  }

  @Test func constantDemandIsForecastAsItIs() {
    let constant = DemandSeries(
      start: monday, requests: Array(repeating: 3, count: 70 * Grid.binsPerDay))
    let plan = Planner(after: constant).plan()
    #expect(abs(plan.untilNext.mean - 42) < 0.1)
    #expect(abs(plan.life.mean - 78) < 0.2)
    // What never varied is still taken for chance.
    #expect(abs(plan.untilNext.dispersion - 1e-4) < 1e-9)
    #expect((42...66).contains(plan.target))
    #expect(plan.likely.contains(42))
  }

  @Test func chancesAreThoseOfTheTarget() {
    let plan = Planner(after: demand(days: 40, officeHours)).plan()
    #expect(plan.chanceToRunOut(of: plan.target) > 0 && plan.chanceToRunOut(of: plan.target) < 0.5)
    // The last item of the target is worth its cost, and one more would not be.
    let (until, life) = (plan.untilNext.distribution, plan.life.distribution)
    #expect(5 * (1 - until.atMost(plan.target - 1)) > plan.chanceOfWaste(of: plan.target))
    #expect(5 * plan.chanceToRunOut(of: plan.target) <= life.atMost(plan.target))
    #expect(until.atMost(plan.likely.lowerBound - 1) < 0.1)
    #expect(until.atMost(plan.likely.upperBound) >= 0.9)
  }

  @Test func aSpanOfAnotherLengthHasItsShareOfTheForecast() {
    let planner = Planner(after: demand(days: 40) { _ in 24 })
    let hour = planner.plan(nextOrder: planner.next + 12, costs: Costs(miss: 5))
    let half = planner.plan(nextOrder: planner.next + 6, costs: Costs(miss: 5))
    #expect(abs(half.untilNext.mean / hour.untilNext.mean - 8.0 / 14) < 0.05)
    #expect(half.target < hour.target)
  }

  @Test func anOrderIsNotForLongerThanItsItemsLast() {
    let short = Supply(interval: Grid.binsPerDay, lead: 2, shelfLife: 6)
    let planner = Planner(after: demand(days: 40) { _ in 24 }, supply: short)
    let plan = planner.plan()
    #expect(plan.bins == 8 && abs(plan.untilNext.mean - 16) < 3)
  }

  @Test(arguments: [
    (12, 2, 24, 14, 26), (12, 2, 6, 8, 8), (12, 0, 12, 12, 12), (12, 2, nil, 14, 2018),
    (288, 2, 30 * 288, 290, 2018), (2016, 2, nil, 2018, 4034), (2016, 2, 288, 290, 290),
    (9000, 12, nil, 8064, 8064),
  ])
  func windowsEndWithTheNextOrderOrTheShelfLife(
    _ interval: Int, _ lead: Int, _ shelfLife: Int?, _ untilNext: Int, _ life: Int
  ) {
    let supply = Supply(interval: interval, lead: lead, shelfLife: shelfLife)
    #expect(supply.untilNext == untilNext && supply.life == life)
  }

  // MARK: What is left out

  @Test func whatNobodyCountedIsNotZero() {
    var series = demand(days: 70) { _ in 24 }
    let whole = Planner(after: series).plan()
    // A week and a half, and the end of the last day.
    series = series.excluding(series.end - 30 * Grid.binsPerDay..<series.end - 20 * Grid.binsPerDay)
    series = series.excluding(series.end - 7..<series.end)
    let holed = Planner(after: series).plan()
    #expect(abs(holed.untilNext.mean / whole.untilNext.mean - 1) < 0.1)
    #expect(abs(holed.target - whole.target) <= 4)
  }

  @Test func withoutHoursLikeItTheMeanIsUsual() {
    // 8 days, 9 that are unknown, and a little more.
    var series = demand(days: 18) { _ in 24 }
    series = series.excluding(
      series.start + 8 * Grid.binsPerDay..<series.start + 17 * Grid.binsPerDay)
    let plan = Planner(after: series, upTo: series.end - 30).plan()
    #expect((15.0...45).contains(plan.untilNext.mean))
  }

  @Test func anOddWeekMovesWhatIsUsualByLittle() {
    let series = demand(days: 70) { _ in 24 }
    var odd = series
    let week = series.requests.count - 9 * Grid.binsPerDay
    for place in week..<week + Grid.binsPerDay { odd.requests[place] = 100 }
    let at = series.end - 2 * Grid.binsPerDay
    let usual = Planner(after: series, upTo: at).plan().usualOfHour
    #expect(Planner(after: odd, upTo: at).plan().usualOfHour < 3.2 * usual)
  }

  // MARK: Calendars

  @Test(arguments: ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"])
  func usualDemandFollowsTheClocks(_ name: String) throws {
    let zone = try Zone.load(name)
    // A peak from 8 to 9 local time. Clocks change in October or November.
    let start = 20_700 * Grid.binsPerDay
    func local(_ hour: Int) -> Int { (hour * 3600 + Int(zone.offset(at: Int64(hour) * 3600))) }
    let series = demand(days: 75, start: start) { local($0) % 86_400 / 3600 == 8 ? 60 : 4 }
    let hours = Grid.hour(of: series.start)..<Grid.hour(of: series.end) + 100
    let calendar = LocalCalendar(zone: zone, over: hours)
    var planner = Planner(supply: hourly, calendar: calendar, start: series.start)
    var peaks = 0
    while planner.next < series.end {
      let hour = Grid.hour(of: planner.next)
      if planner.next % Grid.binsPerHour == 0, planner.next > start + 30 * Grid.binsPerDay,
        local(hour) % 86_400 / 3600 == 8
      {
        peaks += 1
        #expect(planner.plan().usualOfHour > 30)
      }
      planner.observe(series[planner.next])
    }
    #expect(peaks > 42)
  }

  @Test func aHolidayIsAsTheWeekdayThatItIsTreatedAs() {
    let series = demand(days: 63, officeHours)
    // The Monday after the last day; its noon is 12 hours on.
    let day = Grid.hour(of: series.end) / 24
    let asSunday = LocalCalendar(overrides: [day: 0])
    func usual(_ calendar: LocalCalendar, _ supply: Supply) -> Double {
      var planner = Planner(after: series, supply: supply, calendar: calendar)
      for hour in 0..<12 {
        for _ in 0..<Grid.binsPerHour { planner.observe(hour < 8 ? 0 : 1) }
      }
      return planner.plan().usualOfHour
    }
    // The days before have their share in both.
    #expect(usual(.utc, hourly) > 27)
    #expect(usual(asSunday, hourly) < 12)
  }

  @Test func daysThatAreTreatedAsOthersTellNothingOfTheirOwnWeekday() {
    let last = Grid.hour(of: monday) / 24 + 63
    // Every second Monday was a holiday.
    let holidays = [last - 7, last - 21, last - 35]
    let series = demand(days: 63) {
      holidays.contains($0 / 24) ? 0 : officeHours($0)
    }
    func usual(_ calendar: LocalCalendar) -> Double {
      var planner = Planner(after: series, calendar: calendar)
      for _ in 0..<Grid.binsPerDay / 2 { planner.observe(1) }
      return planner.plan().usualOfHour
    }
    let overrides = Dictionary(uniqueKeysWithValues: holidays.map { ($0, 0) })
    #expect(usual(LocalCalendar(overrides: overrides)) > usual(.utc) + 5)
  }
}
