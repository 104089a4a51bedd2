import Engine
import Larder

/// What is known of runs, from the events that the store took.
struct RunsModel {
  struct Known: Equatable {
    var pool: String
    var reason: RunReason
    var schedule: String?
    var nominalAt: Instant?
    var state: RunState
    var asked = 0
  }

  struct Nominal: Hashable {
    var pool: String
    var schedule: String
    var at: Instant
  }

  /// How a pool's runs ended of late.
  struct Memory {
    var fruitless = 0
    var failures = 0
    /// The last end as it is on disk, and as the engine reckons after the clock was set back.
    var keptEnd: Instant?
    var end: Instant?
  }

  var known: [String: Known] = [:]
  /// The run of each nominal time.
  var nominals: [Nominal: String] = [:]
  var memories: [String: Memory] = [:]
  /// The last launch of each run.
  var launched: [String: Launch] = [:]
  /// Until when a pool's rate allows no slice.
  var rateUntil: [String: Instant] = [:]
  /// Runs of a pool that were running when its definition was put in force.
  var allowance: [String: Int] = [:]
  /// Fires that were opened and not compared with the schedules yet.
  var newFires: [(time: Nominal, state: RunState)] = []
  private var lastSeen: Instant?

  func running(_ pool: String) -> Int {
    known.values.reduce(0) { $0 + ($1.pool == pool && $1.state == .running ? 1 : 0) }
  }

  /// A new process begins: it knows what is on disk.
  mutating func begin() {
    rateUntil = [:]
    newFires = []
    lastSeen = nil
  }

  mutating func redefined(_ pool: String) {
    allowance[pool] = running(pool)
  }

  /// The engine looks at the clock. Where it ran back, waits end when they would have ended.
  mutating func see(_ now: Instant) {
    defer { lastSeen = now }
    guard let last = lastSeen else {
      for pool in memories.keys {
        let kept = memories[pool]?.keptEnd
        memories[pool]?.end = kept.map { min($0, now) }
      }
      return
    }
    guard now < last else { return }
    for pool in memories.keys {
      if let end = memories[pool]?.end { memories[pool]?.end = end - (last - now) }
    }
    rateUntil = rateUntil.mapValues { $0 - (last - now) }
  }

  mutating func ended(_ run: Known, _ state: RunState, stored: Int, at now: Instant) {
    var memory = memories[run.pool] ?? Memory()
    memory.keptEnd = now
    memory.end = now
    memory.failures = state == .failed ? memory.failures + 1 : 0
    memory.fruitless = state == .succeeded && stored > 0 ? 0 : memory.fruitless + 1
    memories[run.pool] = memory
  }

  /// Until when the breaker is open; nil where it has not been opened.
  func breakerUntil(_ pool: Pool) -> Instant? {
    guard let memory = memories[pool.name], let breaker = pool.producer?.breaker,
      let end = memory.end, memory.failures >= breaker.failures
    else { return nil }
    return end + breaker.cooldown
  }

  /// Until when the reorder point waits.
  func reorderUntil(_ pool: Pool) -> Instant? {
    guard let memory = memories[pool.name], let retry = pool.producer?.retry, let end = memory.end,
      memory.fruitless > 0
    else { return nil }
    let doublings = min(memory.fruitless - 1, 30)
    return end + min(retry.backoff * (1 << doublings), retry.maxBackoff)
  }
}
