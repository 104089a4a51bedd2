import Larder

/// What has to hold after each step.
extension World {
  func checkStep() throws {
    for (name, pool) in model.pools {
      let stock = try keptCounts(name)
      try same(stock, model.counts[name] ?? Stock(), "counts", name)
      let level =
        model.claimable(pool, at: now).count + model.inFlight(name) + model.restockable(pool)
      let most = max(pool.stock.max, overfull[name] ?? 0)
      try check(
        level <= most, "max",
        "\(level) available and in flight against a max of \(pool.stock.max) of \(name)")
      overfull[name] = level
      let busy = busy(name)
      let allowed = max(pool.producer?.concurrency ?? 0, runs.allowance[name] ?? 0)
      try check(busy <= allowed, "concurrency", "\(name) with \(busy) of \(allowed)")
      runs.allowance[name] = min(busy, runs.allowance[name] ?? 0)
    }
    try check(outstanding.count <= producers, "producers", "\(outstanding)")
    try checkSnapshot()
    if busySteps == 0 { try checkRest() }
  }

  /// What holds when the engine has found its rest.
  private func checkRest() throws {
    for (name, pool) in model.pools {
      let isAtRest = model.isAtRest(name)
      let neglected = schedules.neglected(pool, isAtRest: isAtRest, at: now)
      try check(neglected.isEmpty, "no silent schedule", "\(name) \(neglected)")
      var times: [Instant] = []
      for schedule in pool.schedules where !isAtRest && !schedule.suspend {
        if let next = schedules.nextStart(schedule, in: pool, at: now) { times.append(next) }
      }
      let expiries = (model.shelves[name] ?? []).compactMap { model.items[$0].expiresAt }
      if let first = expiries.min() { times.append(first - pool.claims.minRemaining) }
      if let lapse = model.nextLapse(name) { times.append(lapse) }
      if let first = times.min() {
        try check(
          deadline.map { $0 <= first } ?? false, "deadline",
          "\(deadline.map(RFC3339.format) ?? "none"), and \(name) has \(RFC3339.format(first))")
      }
      if model.counts[name]?.pending ?? 0 == 0 { unsettled.remove(name) }
      if !unsettled.contains(name), let number = model.waitingInVain(pool, at: now) {
        throw Violation(check: "first come", detail: "\(model.claims[number]) waits in vain")
      }
      let wrong = model.wronglyMarked(pool)
      try check(wrong.isEmpty, "stale", "\(name) has wrong marks: \(wrong.sorted())")
      if !isAtRest { try checkWaits(pool) }
    }
    try checkState()
  }

  /// What waits does not wait for longer than it has to.
  private func checkWaits(_ pool: Pool) throws(Violation) {
    let unfinished = runs.unfinished(pool.name)
    let level = model.fresh(pool, at: now)
    if unfinished.isEmpty, isLow(pool), busy(pool.name) < pool.producer?.concurrency ?? 0 {
      let until = [runs.reorderUntil(pool), runs.breakerUntil(pool)].compactMap { $0 }.max() ?? now
      try check(
        until > now && deadline.map { $0 <= until } ?? false, "refill",
        "\(pool.name) at \(level) waits until \(RFC3339.format(until)), and the deadline is "
          + (deadline.map(RFC3339.format) ?? "none"))
    }
    guard let producer = pool.producer, outstanding.count < producers else { return }
    let pause = max(
      .seconds(PoolDesign.longestWait), producer.rate?.time(for: PoolDesign.largestSlice) ?? .zero)
    for (run, known) in unfinished where known.state == .running {
      guard !outstanding.contains(where: { $0.run == run }) else { continue }
      try check(
        deadline.map { $0 <= now + pause } ?? false, "refill",
        "\(run) of \(pool.name) is with no producer at \(RFC3339.format(now)), and the deadline is "
          + (deadline.map(RFC3339.format) ?? "none"))
    }
  }

  /// The engine's state is what the store keeps.
  private func checkState() throws {
    for kept in try store.pools() {
      let name = kept.pool.name
      guard let status = state.status(of: name) else {
        throw Violation(check: "state", detail: "\(name) is not in it")
      }
      try same(status.stock, kept.stock, "state", "the stock of \(name)")
      try same(status.marks, kept.marks, "state", "the marks of \(name)")
      try same(status.runs.map(\.id), kept.runs.map(\.id), "state", "the runs of \(name)")
      try same(
        [kept.paused, kept.retired], [model.paused.contains(name), model.retired.contains(name)],
        "pools", name)
      try same(kept.problem, model.problems[name], "pools", name)
      try same([status.paused, status.retired], [kept.paused, kept.retired], "state", name)
      try same(status.problem, kept.problem, "state", name)
      for (run, row) in zip(status.runs, kept.runs) {
        try same(run.state, row.state, "state", run.id)
        try same(
          [run.asked, run.covered, run.stored, run.expired],
          [row.asked, row.covered, row.stored, row.expired], "state", run.id)
        try same(run.cursor, row.cursor, "state", run.id)
        // What was to be recalled for a slice may have been claimed before.
        var slice = run.slice
        slice?.recalled = row.slice?.recalled ?? 0
        try same(slice, row.slice, "state", run.id)
      }
      let memory = runs.memories[name] ?? RunsModel.Memory()
      for found in [status.memory, kept.memory] {
        try same(
          [found.failures, found.fruitless], [memory.failures, memory.fruitless], "memory", name)
      }
    }
  }

