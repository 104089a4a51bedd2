import Cron

/// Looks whether the times that an expression fires at agree with each other.
enum FireTimes {
  private static let steps = 3

  /// Goes over a few fire times from an instant on, forwards and back.
  static func check(_ expression: CronExpression, after start: Int64, in zone: Zone) throws(Broken)
  {
    var last = start
    for _ in 0..<steps {
      guard let next = expression.next(after: last, in: zone) else { return }
      try require(next > last, "\(next) comes next, after \(last)")
      try require(
        SupportedInstants.earliest...SupportedInstants.latest ~= next, "\(next) is not supported")
      let back = expression.previous(atOrBefore: next, in: zone)
      try require(back == next, "\(next) fires, and seen from there \(back ?? 0) fired last")
      let between = expression.next(after: next - 1, in: zone)
      try require(between == next, "\(next) fires, but just before it \(between ?? 0) comes next")
      let missed = expression.missed(after: last, through: next, in: zone, limit: 2)
      try require(
        missed == MissedTimes(instants: [next], count: 1, countIsExact: true),
        "\(next) follows \(last), and between them are missed: \(missed)")
      last = next
    }
  }
}
