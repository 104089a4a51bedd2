import Larder

/// One pool in the engine: what the store keeps of it, and what a restart may forget.
struct PoolState: Sendable {
  var status: PoolStatus
  /// The first look at the pool is to come: what is ordered then was ordered at the start.
  var isFresh = true
  /// The stale marks may be those of another definition.
  var marksMayBeWrong = true
  /// The next nominal time of each active schedule.
  var nextFires: [String: Instant] = [:]
  /// Running runs whose slice waits for its next try, and until when.
  var retries: [String: Instant] = [:]
  /// Runs whose slice is with a producer now, and what its launch changed.
  var executing: [String: Asking] = [:]
  /// The slice that was asked for last, which uses up the rate for a while.
  var lastAsked: (at: Instant, items: Int)?
  /// The newest nominal time of each schedule that was dealt with.
  var newestFires: [String: Instant]
  /// Runs of the present tick for times that may have theirs already, as after the clock was set
  /// back: the store may refuse them.
  var doubtful: Set<String> = []

  /// What is known of the demand, where the pool is sized by it; nil until it was read.
  var sizer: Sizer?
  /// The last bin of demand in which it was looked whether a top-up is due.
  var toppedUpAt: Int?

  /// What was so before a slice was asked for: it is again where the store keeps nothing of it.
  struct Asking: Sendable {
    var ordered: Int
    var recalling: Int
    var lastAsked: (at: Instant, items: Int)?
  }

  init(status: PoolStatus) {
    self.status = status
    newestFires = status.newestFires
  }

  /// Takes up the rate where an earlier engine left it: the newest slice used it up.
  mutating func resumeRate(at now: Instant) {
    let runs = status.runs + (status.lastRun.map { [$0] } ?? [])
    let newest = runs.compactMap(\.slices.last).max { $0.startedAt < $1.startedAt }
    lastAsked = newest.map { (at: min($0.startedAt, now), items: $0.asked) }
  }

  /// The earliest time at which the pool's rate allows another slice; nil: at once.
  var rateAllowsAt: Instant? {
    guard let rate = status.pool.producer?.rate, let lastAsked else { return nil }
    return lastAsked.at + rate.time(for: lastAsked.items)
  }

  /// Forgets that a slice was asked for, of which the store keeps nothing.
  mutating func takeBack(_ asking: Asking) {
    lastAsked = asking.lastAsked
    status.stock.available += asking.recalling
    status.stock.stale += asking.recalling
    status.stock.recalled -= asking.recalling
  }

  /// Whether what runs fill up to follows demand, and somebody may run.
  var isSized: Bool { status.pool.stock.isAuto && status.standstill == nil && status.disk == nil }

  /// What is to be read before anything is decided at a time; nil where that is known.
  func study(at now: Instant) -> Study? {
    guard isSized, sizer?.bin != now.bin else { return nil }
    // Of what a clock that was set back has yet to reach nothing is known.
    let known = sizer.flatMap { $0.bin < now.bin ? Instant(bin: $0.bin) : nil }
    return Study(pool: status.pool.name, from: known)
  }

  /// Runs that were replaced and whose producers have not ended yet.
  var leaving: Int {
    executing.keys.count { id in !status.runs.contains { $0.id == id } }
  }

  /// Whether the marks must be looked at: a pool that marks nothing and has no mark needs no look.
  var needsMarking: Bool {
    marksMayBeWrong && (status.pool.stock.onRevision == .replace || status.stock.stale > 0)
  }

  /// Brings the ends of waits forward, since the clock was set back by so much.
  mutating func shiftWaits(by span: Duration) {
    retries = retries.mapValues { $0 - span }
    if let asked = lastAsked { lastAsked?.at = asked.at - span }
    if let ended = status.memory.lastEndedAt { status.memory.lastEndedAt = ended - span }
  }

  /// Running runs that could have a slice made now, oldest first.
  func ready(at now: Instant) -> [Run] {
    status.runs.filter { run in
      run.state == .running && executing[run.id] == nil
        && (retries[run.id].map { $0 <= now } ?? true)
    }
  }
}