  private func keptCounts(_ pool: String) throws(Violation) -> Stock {
    var stock = Stock()
    let rows = try database.rows(
      """
      SELECT available, held, claimed, expired, recalled, quarantined, replaced, stale, pending
      FROM stock
      WHERE pool = ?
      """, [pool])
    stock.stale = rows.first?[7].flatMap { Int($0) } ?? 0
    stock.pending = rows.first?[8].flatMap { Int($0) } ?? 0
    for (state, value) in zip(ItemState.allCases, rows.first ?? []) {
      stock[state] = value.flatMap { Int($0) } ?? 0
    }
    return stock
  }

  /// Every row against the model: after a crash, and now and then.
  func checkWhole() throws(Violation) {
    let items = try newRows(after: 0)
    let expected = model.items.indices.filter { !model.gone.contains($0) }.map { model.items[$0] }
    if items != expected {
      let index = zip(items, expected).enumerated().first { $1.0 != $1.1 }?.offset
      let place = index ?? min(items.count, expected.count)
      throw Violation(
        check: "items",
        detail: "\(items.count) items on disk, \(expected.count) expected; at \(place): "
          + "\(items.dropFirst(place).first.map { "\($0)" } ?? "none") instead of "
          + "\(expected.dropFirst(place).first.map { "\($0)" } ?? "none")")
    }
    let claims = try database.rows(
      """
      SELECT id, pool, user, key, fingerprint, state, count, claimed_at, hold_ms, hold_expires_at,
        timeout_at, match, min_remaining_ms
      FROM claims ORDER BY seq
      """)
    let kept = model.claims.filter { !$0.isGone }
    try same(claims.count, kept.count, "claims", "the number of claims")
    for (row, claim) in zip(claims, kept) {
      try same(
        row,
        [
          claim.id, claim.pool, claim.user, claim.key, claim.request.fingerprint,
          claim.state.rawValue, "\(claim.count)", "\(claim.claimedAt.milliseconds)",
          claim.hold.map { "\($0.inMilliseconds)" },
          claim.holdExpiresAt.map { "\($0.milliseconds)" },
          claim.timeoutAt.map { "\($0.milliseconds)" }, claim.match,
          "\(claim.minRemaining.inMilliseconds)",
        ], "claims", "a claim on disk")
    }
    try checkPushes()
    try checkDemand()
    tally["backorder filled"] = model.filled
    tally["told"] = model.told
    try checkRuns()
  }

  private func checkDemand() throws(Violation) {
    let rows = try database.rows(
      """
      SELECT pool, sum(hits), sum(claimed), min(min(hits, misses, claimed, missed, wasted))
      FROM (SELECT pool, hits, misses, claimed, missed, wasted FROM demand
        UNION ALL SELECT pool, 1, 0, count, 0, 0 FROM grants WHERE count > 0)
      GROUP BY pool
      """)
    for row in rows {
      let demand = model.demand[row[0] ?? ""] ?? Demand()
      try same([row[1], row[2]], ["\(demand.hits)", "\(demand.claimed)"], "demand", "\(row)")
      try check(!(row[3]?.hasPrefix("-") ?? false), "demand", "\(row) is below zero")
    }
    let wasted = try database.rows("SELECT coalesce(sum(wasted), 0) FROM demand")
    let explained = try database.rows(
      """
      SELECT coalesce(sum(items), 0) FROM waste
      WHERE reason NOT IN ('lapsed', 'released', 'recalled')
      """)
    try same(wasted, explained, "demand", "what was wasted, and why")
  }

