import Engine
import Larder

/// The life of claims.
extension World {
  /// A recall that goes on in pieces, as its client has it.
  struct RecallJob {
    var recall: Recall
    var pool: String
    /// Items that were there when it began.
    var items: Int
    var cursor: String?
  }

  // MARK: Orders

  func order(_ action: OrderAction) -> ClaimOrder? {
    switch action {
    case .request(let claim):
      return .request(
        ClaimRequest(
          pool: name(claim.pool), user: "user-\(claim.user)", key: claim.key.map { "key-\($0)" },
          count: claim.count, hold: claim.hold.map { .seconds($0) },
          match: claim.match.map { Attributes.matches[$0] },
          minRemaining: claim.minRemaining.map { .seconds($0) }, onMiss: claim.onMiss))
    case .change(let number, let command):
      guard !model.claims.isEmpty else { return nil }
      // Every other time one that is open, if any is.
      let open = model.claims.indices.filter { [.held, .pending].contains(model.claims[$0].state) }
      let places = number % 2 == 0 && !open.isEmpty ? open : Array(model.claims.indices)
      let place = places[places.count - 1 - number / 2 % places.count]
      return .change(model.claims[place].id, command)
    }
  }

  func decide(_ orders: [ClaimOrder]) throws {
    try write { () throws(StoreError) in
      try store.decide(orders, at: now)
    } then: { outcomes in
      try same(outcomes.count, orders.count, "answer", "the number of answers")
      for (order, outcome) in zip(orders, outcomes) {
        switch order {
        case .request(let request): try model.follow(request, outcome, at: now)
        case .change(let id, let command):
          try model.follow(id, command, outcome, at: now)
          if case .changed = outcome { tally["\(command)", default: 0] += 1 }
        }
        tally[outcome.word, default: 0] += 1
      }
    }
    try tellChanges()
  }

  func lapse(_ name: String) throws {
    guard let pool = model.pools[name] else { return }
    try write { () throws(StoreError) in
      try store.lapse(pool: name, at: now, limit: Limits.lapseSlice)
    } then: { count in
      try same(count, model.lapse(pool, at: now, limit: Limits.lapseSlice), "lapse", name)
      tally["lapses", default: 0] += count
    }
    try tellChanges()
  }

  func forget(_ user: String, _ limit: Int) throws {
    try write { () throws(StoreError) in
      try store.forget(user: user, at: now, limit: limit)
    } then: { piece in
      try same(piece, model.forget(user, at: now, limit: limit), "forget", user)
      tally["forgotten claims", default: 0] += piece.done
    }
    try tellChanges()
  }

  // MARK: Recalls

  func recall(_ action: RecallAction, in pool: String) throws {
    guard model.pools[pool] != nil else { return }
    let recall: Recall
    switch action {
    case .run(let number):
      let runs = past.filter { $0.pool == pool }.map(\.run)
      guard !runs.isEmpty else { return }
      recall = .run(runs[runs.count - 1 - number % runs.count])
    case .revision(let number): recall = .revision("r\(number)")
    case .made(let ago, let span):
      let from = now - .seconds(ago)
      recall = .made(from: from, to: from + .seconds(span))
    }
    recalls.append(RecallJob(recall: recall, pool: pool, items: model.items.count))
  }

  func recallOn(_ limit: Int) throws {
    guard var job = recalls.first, let pool = model.pools[job.pool] else { return }
    if job.cursor == nil { job.items = model.items.count }
    try write { () throws(StoreError) in
      try store.recall(job.recall, in: job.pool, after: job.cursor, at: now, limit: limit)
    } then: { piece in
      try follow(piece, of: job, pool, limit)
      tally["taken back", default: 0] += piece.done
      try check(
        piece.cursor.map { $0 != job.cursor } ?? true, "recall", "it stands still at \(job)")
      recalls[0].items = job.items
      recalls[0].cursor = piece.cursor
      if piece.cursor == nil { recalls.removeFirst() }
    }
    try tellChanges()
  }

