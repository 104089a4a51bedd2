/// How much of a pool is ordered, and whether now.
extension PoolStatus {
  /// What is on the shelf, stale items apart, and what running runs will still bring, less what
  /// pending claims wait for; below zero where that is more.
  package var position: Int {
    stock.fresh + outstanding - stock.pending
  }

  /// What running runs will still bring.
  private var outstanding: Int {
    runs.reduce(0) { $0 + $1.outstanding }
  }

  /// Items that running slices were asked for.
  package var inFlight: Int {
    runs.reduce(0) { $0 + $1.inFlight }
  }

  /// How many items more may be asked for without passing `max`.
  package var room: Int {
    max(0, spare)
  }

  /// The same, below zero by what is beyond `max`, as where it was lowered.
  package var spare: Int {
    pool.stock.max - stock.available - inFlight - restockable
  }

  /// Held items that come back to the shelf if they are released.
  package var restockable: Int {
    pool.claims.onRelease == .restock ? stock.held : 0
  }

  /// Stale items that give way to new ones.
  package var recallable: Int {
    pool.stock.onRevision == .replace ? stock.stale : 0
  }

  /// Why nothing of the pool runs, or nil where it may.
  package var standstill: String? {
    if retired { return "retired: no schedule file declares it" }
    if pool.producer == nil { return "no producer: `larder put \(pool.name)` fills it" }
    if pool.suspend { return "suspended by its schedule file" }
    if paused { return "paused: `larder resume \(pool.name)` ends that" }
    return nil
  }

  /// The level that runs fill up to, unless their schedule has one of its own; nil where they take
  /// all, and where the level follows demand and was never reckoned.
  package var target: Int? { pool.stock.isAuto ? auto?.target : pool.stock.target }

  /// The level that a run fills up to.
  package func target(of run: Run) -> Int {
    scheduleTarget(of: run) ?? target ?? 0
  }

  private func scheduleTarget(of run: Run) -> Int? {
    pool.schedules.first { $0.name == run.schedule }?.target
  }

  /// Whether a run asks slice after slice, until one is short or `max` is reached.
  package func takesAll(_ run: Run) -> Bool {
    pool.stock.takesAll && run.count == nil && scheduleTarget(of: run) == nil
  }

  /// What a run that starts now orders, and why nothing where it is 0. One that takes all orders
  /// slice by slice.
  ///
  /// - Parameter topUp: what a top-up asks for.
  package func order(for run: Run, topUp: Int? = nil) -> (items: Int, why: String) {
    // What arrives for pending claims takes no room for good, but a full shelf has none for it to
    // pass through.
    let hasRoom = spare + recallable > 0
    let left = hasRoom ? max(0, pool.stock.max - restockable - position) : 0
    let wanted: Int
    let why: String
    if let count = run.count ?? topUp {
      wanted = count
      why = ""
    } else if takesAll(run) {
      wanted = pool.producer?.slice ?? 0
      why = ""
    } else {
      let target = target(of: run)
      let auto = scheduleTarget(of: run) == nil && pool.stock.isAuto ? auto : nil
      wanted = auto?.order(from: position) ?? max(0, target - position)
      why = "nothing to order: \(described) against a target of \(target)"
    }
    if wanted > 0, left == 0 {
      return (0, "no room: \(described) against a max of \(pool.stock.max)")
    }
    return (min(wanted, left), why)
  }

  private var described: String {
    var parts = ["\(stock.fresh) available"]
    if outstanding > 0 { parts.append("\(outstanding) on order") }
    if restockable > 0 { parts.append("\(restockable) held that may come back") }
    let text = parts.joined(separator: " and ")
    return text + (stock.pending > 0 ? ", of which \(stock.pending) are on backorder," : "")
  }

  /// Until when the breaker keeps runs from starting by themselves; nil: it is closed, or lets
  /// one run try.
  package func breakerOpenUntil(at now: Instant) -> Instant? {
    guard let breaker = pool.producer?.breaker, memory.failures >= breaker.failures,
      let ended = memory.lastEndedAt, now < ended + breaker.cooldown
    else { return nil }
    return ended + breaker.cooldown
  }

