import Engine
import Larder

/// Doing what steps say.
extension World {
  /// Steps after which every row is compared.
  private static let wholeCheckEvery = 16
  /// How long it may take until the shelves are full once all is well.
  private static let longestCalm = Duration.seconds(3600)
  static let absentProgram = "there is no such program"

  func run(_ step: Step, number: Int) throws {
    crash = step.crash
    writes = 0
    meanwhile = step.meanwhile
    do {
      try perform(step.action)
      try settle()
      let others = meanwhile
      meanwhile = []
      for action in others { try perform(action) }
      if busySteps > 0 { busySteps -= 1 }
      try settle()
      if step.crash != nil { throw Crashed() }
    } catch is Crashed {
      guard let crash = step.crash else { throw Crashed() }
      if crash.downtime < 0 { comeBack() }
      try reopen(copying: crash.copying, downtime: crash.downtime)
      try begin()
    }
    try checkStep()
    if number % Self.wholeCheckEvery == 0 { try checkWhole() }
  }

  /// The clock is set back: what had expired is there again, so that any level is allowed, and
  /// those who wait are not told of it.
  private func comeBack() {
    overfull = model.pools.mapValues { _ in Int.max }
    unsettled = Set(model.pools.keys)
  }

  func perform(_ action: Action) throws {
    switch action {
    case .advance(let milliseconds): try advance(to: now + .milliseconds(milliseconds))
    case .toDeadline(let beyond):
      guard let deadline, deadline - now < .seconds(7200) else { return }
      try advance(to: max(now, deadline) + .milliseconds(beyond))
    case .stall(let milliseconds): now = now + .milliseconds(milliseconds)
    case .setBack(let milliseconds):
      comeBack()
      now = now - .milliseconds(milliseconds)
    case .orders(let orders): try decide(orders.compactMap(order))
    case .repeatClaim(let number, let other):
      guard !model.claims.isEmpty else { return }
      var request = model.claims[number % model.claims.count].request
      if other { request.count += 1 }
      try decide([.request(request)])
    case .forget(let user, let limit): try forget("user-\(user)", limit)
    case .recall(let pool, let action): try recall(action, in: name(pool))
    case .recallOn(let limit): try recallOn(limit)
    case .purge(let before, let limit): try purge(now - .seconds(before), limit)
    case .push(let limit, let arriving, let losing, let seed):
      try push(limit, arriving: arriving, losing: losing, seed)
    case .put(let pool, let batch): try put(batch, in: name(pool))
    case .finish(let launch, let batch): try finish(launch, batch)
    case .fail(let launch): take(launch, .failed("exit 1", log: []))
    case .notStarted(let launch): take(launch, .notStarted(Self.absentProgram))
    case .giveUp(let launch): take(launch, .givenUp)
    case .late(let launch, let batch): try late(launch, batch)
    case .leave:
      let left = outstanding.filter { leaving.contains($0.run) }
      outstanding.removeAll { leaving.contains($0.run) }
      inbox.results += left.map { ($0, .givenUp) }
    case .request(let pool, let count): inbox.requests.append((name(pool), count))
    case .command(let pool, let command): inbox.commands.append((command, name(pool)))
    case .change(let changes): inbox.changes.append(changes)
    case .restart(let milliseconds, let copying, let changes):
      if milliseconds < 0 { comeBack() }
      let died = crash
      try reopen(copying: copying, downtime: milliseconds)
      crash = died
      if !changes.isEmpty { try put(changes) }
      try begin()
    case .read: try checkReader()
    case .holdSnapshot: try holdSnapshot()
    case .releaseSnapshot: releaseSnapshot()
    case .keepBusy(let steps): busySteps = steps + 1
    case .calm: try calm()
    }
  }

  func name(_ pool: Int) -> String { pool < poolCount ? "pool-\(pool)" : "nobody" }

  // MARK: Time

  /// Lets the clock run to an instant; the engine wakes at each deadline on the way.
  private func advance(to end: Instant) throws {
    if store.grantsWait {
      tally["settled", default: 0] += 1
      try write { () throws(StoreError) in
        try store.settle()
      } then: { _ in
      }
    }
    if !inbox.isEmpty { try settle() }
    while busySteps == 0, let next = deadline, next <= end {
      now = max(now, next)
      try settle()
    }
    now = end
  }

