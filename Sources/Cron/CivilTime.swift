/// A date and a time of day, without a time zone: what a calendar and a clock on a wall show.
package struct CivilTime: Sendable, Hashable, Comparable {
  /// The date.
  package let date: CivilDate
  /// The hour, 0 to 23.
  package let hour: Int
  /// The minute, 0 to 59.
  package let minute: Int
  /// The second, 0 to 59: POSIX time has no second 60.
  package let second: Int

  /// The time, or nil if the clock has no such time.
  package init?(date: CivilDate, hour: Int, minute: Int, second: Int) {
    guard (0...23).contains(hour), (0...59).contains(minute), (0...59).contains(second)
    else { return nil }
    self.date = date
    self.hour = hour
    self.minute = minute
    self.second = second
  }

  /// The time a number of seconds after 1970-01-01T00:00:00, counted without leap seconds.
  ///
  /// For an instant this is its time in UTC; with a zone's offset added, its local time there.
  package init(secondsSinceEpoch: Int64) {
    let days = floorDivide(secondsSinceEpoch, by: secondsPerDay)
    let rest = Int(floorRemainder(secondsSinceEpoch, by: secondsPerDay))
    date = CivilDate(daysSinceEpoch: days)
    hour = rest / 3_600
    minute = rest / 60 % 60
    second = rest % 60
  }

  /// Seconds from 1970-01-01T00:00:00 to this time, counted without leap seconds.
  package var secondsSinceEpoch: Int64 {
    date.daysSinceEpoch * secondsPerDay + Int64(hour * 3_600 + minute * 60 + second)
  }

  /// Orders times by calendar and clock.
  package static func < (left: CivilTime, right: CivilTime) -> Bool {
    (left.date, left.hour, left.minute, left.second)
      < (right.date, right.hour, right.minute, right.second)
  }
}