  /// Which items a piece came to is its own choice, but not what may become of them.
  private func follow(
    _ piece: Piece, of job: RecallJob, _ pool: Pool, _ limit: Int
  ) throws(Violation) {
    let text = "\(job) at \(RFC3339.format(now))"
    let lapsed = Set(
      try database.rows("SELECT id FROM claims WHERE pool = ? AND state = 'lapsed'", [pool.name])
        .compactMap { $0[0] })
    let ended = model.claims.indices.filter {
      model.claims[$0].state == .held && lapsed.contains(model.claims[$0].id)
    }
    for number in ended {
      let isConcerned = model.claims[number].rows.contains { model.concerns(job.recall, $0) }
      try check(
        isConcerned && model.state(number, at: now) == .lapsed, "recall",
        "\(text) ended \(model.claims[number].id)")
    }
    let openings = model.endHolds(ended, pool, at: now)
    let recalled = Set(
      try database.rows(
        "SELECT id FROM inventory WHERE pool = ? AND state = 'recalled'", [pool.name]
      ).compactMap { $0[0] })
    let taken = recalled.compactMap { model.rows[$0] }.filter { model.items[$0].state != .recalled }
    try same(taken.count, piece.done, "recall", text)
    try check(piece.done <= limit, "recall", "\(piece) of \(text)")
    for row in taken {
      try check(
        model.concerns(job.recall, row) && row < job.items
          && [.available, .held, .claimed].contains(model.items[row].state), "recall",
        "\(text) took \(model.items[row])")
    }
    model.takeBack(taken, at: now)
    model.fill(pool, openings, at: now)
    try same(piece.more, piece.cursor != nil, "recall", text)
    if piece.more { return }
    let left = model.items.indices.prefix(job.items).filter {
      !model.gone.contains($0) && model.items[$0].pool == pool.name
        && model.concerns(job.recall, $0)
        && [.available, .held, .claimed].contains(model.items[$0].state)
    }
    try check(left.isEmpty, "recall", "\(text) left \(left.map { model.items[$0] })")
  }

  // MARK: Purges

  func purge(_ before: Instant, _ limit: Int) throws {
    try write { () throws(StoreError) in
      try store.purge(before: before, at: now, limit: limit)
    } then: { piece in
      tally["purged rows", default: 0] += piece.done
      try followPurge(before)
      guard !piece.more else { return }
      let items = model.items.indices.filter {
        !model.gone.contains($0) && model.isOver($0, before: before)
      }
      let claims = model.claims.indices.filter { model.isClaimOver($0, before: before) }
      try check(items.isEmpty && claims.isEmpty, "purge", "it leaves \(items) and \(claims)")
    }
    try tellChanges()
  }

  private func followPurge(_ before: Instant) throws(Violation) {
    let items = Set(try database.rows("SELECT id FROM inventory").compactMap { $0[0] })
    var deleted = Set(
      model.items.indices.filter {
        !model.gone.contains($0) && !items.contains(model.items[$0].id)
      })
    let counts = Dictionary(
      try database.rows("SELECT id, count FROM claims").map { ($0[0] ?? "", $0[1] ?? "") }
    ) { first, _ in first }
    for number in model.claims.indices {
      let claim = model.claims[number]
      guard !claim.isGone, claim.count > 0 else { continue }
      let count = counts[claim.id]
      guard count == nil || count == "0" else { continue }
      try check(
        model.isClaimOver(number, before: before) && (count == nil) == (claim.key == nil), "purge",
        "of \(claim)")
      try check(deleted.isSuperset(of: claim.rows), "purge", "\(claim) leaves items")
      deleted.subtract(claim.rows)
      model.purge(claim: number)
      tally["purged claims", default: 0] += 1
    }
    for row in deleted.sorted() {
      try check(model.isOver(row, before: before), "purge", "of \(model.items[row])")
      model.purge(item: row)
    }
    try followPurgedRuns()
  }

