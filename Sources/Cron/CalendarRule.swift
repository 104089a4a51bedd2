/// The local times that an expression's fields select, on a calendar without a time zone.
///
/// Local times are in seconds since 1970-01-01T00:00:00 of the same calendar.
struct CalendarRule: Sendable, Hashable {
  var days: DaySet
  var clock: ClockSet
  /// True if each nominal local time fires once (neither minute nor hour starts with a star);
  /// false if every instant fires whose local time matches.
  var isWallClock: Bool

  /// The first selected local time at or after one; nil if none comes in 400 years.
  func first(atOrAfter local: Int64) -> Int64? {
    let day = floorDivide(local, by: secondsPerDay)
    let date = CivilDate(daysSinceEpoch: day)
    if contains(date), let time = clock.first(atOrAfter: local - day * secondsPerDay) {
      return day * secondsPerDay + time
    }
    return days.first(after: date).map { $0 * secondsPerDay + clock.first }
  }

  /// The last selected local time at or before one; nil if none came in 400 years.
  func last(atOrBefore local: Int64) -> Int64? {
    let day = floorDivide(local, by: secondsPerDay)
    let date = CivilDate(daysSinceEpoch: day)
    if contains(date), let time = clock.last(atOrBefore: local - day * secondsPerDay) {
      return day * secondsPerDay + time
    }
    return days.last(before: date).map { $0 * secondsPerDay + clock.last }
  }

  private func contains(_ date: CivilDate) -> Bool {
    days.mask(month: date.month, year: date.year).days & (1 << UInt32(date.day)) != 0
  }
}
