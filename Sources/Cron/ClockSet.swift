/// The times of day that an expression's second, minute and hour select.
struct ClockSet: Sendable, Hashable {
  /// Bit n: second n. None of the three sets is empty.
  var seconds: UInt64
  /// Bit n: minute n.
  var minutes: UInt64
  /// Bit n: hour n.
  var hours: UInt64

  /// The first time of a day, in seconds since midnight.
  var first: Int64 {
    time(
      hours.trailingZeroBitCount, minutes.trailingZeroBitCount, seconds.trailingZeroBitCount)
  }

  /// The last time of a day, in seconds since midnight.
  var last: Int64 { time(highest(hours), highest(minutes), highest(seconds)) }

  /// The first time of the day at or after one, in seconds since midnight.
  func first(atOrAfter timeOfDay: Int64) -> Int64? {
    let (hour, minute, second) = ClockSet.parts(timeOfDay)
    if hours & (1 << UInt64(hour)) != 0 {
      if minutes & (1 << UInt64(minute)) != 0 {
        let rest = seconds >> UInt64(second)
        if rest != 0 { return time(hour, minute, second + rest.trailingZeroBitCount) }
      }
      let later = minutes & (~UInt64(0) << UInt64(minute + 1))
      if later != 0 {
        return time(hour, later.trailingZeroBitCount, seconds.trailingZeroBitCount)
      }
    }
    let later = hours & (~UInt64(0) << UInt64(hour + 1))
    guard later != 0 else { return nil }
    return time(
      later.trailingZeroBitCount, minutes.trailingZeroBitCount, seconds.trailingZeroBitCount)
  }

  /// The last time of the day at or before one, in seconds since midnight.
  func last(atOrBefore timeOfDay: Int64) -> Int64? {
    let (hour, minute, second) = ClockSet.parts(timeOfDay)
    if hours & (1 << UInt64(hour)) != 0 {
      if minutes & (1 << UInt64(minute)) != 0 {
        let rest = seconds & ~(~UInt64(0) << UInt64(second + 1))
        if rest != 0 { return time(hour, minute, highest(rest)) }
      }
      let earlier = minutes & ~(~UInt64(0) << UInt64(minute))
      if earlier != 0 { return time(hour, highest(earlier), highest(seconds)) }
    }
    let earlier = hours & ~(~UInt64(0) << UInt64(hour))
    guard earlier != 0 else { return nil }
    return time(highest(earlier), highest(minutes), highest(seconds))
  }

  private static func parts(_ timeOfDay: Int64) -> (hour: Int, minute: Int, second: Int) {
    let seconds = Int(timeOfDay)
    return (seconds / 3_600, seconds / 60 % 60, seconds % 60)
  }

  private func time(_ hour: Int, _ minute: Int, _ second: Int) -> Int64 {
    Int64(hour * 3_600 + minute * 60 + second)
  }

  private func highest(_ bits: UInt64) -> Int { 63 - bits.leadingZeroBitCount }
}