  private func followPurgedRuns() throws(Violation) {
    let left = Set(try database.rows("SELECT id FROM runs").compactMap { $0[0] })
    for (id, run) in runs.known where !left.contains(id) {
      try check(!run.state.isUnfinished, "purge", "of \(id), which is \(run.state)")
      runs.known[id] = nil
      model.committed[id] = nil
      model.purgedSlices[id] = nil
      tally["purged runs", default: 0] += 1
    }
    runs.nominals = runs.nominals.filter { left.contains($0.value) }
    let slices = Dictionary(
      try database.rows(
        "SELECT run, count(*) FROM slices WHERE state = 'committed' GROUP BY run"
      ).map { ($0[0] ?? "", $0[1].flatMap { Int($0) } ?? 0) }
    ) { first, _ in first }
    for (run, committed) in model.committed {
      let missing = committed.count - (slices[run] ?? 0)
      if missing > 0 {
        let isOver = !(runs.known[run]?.state.isUnfinished ?? true)
        try check(isOver, "purge", "of slices of \(run)")
        model.purgedSlices[run] = missing
      }
    }
  }

  // MARK: Pushes

  /// Posts what is due; of ten pushes so many arrive, and of these the answers of some are lost.
  func push(_ limit: Int, arriving: Int, losing: Int, _ seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let (due, next) = try store.deliveries(at: now, limit: limit, without: [])
    let all = model.timedPushes
    let expected = all.filter { $0.nextAt.map { $0 <= now } ?? false }.prefix(limit)
    try same(
      due,
      expected.map {
        Delivery(id: $0.id, pool: $0.pool, claim: $0.claim, body: $0.body, attempts: $0.attempts)
      }, "push", "what is due")
    try same(next, all.dropFirst(due.count).first?.nextAt, "push", "when the next is due")
    for push in expected {
      let hasWebhook = model.pools[push.pool]?.claims.webhook != nil
      try same(store.webhook(of: push.pool) != nil, hasWebhook, "push", "\(push.pool)'s webhook")
      let arrives = hasWebhook && random.number(0...9) < arriving
      if arrives { try receive(push) }
      if !hasWebhook || arrives && random.number(0...9) >= losing {
        try write { () throws(StoreError) in
          try store.delivered(push.id)
        } then: {
          model.arrived(push.id)
          tally["push", default: 0] += 1
        }
      } else {
        let nextTry = now + .seconds(random.number(0...300))
        try write { () throws(StoreError) in
          try store.failedDelivery(push.id, nextTryAt: nextTry)
        } then: {
          guard let place = model.pushes.firstIndex(where: { $0.id == push.id }) else { return }
          model.pushes[place].attempts += 1
          model.pushes[place].nextAt = nextTry
          tally["failed push", default: 0] += 1
        }
      }
      try checkPushes()
    }
  }

  /// The other side: a push comes again with the same id and body, and never behind a later one.
  private func receive(_ push: Model.Push) throws(Violation) {
    if let before = received[push.id] {
      try same(push.body, before, "push", "what \(push.id) says")
      tally["push again", default: 0] += 1
    } else {
      try check(
        push.number > lastReceived[push.claim] ?? -1, "push", "\(push) comes behind a later one")
    }
    received[push.id] = push.body
    lastReceived[push.claim] = push.number
  }

  /// Time goes by until everything that was to be told has arrived.
  func pushAll() throws {
    while let first = model.timedPushes.first, let at = first.nextAt, at <= now {
      try push(100, arriving: 10, losing: 0, 0)
    }
  }

  /// The pushes that wait on disk are those that must, and keep their ids.
  func checkPushes() throws(Violation) {
    let rows = try database.rows(
      "SELECT id, claim, pool, body, attempts, next_at FROM webhooks ORDER BY seq")
    try same(rows.count, model.pushes.count, "push", "the number of pushes that wait")
    for (place, row) in rows.enumerated() {
      if model.pushes[place].id.isEmpty { model.pushes[place].id = row[0] ?? "" }
      let push = model.pushes[place]
      try same(
        row,
        [
          push.id, push.claim, push.pool, push.body, "\(push.attempts)",
          push.nextAt.map { "\($0.milliseconds)" },
        ], "push", "a push on disk")
    }
  }
}

extension ClaimOutcome {
  fileprivate var word: String {
    switch self {
    case .granted: "grant"
    case .accepted: "backorder"
    case .changed: "changed claim"
    case .wrongState: "wrong state"
    case .unknownClaim: "unknown claim"
    case .noHolds: "no holds"
    case .repeated: "same answer again"
    case .outOfStock: "miss"
    case .keyReused: "key used again"
    case .userLimit: "user's limit"
    case .unknownPool: "unknown pool"
    }
  }
}
