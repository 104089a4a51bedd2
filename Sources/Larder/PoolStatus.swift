/// How far a schedule's nominal times have been dealt with.
package struct ScheduleMark: Sendable, Hashable {
  /// The expression and zone that the mark belongs to (`ScheduleSpec.timing`).
  package var timing: String
  /// Whether the schedule was neither suspended nor its pool paused or retired.
  package var active: Bool
  /// Nominal times up to this one need no more attention.
  package var considered: Instant

  package init(timing: String, active: Bool, considered: Instant) {
    self.timing = timing
    self.active = active
    self.considered = considered
  }
}

/// All that the policies know of one pool: what the engine decides by, and a level shows.
package struct PoolStatus: Sendable {
  package var pool: Pool
  package var paused = false
  package var retired = false
  /// What is wrong with the pool's file, where an older definition is in force.
  package var problem: String?
  /// Why nothing may be stored now, where the disk is short of room; the store does not keep it.
  package var disk: String?
  package var stock = Stock()
  /// By schedule name.
  package var marks: [String: ScheduleMark] = [:]
  /// The newest nominal time that has a run, by schedule name; only the writing side tells it.
  package var newestFires: [String: Instant] = [:]
  /// The unfinished runs, oldest first.
  package var runs: [Run] = []
  package var memory = RunMemory(
    fruitless: 0, failures: 0, lastEndedAt: nil, typicalRunTime: nil)
  /// What runs fill up to where the target follows demand; nil where it was never reckoned.
  package var auto: AutoTarget?
  /// What readers tell of the last day.
  package var demand = RecentDemand()
  /// The newest run that started.
  package var lastRun: Run?

  package init(pool: Pool) {
    self.pool = pool
  }
}
