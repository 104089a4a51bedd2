import Cron
import Larder

/// Fire times to come.
enum FireTimes {
  /// The next `count` fire times of a schedule, in seconds since the epoch.
  static func next(_ count: Int, of schedule: ScheduleSpec, after now: Instant) -> [Int64] {
    next(count, of: schedule.cron, in: schedule.zone, after: now)
  }

  static func next(
    _ count: Int, of cron: CronExpression, in zone: Zone, after now: Instant
  ) -> [Int64] {
    var times: [Int64] = []
    var time = now.seconds
    while times.count < count, let next = cron.next(after: time, in: zone) {
      times.append(next)
      time = next
    }
    return times
  }
}
