/// A date of the proleptic Gregorian calendar, without a time zone.
package struct CivilDate: Sendable, Hashable, Comparable {
  /// The astronomical year: 0 is the year before year 1.
  package let year: Int
  /// The month, 1 to 12.
  package let month: Int
  /// The day of the month, from 1.
  package let day: Int

  /// Years after which dates and weekdays repeat.
  package static let cycleYears = 400
  /// Days in 400 years.
  package static let cycleDays: Int64 = 146_097

  /// The date, or nil if the calendar has no such date.
  package init?(year: Int, month: Int, day: Int) {
    guard (1...12).contains(month), day >= 1,
      day <= CivilDate.daysInMonth(month, ofYear: year)
    else { return nil }
    self.init(uncheckedYear: year, month: month, day: day)
  }

  private init(uncheckedYear year: Int, month: Int, day: Int) {
    self.year = year
    self.month = month
    self.day = day
  }

  /// The date a number of days after 1970-01-01 (before it, if negative).
  ///
  /// Days may be any that come from an instant in Int64 seconds.
  package init(daysSinceEpoch: Int64) {
    // Years are counted from March, so that the leap day is the last of its year.
    let days = daysSinceEpoch + CivilDate.daysFromMarchOfYear0ToEpoch
    let cycle = floorDivide(days, by: CivilDate.cycleDays)
    let dayOfCycle = days - cycle * CivilDate.cycleDays
    let leapDaysPassed = dayOfCycle / 1_460 - dayOfCycle / 36_524 + dayOfCycle / 146_096
    let yearOfCycle = (dayOfCycle - leapDaysPassed) / 365
    let dayOfYear = dayOfCycle - (365 * yearOfCycle + yearOfCycle / 4 - yearOfCycle / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    let year = cycle * Int64(CivilDate.cycleYears) + yearOfCycle + (month <= 2 ? 1 : 0)
    self.init(uncheckedYear: Int(year), month: Int(month), day: Int(day))
  }

  /// Days from 1970-01-01 to this date.
  package var daysSinceEpoch: Int64 {
    CivilDate.daysSinceEpoch(year: year, month: month, day: day)
  }

  /// The day of the week, 0 for Sunday to 6 for Saturday.
  package var weekday: Int { CivilDate.weekday(ofDay: daysSinceEpoch) }

  /// The day of the week of a day counted from 1970-01-01, which was a Thursday; 0 is Sunday.
  package static func weekday(ofDay daysSinceEpoch: Int64) -> Int {
    Int(floorRemainder(daysSinceEpoch + 4, by: 7))
  }

  /// True if the year has a 29th of February.
  package static func isLeapYear(_ year: Int) -> Bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
  }

  /// The number of days of a month (1 to 12).
  package static func daysInMonth(_ month: Int, ofYear year: Int) -> Int {
    if month == 2 { return isLeapYear(year) ? 29 : 28 }
    // April, June, September and November: long and short months alternate, anew from August.
    return 30 + ((month + month / 8) & 1)
  }

  /// Days from 1970-01-01 to a date that the caller knows to exist.
  static func daysSinceEpoch(year: Int, month: Int, day: Int) -> Int64 {
    let marchYear = Int64(month <= 2 ? year - 1 : year)
    let monthFromMarch = Int64(month <= 2 ? month + 9 : month - 3)
    let cycle = floorDivide(marchYear, by: Int64(cycleYears))
    let yearOfCycle = marchYear - cycle * Int64(cycleYears)
    let dayOfYear = (153 * monthFromMarch + 2) / 5 + Int64(day) - 1
    let dayOfCycle = 365 * yearOfCycle + yearOfCycle / 4 - yearOfCycle / 100 + dayOfYear
    return cycle * cycleDays + dayOfCycle - daysFromMarchOfYear0ToEpoch
  }

  /// Days from 0000-03-01 to 1970-01-01.
  private static let daysFromMarchOfYear0ToEpoch: Int64 = 719_468

  /// Orders dates by the calendar.
  package static func < (left: CivilDate, right: CivilDate) -> Bool {
    (left.year, left.month, left.day) < (right.year, right.month, right.day)
  }
}
