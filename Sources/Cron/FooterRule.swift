/// The rule in the footer of a TZif file: the offsets of all years after its table.
struct FooterRule: Sendable, Equatable {
  /// Seconds east of UTC, outside of daylight saving time.
  var standardOffset: Int64
  /// Daylight saving time, where the zone has it.
  var daylight: Daylight?

  /// The yearly change to another offset and back.
  struct Daylight: Sendable, Equatable {
    /// Seconds east of UTC; less than the standard one where the zone calls winter its saving.
    var offset: Int64
    /// The change to `offset`, in standard time.
    var start: Change
    /// The change back, in daylight saving time.
    var end: Change
  }

  /// A day of each year and a time on it.
  struct Change: Sendable, Equatable {
    var day: Day
    /// Seconds after local midnight; RFC 9636 allows a week before and after.
    var time: Int64
  }

  /// A day of each year, as POSIX has them.
  enum Day: Sendable, Equatable {
    /// `Jn`: 1 to 365, February 29 is never counted.
    case julian(Int)
    /// `n`: 0 to 365, February 29 is counted.
    case zeroBased(Int)
    /// `Mm.w.d`: weekday d of week w (5: the last) of month m.
    case weekday(month: Int, week: Int, weekday: Int)
  }

  /// All offsets of the rule.
  var offsets: [Int64] { [standardOffset] + (daylight.map { [$0.offset] } ?? []) }

  /// The stretch of constant offset that an instant lies in.
  func segment(at instant: Int64) -> ZoneSegment {
    var segment = ZoneSegment(
      start: SupportedInstants.distantPast, end: SupportedInstants.distantFuture,
      offset: standardOffset)
    guard let daylight else { return segment }
    let year = CivilDate(daysSinceEpoch: floorDivide(instant, by: secondsPerDay)).year
    // A change may lie a week outside of its year, so that last year's may all be yet to come.
    for candidate in year - 2...year + 2 {
      let jan1 = CivilDate.daysSinceEpoch(year: candidate, month: 1, day: 1)
      let leap = CivilDate.isLeapYear(candidate)
      let start = daylight.start.local(jan1: jan1, leap: leap) - standardOffset
      let end = daylight.end.local(jan1: jan1, leap: leap) - daylight.offset
      segment.meet(start, changingTo: daylight.offset, seenFrom: instant)
      // Last, so that a saving of no length is none.
      segment.meet(end, changingTo: standardOffset, seenFrom: instant)
    }
    return segment
  }
}

extension ZoneSegment {
  /// Narrows the segment by a change of offset; of changes at one instant the later met holds.
  fileprivate mutating func meet(
    _ change: Int64, changingTo newOffset: Int64, seenFrom instant: Int64
  ) {
    if change > instant {
      end = min(end, change)
    } else if change >= start {
      start = change
      offset = newOffset
    }
  }
}

extension FooterRule.Change {
  /// The local time of the change in the year that begins on a day, in seconds.
  fileprivate func local(jan1: Int64, leap: Bool) -> Int64 {
    (jan1 + day.offset(jan1: jan1, leap: leap)) * secondsPerDay + time
  }
}

extension FooterRule.Day {
  /// Days after January 1.
  fileprivate func offset(jan1: Int64, leap: Bool) -> Int64 {
    switch self {
    case .julian(let day):
      return Int64(leap && day >= 60 ? day : day - 1)
    case .zeroBased(let day):
      return Int64(day)
    case .weekday(let month, let week, let weekday):
      let first = daysBefore(month: month, leap: leap)
      let firstWeekday = CivilDate.weekday(ofDay: jan1 + first)
      var day = first + Int64((weekday - firstWeekday + 7) % 7) + Int64(7 * (week - 1))
      if day >= daysBefore(month: month + 1, leap: leap) { day -= 7 }
      return day
    }
  }

  private func daysBefore(month: Int, leap: Bool) -> Int64 {
    let common = Int64((367 * month - 362) / 12)
    return month <= 2 ? common : common - (leap ? 1 : 2)
  }
}
