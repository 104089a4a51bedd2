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
    var count: Int?
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
  /// The unfinished runs, oldest first.
  var unfinished: [String] = []
  /// Each pool's slice that was asked for last, which uses up its rate.
  var lastAsked: [String: (at: Instant, items: Int)] = [:]
  /// Producers that a pool may have beyond its concurrency, since it had them when its definition
  /// was put in force.
  var allowance: [String: Int] = [:]
  /// The newest nominal time of each schedule that came.
  var newest: [String: Instant] = [:]
  private var lastSeen: Instant?

  /// A pool's unfinished runs, oldest first.
  func unfinished(_ pool: String) -> [(id: String, run: Known)] {
    unfinished.compactMap { id in known[id].flatMap { $0.pool == pool ? (id, $0) : nil } }
  }

  func running(_ pool: String) -> Set<String> {
    Set(unfinished(pool).filter { $0.run.state == .running }.map(\.id))
  }

  mutating func end(_ id: String, as state: RunState) {
    known[id]?.state = state
    unfinished.removeAll { $0 == id }
  }

  /// A new process begins: it knows what is on disk.
  mutating func begin() {
    lastAsked = [:]
    newest = [:]
    for time in nominals.keys {
      let place = "\(time.pool) \(time.schedule)"
      newest[place] = max(newest[place] ?? time.at, time.at)
    }
    lastSeen = nil
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
    lastAsked = lastAsked.mapValues { (at: $0.at - (last - now), items: $0.items) }
  }

  /// Remembers how a run ended. One that was replaced, or asked for nothing, leaves no trace.
  mutating func remember(_ run: Known, _ state: RunState, hasSupplied: Bool, at now: Instant) {
    guard run.state == .running, state != .replaced, state != .skipped else { return }
    var memory = memories[run.pool] ?? Memory()
    memory.keptEnd = now
    memory.end = now
    memory.failures = state == .failed ? memory.failures + 1 : 0
    memory.fruitless = state == .succeeded && hasSupplied ? 0 : memory.fruitless + 1
    memories[run.pool] = memory
  }

  /// Until when a pool's rate allows no slice.
  func rateUntil(_ pool: Pool) -> Instant? {
    guard let rate = pool.producer?.rate, let last = lastAsked[pool.name] else { return nil }
    return last.at + rate.time(for: last.items)
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
