import Cron
import Sizing

/// Where a time axis has its labels, and what these say: round times of UTC.
enum TimeTicks {
  /// From which lengths in hours the distance between two labels is chosen.
  private static let distances = [1, 3, 6, 12, 24, 48, 7 * 24, 14 * 24, 28 * 24, 56 * 24]
  /// A Monday, from which distances of weeks are counted: the epoch was a Thursday.
  private static let monday = 4 * 24

  static func ticks(from start: Int, to end: Int, atMost count: Int) -> [(bin: Int, label: String)]
  {
    let (first, last) = (Grid.hour(of: start + Grid.binsPerHour - 1), Grid.hour(of: end))
    let distance =
      distances.first { (last - first) / $0 < count } ?? ((last - first) / count + 1)
    let origin = distance >= 7 * 24 ? monday : 0
    let remainder = ((first - origin) % distance + distance) % distance
    let begin = remainder == 0 ? first : first + distance - remainder
    return stride(from: begin, through: last, by: distance).map {
      (Grid.bin(ofHour: $0), label($0, withHours: distance < 24))
    }
  }

  private static func label(_ hour: Int, withHours: Bool) -> String {
    let time = CivilTime(secondsSinceEpoch: Int64(hour) * 3600)
    if withHours, time.hour != 0 { return (time.hour < 10 ? "0" : "") + "\(time.hour):00" }
    return day(time.date)
  }

  static func day(_ date: CivilDate) -> String {
    let months = [
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    return "\(date.day) \(months[date.month - 1])"
  }
}