  /// Producers are well and clients are quiet until every pool is above its reorder point.
  private func calm() throws {
    busySteps = 0
    try settle()
    let begin = now
    let waiting = runs.unfinished.filter { id in
      runs.known[id].map { !model.isAtRest($0.pool) } ?? false
    }
    while true {
      while let launch = outstanding.first {
        outstanding.removeFirst()
        var random = SeededRandom(seed: UInt64(serial))
        let good = Batch(number: .asMany, life: nil, keys: nil, user: nil, seed: random.next())
        let items = items(good, count: launch.count)
        try commit(launch, items, printed: items.count, cursor: nil)
        try settle()
      }
      let low = model.pools.values.filter { !isRefilled($0) }.map(\.name)
      let left = waiting.filter { runs.known[$0]?.state.isUnfinished ?? false }
      if low.isEmpty, left.isEmpty { return try pushAll() }
      guard let deadline, deadline - begin < Self.longestCalm else {
        throw Violation(
          check: "refill",
          detail: "\(low) are still low, and \(left) have not ended, "
            + "\((now - begin).inSeconds) s after all was well; the next deadline is "
            + (deadline.map(RFC3339.format) ?? "none"))
      }
      now = max(now, deadline)
      try settle()
    }
  }

  private func isRefilled(_ pool: Pool) -> Bool {
    model.isAtRest(pool.name) || !isLow(pool)
  }

  /// Whether a pool needs more, and has room for it.
  func isLow(_ pool: Pool) -> Bool {
    let stock = model.counts[pool.name] ?? Stock()
    let position = model.fresh(pool, at: now) - stock.pending
    let recallable = pool.stock.onRevision == .replace ? stock.stale : 0
    let auto = pool.stock.isAuto ? model.autos[pool.name]?.target ?? 0 : nil
    return position < auto ?? pool.stock.target ?? pool.stock.max
      && (pool.stock.reorderAt > 0 && position <= pool.stock.reorderAt || stock.pending > 0)
      && position < pool.stock.max - model.restockable(pool)
      && model.room(pool, at: now) + recallable > 0
  }

  // MARK: Claims and items

  private func put(_ batch: Batch, in name: String) throws {
    guard let pool = model.pools[name] else { return }
    let items = items(batch, count: 0)
    try write { () throws(StoreError) in
      try store.put(items, in: name, at: now)
    } then: { result in
      try followItems(items, pool, nil, result)
    }
    try tellChanges()
  }

  private func finish(_ number: Int, _ batch: Batch) throws {
    guard !outstanding.isEmpty else { return }
    let launch = outstanding.remove(at: number % outstanding.count)
    let items = items(batch, count: launch.count)
    let cursor = serial % 4 == 0 ? nil : "cursor-\(serial)"
    try commit(launch, items, printed: items.count, cursor: cursor)
  }

  private func take(_ number: Int, _ result: SliceResult) {
    guard !outstanding.isEmpty else { return }
    inbox.results.append((outstanding.remove(at: number % outstanding.count), result))
  }

  /// A slice that was answered before must not be kept a second time.
  private func late(_ number: Int, _ batch: Batch) throws {
    let old = past.filter { launch in
      model.flying[launch.run]?.slice != launch.slice && !outstanding.contains(launch)
    }
    guard !old.isEmpty else { return }
    let launch = old[number % old.count]
    let slice = SliceCommit(
      run: launch.run, slice: launch.slice, items: items(batch, count: launch.count),
      cursor: "late", overfill: 0, revision: "", log: [])
    let result = try? store.commit(slice, at: now)
    try check(result == nil, "fence", "\(launch) was committed late")
  }

  private func items(_ batch: Batch, count asked: Int) -> [NewItem] {
    var random = SeededRandom(seed: batch.seed)
    let count =
      switch batch.number {
      case .asMany: asked
      case .fewer(let by): max(0, asked - by)
      case .more(let by): asked + by
      case .exactly(let count): count
      }
    return (0..<count).map { _ in
      serial += 1
      var item = NewItem(payload: "{\"n\":\(serial)}")
      if let keys = batch.keys {
        item.key = "again-\(random.number(1...keys))"
      } else if random.chance(50) {
        item.key = "new-\(serial)"
      }
      item.expiresAt = batch.life.map { now + .seconds($0 + random.number(0...3)) }
      item.user = batch.user.map(user)
      if batch.hasAttributes, random.chance(80) {
        item.attributes = random.pick(Attributes.texts).text
      }
      return item
    }
  }

  /// A user by a number; every other one is somebody who waits, if anybody does.
  private func user(_ number: Int) -> String {
    let waiting = model.pending.sorted()
    guard number % 2 == 0, !waiting.isEmpty else { return "user-\(number)" }
    return model.claims[waiting[number / 2 % waiting.count]].user
  }
}
