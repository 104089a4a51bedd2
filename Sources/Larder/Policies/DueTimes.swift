import Cron

/// What a schedule's nominal times up to now ask for.
package struct DueTimes: Sendable, Hashable {
  package struct Fire: Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
      /// The time has just come.
      case onTime
      /// The time was missed and is run now.
      case caughtUp
      /// The time was missed and is not run.
      case passedOver
    }

    package var nominalAt: Instant
    package var kind: Kind
    /// Why a missed time is or is not run.
    package var why: String?
  }

  /// Oldest first.
  package var fires: [Fire] = []
  /// Up to when the nominal times are dealt with.
  package var considered: Instant

  /// Decides what is due.
  ///
  /// - Parameters:
  ///   - pool: the schedule's pool, which its jitter depends on.
  ///   - mark: how far the schedule's times were dealt with.
  ///   - awakeSince: when the engine started: times before it were missed.
  package init(
    _ schedule: ScheduleSpec, in pool: String, mark: ScheduleMark, awakeSince: Instant,
    at now: Instant
  ) {
    // After a backward jump of the clock the mark lies ahead. Times that come again have their
    // runs already and are refused by the store.
    let start = min(mark.considered, now)
    let onTimeAfter = min(max(awakeSince, now - Limits.punctuality), now)
    // With jitter the newest times before `onTimeAfter` may be due only after it. A time that is
    // due waits for those before it: how far the times were dealt with is one instant.
    considered = max(start, onTimeAfter - schedule.jitter)
    if schedule.jitter > .zero {
      while let next = schedule.next(after: considered),
        schedule.start(of: next, in: pool) <= onTimeAfter
      { considered = next }
    }
    addMissed(schedule, after: start, through: considered, at: now)
    while let next = schedule.next(after: considered), schedule.start(of: next, in: pool) <= now {
      fires.append(Fire(nominalAt: next, kind: .onTime))
      considered = next
    }
    if schedule.jitter == .zero { considered = Instant(seconds: now.seconds) }
    if schedule.catchup == .latest { leaveToNewer() }
  }

  /// Of missed times only the newest is run, so none where a newer one has just come.
  private mutating func leaveToNewer() {
    guard fires.contains(where: { $0.kind == .onTime }) else { return }
    for index in fires.indices where fires[index].kind == .caughtUp {
      fires[index].kind = .passedOver
      fires[index].why = (fires[index].why ?? "missed") + ", and a newer one has come"
    }
  }

  private mutating func addMissed(
    _ schedule: ScheduleSpec, after start: Instant, through end: Instant, at now: Instant
  ) {
    let limit = schedule.catchup == .all ? Limits.caughtUpRuns : 1
    let missed = schedule.cron.missed(
      after: start.seconds, through: end.seconds, in: schedule.zone, limit: limit)
    guard let newest = missed.instants.last else { return }
    let number = missed.countIsExact ? "\(missed.count)" : "more than \(missed.count)"
    let times = missed.count == 1 ? "one time was" : "\(number) times were"
    let oldest = now - schedule.catchupWindow
    let wanted = missed.instants.map { Instant(seconds: $0) }.filter { $0 >= oldest }
    if schedule.catchup == .none || wanted.isEmpty {
      let why =
        schedule.catchup == .none
        ? "\(times) missed, and the schedule says catchup: none"
        : "\(times) missed, none within the catchup_window of "
          + DurationText.format(schedule.catchupWindow)
      fires.append(Fire(nominalAt: Instant(seconds: newest), kind: .passedOver, why: why))
      return
    }
    for time in wanted {
      fires.append(
        Fire(
          nominalAt: time, kind: .caughtUp,
          why: "\(times) missed; catchup: \(schedule.catchup.rawValue)"))
    }
  }
}
