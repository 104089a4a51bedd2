/// The days that an expression's day of month, month and day of week select.
///
/// Months are seen as bit masks of their days (bit 1 is the first), which depend on two things
/// only: how long the month is and on which weekday it begins.
struct DaySet: Sendable, Hashable {
  /// Bit n: month n.
  var months: UInt16 = 0
  var byMonth = MonthDays()
  var byWeek = WeekDays()
  /// True if a day must satisfy both fields; false if either is enough.
  var needsBoth = false

  /// The days selected by the day-of-month field.
  struct MonthDays: Sendable, Hashable {
    /// Bit n: day n.
    var days: UInt32 = 0
    /// Bit n: the last day but n.
    var fromLast: UInt32 = 0
    /// The last Monday to Friday.
    var lastWorkday = false
    /// Bit n: the Monday to Friday nearest to day n.
    var nearWorkdays: UInt32 = 0
  }

  /// The days selected by the day-of-week field.
  struct WeekDays: Sendable, Hashable {
    /// Bit d: every weekday d, 0 for Sunday.
    var everyWeek: UInt8 = 0
    /// Element k - 1, bit d: the k-th weekday d of the month.
    var ofWeek: [UInt8] = []
    /// Bit d: the last weekday d of the month.
    var last: UInt8 = 0
  }

  /// True if the month (1 to 12) is selected.
  func contains(month: Int) -> Bool { months & (1 << UInt16(month)) != 0 }

  /// The selected days of a month, of those that a selected month would have.
  func mask(length: Int, firstWeekday: Int) -> UInt32 {
    let left = byMonth.mask(length: length, firstWeekday: firstWeekday)
    let right = byWeek.mask(length: length, firstWeekday: firstWeekday)
    return needsBoth ? left & right : left | right
  }

  /// The selected days of a month of a year, none if the month is not selected.
  func mask(month: Int, year: Int) -> (days: UInt32, firstDay: Int64) {
    let firstDay = CivilDate.daysSinceEpoch(year: year, month: month, day: 1)
    guard contains(month: month) else { return (0, firstDay) }
    let length = CivilDate.daysInMonth(month, ofYear: year)
    return (mask(length: length, firstWeekday: CivilDate.weekday(ofDay: firstDay)), firstDay)
  }

  /// The first selected day later than a date, in days since the epoch.
  func first(after date: CivilDate) -> Int64? {
    var (days, firstDay) = mask(month: date.month, year: date.year)
    days &= ~lowBits(through: date.day)
    var later = months & ~lowMonths(through: date.month)
    var year = date.year
    while days == 0 {
      if later == 0 {
        year += 1
        later = months
        guard year <= date.year + CivilDate.cycleYears, months != 0 else { return nil }
      }
      let month = later.trailingZeroBitCount
      later &= later - 1
      (days, firstDay) = mask(month: month, year: year)
    }
    return firstDay + Int64(days.trailingZeroBitCount - 1)
  }

  /// The last selected day earlier than a date, in days since the epoch.
  func last(before date: CivilDate) -> Int64? {
    var (days, firstDay) = mask(month: date.month, year: date.year)
    days &= lowBits(through: date.day - 1)
    var earlier = months & lowMonths(through: date.month - 1)
    var year = date.year
    while days == 0 {
      if earlier == 0 {
        year -= 1
        earlier = months
        guard year >= date.year - CivilDate.cycleYears, months != 0 else { return nil }
      }
      let month = 15 - earlier.leadingZeroBitCount
      earlier &= ~(1 << UInt16(month))
      (days, firstDay) = mask(month: month, year: year)
    }
    return firstDay + Int64(31 - days.leadingZeroBitCount - 1)
  }

  /// True if the mask of some month of the 400-year cycle has a day.
  ///
  /// In the cycle every month begins on every weekday, and so does each length of February.
  func occurs(_ mask: (_ length: Int, _ firstWeekday: Int) -> UInt32) -> Bool {
    for month in 1...12 where contains(month: month) {
      let lengths = month == 2 ? 28...29 : monthLength(month)...monthLength(month)
      for length in lengths {
        for firstWeekday in 0..<7 where mask(length, firstWeekday) != 0 { return true }
      }
    }
    return false
  }

  private func monthLength(_ month: Int) -> Int {
    CivilDate.daysInMonth(month, ofYear: 1)
  }

  private func lowMonths(through month: Int) -> UInt16 { UInt16(2) << UInt16(month) - 1 }
}

/// Bits 0 to `day`; days beyond 31 don't come.
private func lowBits(through day: Int) -> UInt32 {
  UInt32(truncatingIfNeeded: (UInt64(2) << UInt64(day)) - 1)
}

extension DaySet.MonthDays {
  /// The selected days of a month.
  func mask(length: Int, firstWeekday: Int) -> UInt32 {
    var result = days & lowBits(through: length)
    var rest = fromLast
    while rest != 0 {
      let day = length - rest.trailingZeroBitCount
      if day >= 1 { result |= 1 << UInt32(day) }
      rest &= rest - 1
    }
    if lastWorkday {
      result |= 1 << UInt32(workday(nearest: length, length: length, firstWeekday: firstWeekday))
    }
    rest = nearWorkdays & lowBits(through: length)
    while rest != 0 {
      let day = rest.trailingZeroBitCount
      result |= 1 << UInt32(workday(nearest: day, length: length, firstWeekday: firstWeekday))
      rest &= rest - 1
    }
    return result
  }

  /// The Monday to Friday nearest to a day, without leaving the month.
  private func workday(nearest day: Int, length: Int, firstWeekday: Int) -> Int {
    switch (firstWeekday + day - 1) % 7 {
    case 6: day > 1 ? day - 1 : day + 2
    case 0: day < length ? day + 1 : day - 2
    default: day
    }
  }
}

extension DaySet.WeekDays {
  /// The selected days of a month.
  func mask(length: Int, firstWeekday: Int) -> UInt32 {
    let month = lowBits(through: length) & ~1
    var result = DaySet.WeekDays.days(of: everyWeek, firstWeekday: firstWeekday)
    for (index, weekdays) in ofWeek.enumerated() {
      let first = UInt32(7 * index + 1)
      result |=
        DaySet.WeekDays.days(of: weekdays, firstWeekday: firstWeekday)
        & UInt32(truncatingIfNeeded: UInt64(0x7F) << UInt64(first))
    }
    if last != 0 {
      result |=
        DaySet.WeekDays.days(of: last, firstWeekday: firstWeekday)
        & ~lowBits(through: length - 7)
    }
    return result & month
  }

  /// Every day whose weekday is in the set, for a month that begins on a weekday.
  private static func days(of weekdays: UInt8, firstWeekday: Int) -> UInt32 {
    let twoWeeks = UInt64(weekdays) | UInt64(weekdays) << 7
    let week = (twoWeeks >> UInt64(firstWeekday)) & 0x7F
    let fiveWeeks = week | week << 7 | week << 14 | week << 21 | week << 28
    return UInt32(truncatingIfNeeded: fiveWeeks << 1)
  }
}
