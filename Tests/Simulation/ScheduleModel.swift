import Cron
import Larder

/// Which nominal times must have a run, from the rules alone: what a schedule's times up to now
/// come to when they are looked at now.
///
/// A nominal time is due when its delay has passed, and not before those that come before it are.
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
    /// Of these, those that were missed.
    var missed: Set<Instant> = []
    /// Of these, those that must not be run if they had none before.
    var passedOver: Set<Instant> = []
  }

  private var marks: [String: [String: Mark]] = [:]

  /// When the next run of an active schedule has to start, its times up to now being dealt with.
  func nextStart(_ schedule: ScheduleSpec, in pool: Pool, at now: Instant) -> Instant? {
    let through = marks[pool.name]?[schedule.name].map { min($0.through, now) } ?? now
    return Self.next(schedule, after: through).map { start($0, schedule, pool) }
  }

  /// Nominal times that are due and that nobody has looked at.
  func neglected(_ pool: Pool, isAtRest: Bool, at now: Instant) -> [String: Instant] {
    var found: [String: Instant] = [:]
    for schedule in pool.schedules where !isAtRest && !schedule.suspend {
      guard let mark = marks[pool.name]?[schedule.name], mark.timing == schedule.timing,
        mark.isActive
      else {
        found[schedule.name] = now
        continue
      }
      let next = Self.next(schedule, after: mark.through)
      if let next, start(next, schedule, pool) <= now { found[schedule.name] = next }
    }
    return found
  }

  /// Nothing was missed while the pool was paused, which ends now.
  mutating func resume(_ pool: Pool, isAtRest: Bool, at now: Instant) {
    for schedule in pool.schedules where marks[pool.name]?[schedule.name] != nil {
      marks[pool.name]?[schedule.name]?.through = now
      marks[pool.name]?[schedule.name]?.isActive = !isAtRest && !schedule.suspend
    }
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
      mark = Mark(timing: timing, isActive: isActive, through: min(mark.through, now))
      if isActive {
        let due = due(schedule, pool, after: mark.through, at: now)
        demands.append(demand(schedule, pool, due, awakeSince: awakeSince, at: now))
        // Without a delay no time up to now is left.
        mark.through = schedule.jitter > .zero ? due.last ?? mark.through : now
      }
      marks[pool.name, default: [:]][schedule.name] = mark
    }
    return demands
  }

  private static func next(_ schedule: ScheduleSpec, after time: Instant) -> Instant? {
    schedule.cron.next(after: time.seconds, in: schedule.zone).map { Instant(seconds: $0) }
  }

  private func start(_ time: Instant, _ schedule: ScheduleSpec, _ pool: Pool) -> Instant {
    schedule.start(of: time, in: pool.name)
  }

  private func due(
    _ schedule: ScheduleSpec, _ pool: Pool, after: Instant, at now: Instant
  ) -> [Instant] {
    var due: [Instant] = []
    var time = after
    while let next = Self.next(schedule, after: time), start(next, schedule, pool) <= now {
      due.append(next)
      time = next
    }
    return due
  }

  private func demand(
    _ schedule: ScheduleSpec, _ pool: Pool, _ due: [Instant], awakeSince: Instant, at now: Instant
  ) -> Demand {
    var demand = Demand(schedule: schedule.name)
    let punctual = min(max(awakeSince, now - Limits.punctuality), now)
    let missed = due.prefix { start($0, schedule, pool) <= punctual }
    let onTime = due.dropFirst(missed.count)
    demand.missed = Set(missed)
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
