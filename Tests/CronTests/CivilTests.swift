import Cron
import Testing

struct CivilTests {
  @Test func everyDayOfTwoCyclesFollowsTheOneBefore() {
    var (year, month, day) = (1600, 3, 1)
    let first = CivilDate(year: year, month: month, day: day)!.daysSinceEpoch
    for days in first..<first + 2 * CivilDate.cycleDays {
      let date = CivilDate(daysSinceEpoch: days)
      guard (date.year, date.month, date.day) == (year, month, day), date.daysSinceEpoch == days
      else {
        Issue.record("day \(days) is \(date), not \(year)-\(month)-\(day)")
        return
      }
      day += 1
      if CivilDate(year: year, month: month, day: day) == nil { (month, day) = (month + 1, 1) }
      if month == 13 { (year, month) = (year + 1, 1) }
    }
  }

  @Test(arguments: [
    (1970, 1, 1, 4), (2000, 2, 29, 2), (1900, 3, 1, 4), (2026, 11, 24, 2), (1, 1, 1, 1),
    (9999, 12, 31, 5), (0, 3, 1, 3), (-4, 2, 29, 4),
  ])
  func knowsWeekdays(_ year: Int, _ month: Int, _ day: Int, _ weekday: Int) throws {
    let date = try #require(CivilDate(year: year, month: month, day: day))
    #expect(date.weekday == weekday)
    #expect(CivilDate(daysSinceEpoch: date.daysSinceEpoch) == date)
  }

  @Test(arguments: [
    (2027, 2, 29), (1900, 2, 29), (2027, 4, 31), (2027, 0, 1), (2027, 13, 1), (2027, 1, 0),
    (2027, 1, 32),
  ])
  func refusesDatesThatDontExist(_ year: Int, _ month: Int, _ day: Int) {
    #expect(CivilDate(year: year, month: month, day: day) == nil)
  }

  @Test func refusesTimesThatDontExist() throws {
    let date = try #require(CivilDate(year: 2027, month: 1, day: 1))
    #expect(CivilTime(date: date, hour: 24, minute: 0, second: 0) == nil)
    #expect(CivilTime(date: date, hour: 0, minute: 60, second: 0) == nil)
    #expect(CivilTime(date: date, hour: 23, minute: 59, second: 60) == nil)
    #expect(CivilTime(date: date, hour: -1, minute: 0, second: 0) == nil)
  }

  @Test func timesAgreeWithTheCLibrary() {
    var random = Seeded(1)
    for _ in 0..<2_000 {
      let bounds = SupportedInstants.earliest + 31_622_400_000...SupportedInstants.latest
      let seconds = Int64.random(in: bounds, using: &random)
      let time = CivilTime(secondsSinceEpoch: seconds)
      #expect(time.secondsSinceEpoch == seconds)
      let shown = text(seconds)
      let digits = shown.split { !$0.isNumber }.compactMap { Int($0) }
      #expect(
        digits == [
          time.date.year, time.date.month, time.date.day, time.hour, time.minute, time.second,
        ])
    }
  }

  @Test func anyInstantHasATime() {
    for seconds in [Int64.min, -1, 0, Int64.max] {
      #expect((0...59).contains(CivilTime(secondsSinceEpoch: seconds).second))
    }
    #expect(CivilTime(secondsSinceEpoch: -1).second == 59)
  }

  @Test func ordersByTheCalendar() throws {
    let early = CivilTime(secondsSinceEpoch: 86_399)
    let late = CivilTime(secondsSinceEpoch: 86_400)
    #expect(early < late)
    #expect(early.date < late.date)
    #expect(!(late < early))
  }
}
