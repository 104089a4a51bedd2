import Larder
import Sizing

/// The engine's pure core: the pools, their runs and schedules as values. Time and randomness
/// come in, decisions go out; `Engine` carries them out, a simulation may as well.
///
/// Only pools that something happened to, and those whose deadline has come, are looked at, so
/// a tick's cost does not grow with the number of pools at rest.
package struct EngineState: Sendable {
  var pools: [String: PoolState] = [:]
  /// Pools to be looked at in the next ticks, in the order of their turns.
  var dirty = Turns()
  private var agenda = Agenda()
  /// Pools with a slice to be made, in the order of their turns.
  private var turns = Turns()
  private let producers: Int
  /// Slices that are with a producer now.
  private var executing = 0
  /// When the engine started, or the earliest time to which the clock was set back since.
  private(set) var awakeSince: Instant
  /// The last time that came in.
  private var lastNow: Instant?
  /// Why nothing may be stored now, where the disk is short of room.
  private var disk: String?
  var ids: UUIDv7
  var random: any RandomNumberGenerator & Sendable
  /// Whether schedules and reorder points start runs; without, only those asked for run.
  let automatic: Bool
  /// Pools that runs were asked for; without `automatic` only they are looked at.
  private var requested: Set<String> = []

  /// - Parameters:
  ///   - producers: slices that may be made at once, over all pools.
  ///   - automatic: whether schedules and reorder points start runs.
  ///   - awakeSince: when the engine started.
  package init(
    pools: [PoolStatus], producers: Int, automatic: Bool, awakeSince: Instant,
    ids: UUIDv7 = UUIDv7(),
    random: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()
  ) {
    self.producers = producers
    self.automatic = automatic
    self.awakeSince = awakeSince
    self.ids = ids
    self.random = random
    for status in pools {
      var pool = PoolState(status: status)
      pool.resumeRate(at: awakeSince)
      pool.status.auto = nil
      self.pools[status.pool.name] = pool
      dirty.append(status.pool.name)
    }
  }

  /// The present status of a pool.
  package func status(of pool: String) -> PoolStatus? {
    pools[pool]?.status
  }

  /// Takes over which definitions are in force. Runs go on; what is decided next, is decided by the
  /// new ones.
  package mutating func change(_ changes: DefinitionChanges) {
    for definition in changes.adopted {
      let name = definition.pool.name
      if pools[name] == nil {
        pools[name] = PoolState(status: PoolStatus(pool: definition.pool))
        pools[name]?.isFresh = false
        pools[name]?.status.disk = disk
      }
      pools[name]?.status.pool = definition.pool
      pools[name]?.status.retired = false
      pools[name]?.status.problem = nil
      pools[name]?.marksMayBeWrong = true
      pools[name]?.sizer = nil
      pools[name]?.status.auto = nil
      dirty.append(name)
    }
    for name in changes.retired {
      pools[name]?.status.retired = true
      pools[name]?.status.problem = nil
      dirty.append(name)
    }
    for (name, problem) in changes.problems { pools[name]?.status.problem = problem }
  }

  /// When the next run should have filled the pool; nil where nobody can say.
  func expectedFill(of name: String, at now: Instant) -> Instant? {
    guard let pool = pools[name], let expected = pool.status.expectedFill(at: now) else {
      return nil
    }
    // A run that waits for its next try, or for the rate, brings nothing before.
    guard pool.executing.isEmpty, !pool.status.runs.isEmpty else { return expected }
    let nextTry = pool.status.runs.map { pool.retries[$0.id] ?? now }.min() ?? now
    return max(expected, nextTry, pool.rateAllowsAt ?? now)
  }

  /// Takes over the stock of pools that changed.
  package mutating func stockChanged(_ stocks: [String: Stock]) {
    // Sorted: a dictionary's order changes from process to process, and a seed must reproduce all.
    for (pool, stock) in stocks.sorted(by: { $0.key < $1.key }) where pools[pool] != nil {
      pools[pool]?.status.stock = stock
      dirty.append(pool)
    }
  }

  /// Takes over what the disk allows. While it is short of room nothing starts and no slice is asked
  /// for; nominal times that pass meanwhile are missed ones afterwards.
  package mutating func diskChanged(_ disk: Disk) {
    let why = disk.mayFill ? nil : disk.why
    self.disk = why
    for name in pools.keys.sorted() where (pools[name]?.status.disk == nil) != (why == nil) {
      pools[name]?.status.disk = why
      dirty.append(name)
    }
  }

  /// Takes over that a pool's stale marks are right.
  package mutating func marked(_ pool: String) {
    pools[pool]?.marksMayBeWrong = false
    dirty.append(pool)
  }

  /// Takes over what was read of a pool that is sized by its demand.
  package mutating func studied(_ study: Study, _ evidence: StockPlan.Evidence, at now: Instant) {
    guard var pool = pools[study.pool] else { return }
    dirty.append(study.pool)
    if study.from == nil {
      pool.sizer = Sizer(of: pool.status, evidence, at: now)
    } else {
      pool.sizer?.take(evidence, of: pool.status.pool, at: now)
      let isHour = now.bin % Grid.binsPerHour == 0
      if isHour, pool.sizer?.isOutdated(for: pool.status, at: now) ?? false { pool.sizer = nil }
    }
    pools[study.pool] = pool
  }

  /// Whether no pool is left to be looked at: one is where there were too many for the last tick,
  /// or where the store refused what it decided.
  package var isSettled: Bool { dirty.isEmpty }

  /// Decides what is to be done now. The state already counts on it being done.
  package mutating func tick(at now: Instant) -> Tick {
    var tick = Tick()
    see(now)
    for name in agenda.removeDue(at: now) { dirty.append(name) }
    while tick.examined.count < Limits.poolsPerTick, let name = dirty.popFirst() {
      tick.examined.append(name)
      examine(name, at: now, &tick)
    }
    launch(at: now, &tick)
    tick.deadline = dirty.isEmpty ? agenda.first : now
    return tick
  }

  /// Notices a clock that ran back. Waits are spans: they end when they would have ended. Nominal
  /// times that come again are not missed ones.
  private mutating func see(_ now: Instant) {
    defer { lastNow = now }
    awakeSince = min(awakeSince, now)
    guard let last = lastNow else {
      // A run of an earlier process may have ended in the future of a clock that was set since.
      for (name, pool) in pools {
        guard let ended = pool.status.memory.lastEndedAt, ended > now else { continue }
        pools[name]?.status.memory.lastEndedAt = now
      }
      return
    }
    guard now < last else { return }
    for name in pools.keys.sorted() {
      pools[name]?.shiftWaits(by: last - now)
      dirty.append(name)
    }
  }

  private mutating func examine(_ name: String, at now: Instant, _ tick: inout Tick) {
    guard automatic || requested.contains(name), var pool = pools[name] else { return }
    let remaining = pool.status.pool.claims.minRemaining
    if let expiry = pool.status.stock.nextExpiry, expiry <= now + remaining {
      tick.expiries.append(name)
      agenda.set(nil, for: name)
      return
    }
    if let lapse = pool.status.stock.nextLapse, lapse <= now {
      tick.lapses.append(name)
      agenda.set(nil, for: name)
      return
    }
    if pool.needsMarking {
      tick.markings.append(name)
      agenda.set(nil, for: name)
      return
    }
    if let study = pool.study(at: now) {
      guard tick.studies.count < Limits.plansPerTick else { return dirty.append(name) }
      tick.studies.append(study)
      agenda.set(nil, for: name)
      return
    }
    let hasRoom = pool.status.disk == nil
    if !hasRoom { pool.nextFires = [:] }
    if automatic, hasRoom { fire(&pool, at: now, &tick) }
    endRetired(&pool, at: now, &tick)
    endFinished(&pool, at: now, &tick)
    size(&pool, at: now, &tick)
    if hasRoom { startQueued(&pool, at: now, &tick) }
    if automatic, hasRoom {
      reorder(&pool, at: now, &tick)
      topUp(&pool, at: now, &tick)
      pool.isFresh = false
    }
    pools[name] = pool
    if mayLaunch(pool, at: now) { turns.append(name) }
    agenda.set(deadline(of: pool, at: now), for: name)
  }

  /// The earliest time at which something about the pool changes by itself.
  private func deadline(of pool: PoolState, at now: Instant) -> Instant? {
    var times = Array(pool.retries.values.filter { $0 > now })
    times += pool.nextFires.values
    if let expiry = pool.status.stock.nextExpiry {
      times.append(expiry - pool.status.pool.claims.minRemaining)
    }
    if let lapse = pool.status.stock.nextLapse { times.append(lapse) }
    if automatic, case .waits(let until) = pool.status.reorder(at: now) { times.append(until) }
    if let allowed = pool.rateAllowsAt, now < allowed { times.append(allowed) }
    if automatic, pool.isSized { times.append(Instant(bin: now.bin + 1)) }
    return times.min()
  }

  /// Hands producers out, a slice a turn, over all pools in turn.
  private mutating func launch(at now: Instant, _ tick: inout Tick) {
    while executing < producers, let name = turns.popFirst() {
      guard var pool = pools[name] else { continue }
      let runs = pool.status.runs.count
      if launchOne(&pool, at: now, &tick) { executing += 1 }
      if pool.status.runs.count < runs { dirty.append(name) }
      pools[name] = pool
      if mayLaunch(pool, at: now) { turns.append(name) }
      agenda.set(deadline(of: pool, at: now), for: name)
    }
  }

  /// Whether a slice of the pool could be made now.
  func mayLaunch(_ pool: PoolState, at now: Instant) -> Bool {
    // By wrong marks the wrong items would be recalled to make room.
    pool.status.standstill == nil && pool.status.disk == nil && !pool.needsMarking
      && (pool.rateAllowsAt.map { $0 <= now } ?? true) && !pool.ready(at: now).isEmpty
  }

  /// How many items may be on a pool's shelf with what is in flight, and whether held ones count,
  /// since they may come back.
  package func shelfLimit(of pool: String) -> (items: Int, countsHeld: Bool) {
    guard let status = pools[pool]?.status else { return (0, false) }
    let countsHeld = status.pool.claims.onRelease == .restock
    return (status.pool.stock.max - status.inFlight, countsHeld)
  }

  /// Takes a new slice back, since items came to the shelf before it was recorded. The next tick
  /// asks for as many as there is room for then.
  package mutating func takeBack(_ launch: Launch) {
    executing -= 1
    guard var pool = pools[launch.pool] else { return }
    let asking = pool.executing.removeValue(forKey: launch.run)
    if let asking { pool.takeBack(asking) }
    if let index = pool.status.runs.firstIndex(where: { $0.id == launch.run }) {
      // What is left is the slice before it, which tells the number of the next.
      pool.status.runs[index].slices = (1..<launch.slice).suffix(1).map { number in
        Slice(
          number: number, state: .committed, asked: 0, startedAt: pool.status.runs[index].createdAt)
      }
      if let asking { pool.status.runs[index].asked = asking.ordered }
    }
    pools[launch.pool] = pool
    dirty.append(launch.pool)
  }

  /// Takes over how a slice ended.
  package mutating func sliceEnded(
    _ launch: Launch, _ result: SliceResult, at now: Instant
  ) -> Tick {
    var tick = Tick()
    see(now)
    executing -= 1
    guard var pool = pools[launch.pool] else { return tick }
    pool.executing[launch.run] = nil
    settle(&pool, launch, result, at: now, &tick)
    pools[launch.pool] = pool
    dirty.append(launch.pool)
    return tick
  }

  /// Opens a run that an operator asked for. It starts with the next tick.
  ///
  /// - Throws: `Problem` where the pool is unknown, may not run, or has too many runs waiting.
  package mutating func request(
    _ name: String, count: Int?, at now: Instant
  ) throws(Problem) -> (run: Run, event: RunEvent) {
    guard var pool = pools[name] else {
      throw Problem(.unknownPool, "there is no pool \(name)")
    }
    if let standstill = pool.status.standstill {
      throw Problem(.wrongState, "\(name) does not run: \(standstill)")
    }
    if let why = pool.status.disk { throw Problem(diskFull: why) }
    guard pool.status.runs.count < Limits.queuedRuns else {
      throw Problem(
        .busy, "\(name) has \(pool.status.runs.count) runs waiting already",
        retryAfter: Limits.unknownRetryAfter)
    }
    var run = Run(
      id: ids.next(at: now), pool: name, reason: .manual, state: .queued, createdAt: now)
    run.count = count
    pool.status.runs.append(run)
    pools[name] = pool
    dirty.append(name)
    requested.insert(name)
    return (run, .open(run))
  }

  /// Forgets a run that the store refused to open, since its nominal time has one already.
  package mutating func refused(_ run: Run) {
    if let asking = pools[run.pool]?.executing[run.id] { pools[run.pool]?.takeBack(asking) }
    pools[run.pool]?.status.runs.removeAll { $0.id == run.id }
    dirty.append(run.pool)
  }
}