  /// Whether the breaker lets one run try: what it brings decides whether it closes.
  package func isOnTrial(at now: Instant) -> Bool {
    guard let breaker = pool.producer?.breaker, memory.failures >= breaker.failures
    else { return false }
    return breakerOpenUntil(at: now) == nil
  }

  /// Until when the reorder point waits, since the last runs brought nothing.
  package func reorderWaitsUntil(at now: Instant) -> Instant? {
    guard let retry = pool.producer?.retry, memory.fruitless > 0,
      let ended = memory.lastEndedAt
    else { return nil }
    let until = ended + retry.ceiling(afterFailures: memory.fruitless)
    return now < until ? until : nil
  }

  /// What the reorder point asks for.
  package enum Reorder: Sendable, Hashable {
    case no
    case waits(until: Instant)
    case now
  }

  /// Whether the level is at or below the reorder point.
  package var isLow: Bool { pool.stock.reorderAt > 0 && position <= pool.stock.reorderAt }

  /// Whether pending claims wait for more than running runs will bring. What is on the shelf is no
  /// help to them: it is not what they want, or others stand before them.
  package var lacksBackorders: Bool { outstanding < stock.pending }

  /// Whether the level or a backorder calls for a run, schedule or not. A shelf that is full of what
  /// nobody who waits wants has no room for what is lacking: a run would end without a slice, and
  /// the next one would be called for at once.
  package func reorder(at now: Instant) -> Reorder {
    let ceiling = pool.stock.takesAll ? pool.stock.max : target ?? 0
    guard standstill == nil, disk == nil, isLow || lacksBackorders, position < ceiling,
      spare + recallable > 0,
      let producer = pool.producer, runs.count < producer.concurrency,
      runs.isEmpty || !isOnTrial(at: now), !runs.contains(where: takesAll)
    else { return .no }
    return ordersWaitUntil(at: now).map { .waits(until: $0) } ?? .now
  }

  /// Whether nothing keeps runs from starting by themselves.
  package func mayOrder(at now: Instant) -> Bool { ordersWaitUntil(at: now) == nil }

  private func ordersWaitUntil(at now: Instant) -> Instant? {
    [breakerOpenUntil(at: now), reorderWaitsUntil(at: now)].compactMap { $0 }.max()
  }

  /// When the next run of a schedule starts, its jitter included.
  package func nextFire(after now: Instant) -> Instant? {
    guard standstill == nil else { return nil }
    return pool.schedules.filter { !$0.suspend }.compactMap { nextStart(of: $0, after: now) }.min()
  }

  private func nextStart(of schedule: ScheduleSpec, after now: Instant) -> Instant? {
    // Times that have passed may be waiting for their jitter.
    let mark = marks[schedule.name].flatMap { $0.timing == schedule.timing ? $0.considered : nil }
    let from = schedule.jitter > .zero ? min(max(mark ?? now, now - schedule.jitter), now) : now
    return schedule.next(after: from).map { max(schedule.start(of: $0, in: pool.name), now) }
  }

  /// How long the run takes that one more pending claim would start at once; nil where it starts none.
  package func backorderRunTime(at now: Instant) -> Duration? {
    var status = self
    status.stock.pending += 1
    guard runs.isEmpty, status.reorder(at: now) == .now else { return nil }
    return memory.typicalRunTime ?? .zero
  }

  /// When the next run should have filled the pool; nil where nobody can say.
  package func expectedFill(at now: Instant) -> Instant? {
    guard standstill == nil, disk == nil else { return nil }
    let takes = memory.typicalRunTime ?? .zero
    var start = nextFire(after: now)
    if let running = runs.first {
      start = running.startedAt ?? now
    } else if case .waits(let until) = reorder(at: now) {
      start = min(start ?? until, until)
    } else if reorder(at: now) == .now {
      start = now
    }
    return start.map { max($0 + takes, now) }
  }
}