  private func checkRuns() throws(Violation) {
    let rows = try database.rows("SELECT id, state, asked, covered, stored, cursor FROM runs")
    try same(rows.count, runs.known.count, "runs", "the number of runs")
    for row in rows {
      let id = row[0] ?? ""
      let known = runs.known[id]
      let stored = (model.committed[id] ?? []).reduce(0) { $0 + $1.result.stored }
      try same(
        row,
        [
          id, known?.state.rawValue, "\(known?.asked ?? 0)", "\(model.covered[id] ?? 0)",
          "\(stored)", model.cursors[id] ?? "",
        ], "runs", "a run on disk")
    }
    let slices = try database.rows(
      "SELECT run, slice, asked, stored, duplicates, overfill, recalled FROM slices WHERE state = 'committed'"
    )
    try same(
      slices.count,
      model.committed.values.reduce(0) { $0 + $1.count }
        - model.purgedSlices.values.reduce(0, +), "slices",
      "the number of committed slices")
    for row in slices {
      let results = model.committed[row[0] ?? ""] ?? []
      guard let number = Int(row[1] ?? ""), results.indices.contains(number - 1) else {
        throw Violation(check: "slices", detail: "\(row) was not committed")
      }
      let slice = results[number - 1]
      let result = slice.result
      try same(
        row[2...].map { $0.flatMap { Int($0) } },
        [slice.asked, result.stored, result.duplicates, result.overfill, slice.recalled],
        "slices", "\(row)")
    }
  }

  /// The rows of items behind so many.
  func newRows(after count: Int) throws(Violation) -> [Model.ModelItem] {
    let rows = try database.rows(
      """
      SELECT seq, id, pool, key, made_for, payload, expires_at, state, claim, run, slice, line,
        revision, stale, attributes, produced_at
      FROM inventory WHERE seq > CAST(? AS INTEGER) ORDER BY seq
      """, ["\(count)"])
    return rows.map { row in
      func number(_ column: Int) -> Int? { row[column].flatMap { Int($0) } }
      return Model.ModelItem(
        sequence: number(0) ?? 0, id: row[1] ?? "", pool: row[2] ?? "", key: row[3], user: row[4],
        payload: row[5] ?? "", attributes: row[14],
        producedAt: Instant(milliseconds: Int64(number(15) ?? 0)),
        expiresAt: number(6).map { Instant(milliseconds: Int64($0)) },
        state: row[7].flatMap(ItemState.init) ?? .replaced, claim: row[8], run: row[9],
        slice: number(10), line: number(11), revision: row[12], isStale: row[13] == "1")
    }
  }

  /// What readers show.
  func checkReader() throws {
    for status in try reader.pools(nil, at: now) {
      let name = status.pool.name
      var stock = model.counts[name] ?? Stock()
      guard let pool = model.pools[name] else { continue }
      let claimable = model.claimable(pool, at: now)
      stock.expired += stock.available - claimable.count
      stock.available = claimable.count
      stock.stale = claimable.count { model.items[$0].isStale }
      stock.nextLapse = model.nextLapse(name)
      stock.nextExpiry = claimable.compactMap { model.items[$0].expiresAt }.min()
      try same(status.stock, stock, "level", name)
      try same(status.inFlight, model.inFlight(name), "level", "in flight of \(name)")
      try same(status.retired, model.retired.contains(name), "level", name)
    }
    for number in model.claims.indices.suffix(12) {
      let shown = model.shown(number, at: now)
      let found = try reader.claim(shown.id, at: now)
      let isKnown = !model.claims[number].isGone && shown.state != .forgotten
      try same(found, isKnown ? shown : nil, "claim by its id")
    }
    try checkLists()
    for row in model.items.indices.suffix(40) where !model.gone.contains(row) {
      let item = model.items[row]
      guard let key = item.key, let pool = model.pools[item.pool], item.state != .replaced
      else { continue }
      let cutoff = now + pool.claims.minRemaining
      let isExpired = item.state == .available && item.expiresAt.map { $0 <= cutoff } ?? false
      let status = try reader.item(key, in: item.pool, at: now)
      try same(status?.state, isExpired ? .expired : item.state, "item by its key", key)
      let claim = item.claim.flatMap { id in
        model.numbers[id].flatMap { model.claims[$0].state == .forgotten ? nil : id }
      }
      try same(status?.claim, claim, "item by its key", key)
    }
  }

  /// Lists of claims, page by page.
  private func checkLists() throws {
    for user in Set(model.claims.suffix(2).map(\.user)).sorted() {
      var found: [String] = []
      var cursor: Int64?
      repeat {
        let page = try reader.claims(
          user: user, pool: nil, state: nil, before: cursor, limit: 2, at: now)
        found += page.rows.map(\.id)
        cursor = page.cursor
      } while cursor != nil
      let expected = model.claims.filter {
        $0.user == user && !$0.isGone && $0.state != .forgotten
      }
      try same(found, expected.map(\.id).reversed(), "claims of a user", user)
    }
    for name in model.pools.keys.sorted() {
      for state in [ClaimState.held, .pending, .recalled] {
        let page = try reader.claims(
          user: nil, pool: name, state: state, before: nil, limit: 1000, at: now)
        let expected = model.claims.indices.filter {
          model.claims[$0].pool == name && !model.claims[$0].isGone
            && model.claims[$0].state == state && model.state($0, at: now) == state
        }
        try same(
          page.rows.map(\.id), expected.map { model.claims[$0].id }.reversed(),
          "claims of a state", "\(state) of \(name)")
      }
    }
  }
}
