import Cron
import Larder

/// Which nominal times must have a run, from the rules alone: what a schedule's times up to now
/// come to when they are looked at now.
struct ScheduleModel {
  struct Mark {
    var timing: String
    var isActive: Bool
    /// Nominal times up to here are dealt with.
    var through: Instant
  }

  /// What must be there, of one schedule.
  struct Demand {
    var schedule: String
    /// Nominal times that must have a run, in whatever state.
    var times: [Instant] = []
    /// Of these, those that must not be run if they had none before.
    var passedOver: Set<Instant> = []
    /// From when on times were looked at.
    var after: Instant
  }

  private var marks: [String: [String: Mark]] = [:]

  /// Nominal times up to now that nobody has looked at.
  func neglected(_ pool: Pool, isAtRest: Bool, at now: Instant) -> [String: Instant] {
    var found: [String: Instant] = [:]
    for schedule in pool.schedules where !isAtRest && !schedule.suspend {
      guard let mark = marks[pool.name]?[schedule.name], mark.timing == schedule.timing,
        mark.isActive
      else {
        found[schedule.name] = now
        continue
      }
      let next = schedule.cron.next(after: mark.through.seconds, in: schedule.zone)
      if let next, next <= now.seconds { found[schedule.name] = Instant(seconds: next) }
    }
    return found
  }

  /// Looks at a pool's times up to now.
  mutating func look(
    _ pool: Pool, isAtRest: Bool, awakeSince: Instant, at now: Instant
  ) -> [Demand] {
    var demands: [Demand] = []
    // A schedule that the file has no more misses nothing.
    for name in marks[pool.name, default: [:]].keys {
      if !pool.schedules.contains(where: { $0.name == name }) {
        marks[pool.name]?[name]?.isActive = false
      }
    }
    for schedule in pool.schedules {
      let isActive = !isAtRest && !schedule.suspend
      let timing = schedule.timing
      var mark =
        marks[pool.name]?[schedule.name] ?? Mark(timing: timing, isActive: isActive, through: now)
      if mark.timing != timing || (isActive && !mark.isActive) { mark.through = now }
      let after = min(mark.through, now)
      mark = Mark(timing: timing, isActive: isActive, through: after)
      if isActive {
        demands.append(demand(schedule, after: after, awakeSince: awakeSince, at: now))
        mark.through = now
      }
      marks[pool.name, default: [:]][schedule.name] = mark
    }
    return demands
  }

  private func demand(
    _ schedule: ScheduleSpec, after: Instant, awakeSince: Instant, at now: Instant
  ) -> Demand {
    var demand = Demand(schedule: schedule.name, after: after)
    let punctual = min(max(after, awakeSince, now - Limits.punctuality), now)
    var missed: [Instant] = []
    var onTime: [Instant] = []
    var time = after.seconds
    while let next = schedule.cron.next(after: time, in: schedule.zone), next <= now.seconds {
      let instant = Instant(seconds: next)
      if instant > punctual { onTime.append(instant) } else { missed.append(instant) }
      time = next
    }
    if let newest = missed.last {
      let limit = schedule.catchup == .all ? Limits.caughtUpRuns : 1
      let wanted = missed.suffix(limit).filter { $0 >= now - schedule.catchupWindow }
      if schedule.catchup == .none || wanted.isEmpty {
        demand.times = [newest]
        demand.passedOver = [newest]
      } else {
        demand.times = wanted
        if schedule.catchup == .latest, !onTime.isEmpty { demand.passedOver = Set(wanted) }
      }
    }
    demand.times += onTime
    return demand
  }
}
