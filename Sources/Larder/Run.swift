/// Why a run was opened.
package enum RunReason: String, Sendable, Hashable, CaseIterable {
  case schedule, reorder, start, backorder, manual, topup
}

/// Where a run is in its life. The transitions are drawn in ARCHITECTURE.md.
package enum RunState: String, Sendable, Hashable, CaseIterable {
  case queued, running, succeeded, short, failed, skipped, replaced

  package var isUnfinished: Bool { self == .queued || self == .running }
}

package enum SliceState: String, Sendable, Hashable, CaseIterable {
  /// Asked for: its producer is running, or waits for its next try.
  case running
  case committed
  case failed
}

/// A bounded piece of a run: asked for, produced and committed together.
package struct Slice: Sendable, Hashable {
  /// 1, 2, … in its run.
  package var number: Int
  package var state: SliceState
  package var asked: Int
  package var stored: Int = 0
  package var duplicates: Int = 0
  /// Items that were dropped: printed beyond the count, or without room under the pool's `max`.
  package var overfill: Int = 0
  /// Stale items that were recalled for it, to make room or in exchange for new ones.
  package var recalled: Int = 0
  /// Tries, the first included.
  package var attempts: Int = 1
  package var startedAt: Instant
  package var endedAt: Instant?
  package var why: String?

  package init(number: Int, state: SliceState, asked: Int, startedAt: Instant) {
    self.number = number
    self.state = state
    self.asked = asked
    self.startedAt = startedAt
  }

  /// Whether the producer printed fewer items than it was asked for: the supplier has no more for
  /// now.
  package var isShort: Bool {
    state == .committed && stored + duplicates + overfill < asked
  }
}

/// The process that makes a slice, named so that a reused process id is not mistaken for it.
package struct ProcessIdentity: Sendable, Hashable {
  package var pid: Int32
  /// Clock ticks since boot at which it started (field 22 of /proc/PID/stat).
  package var startTime: UInt64
  package var bootID: String

  package init(pid: Int32, startTime: UInt64, bootID: String) {
    self.pid = pid
    self.startTime = startTime
    self.bootID = bootID
  }
}

/// One execution of a pool's producer, for one nominal time or one reason.
package struct Run: Sendable, Hashable {
  package var id: String
  package var pool: String
  package var reason: RunReason
  package var state: RunState
  /// The schedule and nominal time that it is for, if it is for one.
  package var schedule: String?
  package var nominalAt: Instant?
  /// Items that an operator asked for, instead of filling up to the target.
  package var count: Int?
  /// Items ordered: what the run's slices ask for in all; 0 until it starts.
  package var asked: Int = 0
  /// What its committed slices were asked for.
  package var covered: Int = 0
  package var stored: Int = 0
  /// Of those stored, items that had expired before they came.
  package var expired: Int = 0
  /// What the last committed slice left for the next one.
  package var cursor: String = ""
  package var createdAt: Instant
  package var startedAt: Instant?
  package var endedAt: Instant?
  /// Why it was opened late, skipped, short or failed.
  package var why: String?
  /// Its slices, oldest first; in the engine's state only the last one.
  package var slices: [Slice] = []
  /// The process of the slice that was running last.
  package var process: ProcessIdentity?
  /// The end of what its producers printed on standard error.
  package var log: String?

  package init(
    id: String, pool: String, reason: RunReason, state: RunState, createdAt: Instant
  ) {
    self.id = id
    self.pool = pool
    self.reason = reason
    self.state = state
    self.createdAt = createdAt
  }

  /// The slice that is under way.
  package var slice: Slice? {
    slices.last.flatMap { $0.state == .running ? $0 : nil }
  }

  /// Items that the run has ordered, and that no committed slice was asked for.
  package var outstanding: Int {
    state == .running ? max(0, asked - covered) : 0
  }

  /// Items that its running slice was asked for.
  package var inFlight: Int {
    slice?.asked ?? 0
  }
}
