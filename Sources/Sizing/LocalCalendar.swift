/// What the clocks and the calendar say where the demand comes from: people come at the same local
/// time, also when the clocks change, and on holidays as on other days of the week.
package struct LocalCalendar: Sendable, Equatable {
  /// From an hour on, clocks are so many seconds ahead of UTC.
  package struct Offset: Sendable, Equatable {
    package let fromHour: Int
    package let seconds: Int

    package init(fromHour: Int, seconds: Int) {
      self.fromHour = fromHour
      self.seconds = seconds
    }
  }

  /// Ascending; before the first, its offset holds as well.
  private let offsets: [Offset]
  /// Days (of local time, since the epoch) that are like another weekday, 0 for Thursday.
  private let likeWeekday: [Int: Int]

  package static let utc = LocalCalendar()

  /// - Parameters:
  ///   - offsets: ascending by hour; none: UTC.
  ///   - overrides: local days since 1970-01-01, and the weekday that each is treated as: 0 for
  ///     Sunday to 6 for Saturday.
  package init(offsets: [Offset] = [], overrides: [Int: Int] = [:]) {
    self.offsets = offsets
    likeWeekday = overrides.mapValues { ($0 + 7 - Self.epochWeekday) % 7 }
  }

  /// 1970-01-01 was a Thursday.
  private static let epochWeekday = 4

  /// The hour that shows the same local time `days` days earlier.
  func hour(_ hour: Int, daysBefore days: Int) -> Int {
    let past = hour - days * Grid.hoursPerDay
    guard offsets.count > 1 else { return past }
    let change = offset(at: hour) - offset(at: past)
    // Half hours, of which a zone or two have one, go to the later hour.
    return past + floorDivide(change + 1800, by: 3600)
  }

  /// The hours whose demand tells what is usual at an hour, newest first: the same time and weekday of
  /// the weeks before. Where a day is treated as another weekday, that weekday's; and days that
  /// are treated so tell nothing of their own.
  func examples(of hour: Int, _ body: (_ week: Int, _ hour: Int) -> Void) {
    guard !likeWeekday.isEmpty else {
      for week in 1...Method.weeks { body(week, self.hour(hour, daysBefore: 7 * week)) }
      return
    }
    let wanted = weekday(of: hour)
    // The nearest day of that name, at most 3 days off.
    let shift = (wanted - trueWeekday(of: hour) + 10) % 7 - 3
    for week in 1...Method.weeks {
      let past = self.hour(hour, daysBefore: 7 * week - shift)
      if weekday(of: past) == wanted { body(week, past) }
    }
  }

  private func weekday(of hour: Int) -> Int {
    likeWeekday[day(of: hour)] ?? trueWeekday(of: hour)
  }

  private func trueWeekday(of hour: Int) -> Int {
    let day = day(of: hour)
    return day - 7 * floorDivide(day, by: 7)
  }

  private func day(of hour: Int) -> Int {
    floorDivide(hour * 3600 + offset(at: hour), by: 86_400)
  }

  private func offset(at hour: Int) -> Int {
    (offsets.last { $0.fromHour <= hour } ?? offsets.first)?.seconds ?? 0
  }
}
