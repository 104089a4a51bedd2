import Engine
import Larder

/// What the engine's loop and its threads do.
extension World {
  /// Rounds after which the engine should have found its rest.
  private static let mostRounds = 300

  /// Lets the engine do all that is to be done now.
  func settle() throws {
    guard busySteps == 0 else { return }
    for _ in 0..<Self.mostRounds {
      if !inbox.isEmpty { try takeInbox() }
      deadline = try act()
      if inbox.isEmpty, deadline.map({ $0 > now }) ?? true { return }
    }
    throw Violation(
      check: "rest", detail: "the engine finds none at \(RFC3339.format(now)): \(lastDecided)")
  }

  private func seeClock() {
    awakeSince = min(awakeSince, now)
    runs.see(now)
  }

  private func takeInbox() throws {
    let mail = inbox
    inbox = Inbox()
    seeClock()
    state.stockChanged(mail.stocks)
    for changes in mail.changes {
      // The slices whose ends are in the mail are still with the engine.
      inbox.results = mail.results
      defer { inbox.results = [] }
      state.change(try put(changes))
    }
    var events: [RunEvent] = []
    for (launch, result) in mail.results {
      leaving.remove(launch.run)
      events += state.sliceEnded(launch, result, at: now).events
    }
    for (command, pool) in mail.commands {
      do {
        events += try state.perform(command, on: pool, at: now)
      } catch {
        try check(model.pools[pool] == nil, "command", "\(pool) refused: \(error)")
      }
    }
    for (pool, count) in mail.requests {
      do {
        events.append(try state.request(pool, count: count, at: now).event)
      } catch {
        let isPausing = mail.commands.contains { $0 == (.pause, pool) }
        let isRight = error.word == .busy || model.isAtRest(pool) || isPausing
        try check(isRight, "request", "\(pool) refused a run: \(error)")
      }
    }
    _ = try record(Recording(events, in: state))
  }

  private func act() throws -> Instant? {
    seeClock()
    let tick = state.tick(at: now)
    lastDecided = "\(tick.examined) \(tick.events) \(tick.lapses + tick.expiries)"
    let recording = Recording(tick.events, newSlices: tick.newSlices, in: state)
    let waiting = tick.expiries + tick.lapses + tick.markings + tick.studies.map(\.pool)
    let crowded = try record(recording, Decision(tick, leaving: waiting, in: self))
    for run in tick.cancellations { try cancel(run) }
    try checkLeaving()
    for launch in tick.launches where !crowded.contains(launch) { try make(launch) }
    for pool in tick.expiries { try expire(pool) }
    for pool in tick.lapses { try lapse(pool) }
    for pool in tick.markings { try markStale(pool) }
    for study in tick.studies { try read(study) }
    return state.isSettled ? tick.deadline : now
  }

  /// Reads what a pool is sized from.
  private func read(_ study: Study) throws {
    guard let status = state.status(of: study.pool) else { return }
    try write { () throws(StoreError) in
      try store.writeDemand()
    } then: { _ in
    }
    state.studied(study, try reader.evidence(of: status, from: study.from, at: now), at: now)
  }

  /// Puts decisions on disk, behind what others have queued meanwhile.
  private func record(_ recording: Recording, _ decided: Decision? = nil) throws -> [Launch] {
    decision = decided ?? Decision()
    let others = meanwhile
    meanwhile = []
    if !others.isEmpty { decision.known = [:] }
    for action in others { try perform(action) }
    guard !recording.isEmpty else {
      try look()
      try lookBack()
      return []
    }
    var crowded: [Launch] = []
    try write { () throws(StoreError) in
      try recording.record(in: store, at: now) { changes in
        inbox.stocks.merge(changes) { $1 }
        return inbox.stocks
      }
    } then: { outcome in
      if !outcome.crowded.isEmpty || !outcome.refused.isEmpty { decision.known = [:] }
      try look()
      for (event, took) in outcome.recorded { try follow(event, took) }
      try lookBack()
      for launch in outcome.crowded { state.takeBack(launch) }
      for run in outcome.refused { state.refused(run) }
      crowded = outcome.crowded
      tally["slice without room", default: 0] += crowded.count
      tally["nominal time again", default: 0] += outcome.refused.count
    }
    try tellChanges()
    return crowded
  }

  /// Tells the engine of changed stock, as the writer does after each piece of work.
  func tellChanges() throws {
    let resolved = model.resolved
    model.resolved = []
    try same(store.takeResolved().sorted(), resolved.sorted(), "resolved")
    try checkPushes()
    inbox.stocks.merge(try store.takeChanges()) { $1 }
  }

  private func make(_ launch: Launch) throws {
    guard let status = state.status(of: launch.pool), status.pool.producer != nil,
      status.runs.contains(where: { $0.id == launch.run })
    else {
      inbox.results.append((launch, .givenUp))
      return
    }
    try checkLaunch(launch)
    revisions[launch.run] = status.pool.producer?.revision
    outstanding.append(launch)
    past.append(launch)
  }

  private func expire(_ name: String) throws {
    guard let pool = model.pools[name] else { return }
    try write { () throws(StoreError) in
      try store.expire(pool: name, at: now, limit: Limits.expirySlice)
    } then: { count in
      let expected = model.expire(pool, at: now, limit: Limits.expirySlice)
      try same(count, expected, "expiry", name)
      tally["expired items", default: 0] += count
    }
    try tellChanges()
  }

  private func markStale(_ name: String) throws {
    guard let pool = model.pools[name] else { return }
    var changed = 0
    try write { () throws(StoreError) in
      try store.markStale(in: name, at: now, limit: Limits.expirySlice)
    } then: { count in
      changed = count
      let wrong = model.wronglyMarked(pool)
      try same(count, min(wrong.count, Limits.expirySlice), "stale", name)
      // Which of more than the limit come first, is the store's choice.
      let marked =
        wrong.count <= count
        ? wrong
        : wrong.filter { markOnDisk($0) != model.items[$0].isStale }
      try same(marked.count, count, "stale", "the items of \(name) whose marks changed")
      for row in marked { model.mark(row) }
      tally["stale marks", default: 0] += count
    }
    try tellChanges()
    if changed < Limits.expirySlice { state.marked(name) }
  }

  private func markOnDisk(_ row: Int) -> Bool {
    let rows = try? database.rows(
      "SELECT stale FROM inventory WHERE seq = CAST(? AS INTEGER)", ["\(model.items[row].sequence)"]
    )
    return rows?.first?[0] == "1"
  }

  /// The producer of a replaced run is told to end: some do at once, others answer in their time.
  private func cancel(_ run: String) throws {
    try same(runs.known[run]?.state, .replaced, "cancellation", run)
    leaving.insert(run)
    tally["cancelled producer", default: 0] += 1
    guard serial % 2 == 0, let index = outstanding.firstIndex(where: { $0.run == run }) else {
      return
    }
    inbox.results.append((outstanding.remove(at: index), .givenUp))
  }

  /// No producer makes something for a run that was replaced, unless it is being ended.
  private func checkLeaving() throws(Violation) {
    for launch in outstanding where runs.known[launch.run]?.state == .replaced {
      try check(leaving.contains(launch.run), "cancellation", "\(launch) goes on")
    }
  }

  /// A producer's slice comes; gives false where it was fenced.
  func commit(_ launch: Launch, _ items: [NewItem], printed: Int, cursor: String?) throws {
    let kept = Array(items.prefix(launch.count))
    let revision = revisions[launch.run] ?? ""
    let slice = SliceCommit(
      run: launch.run, slice: launch.slice, items: kept, cursor: cursor,
      overfill: items.count - kept.count, revision: revision, log: [])
    let flying = model.flying[launch.run].flatMap { $0.slice == launch.slice ? $0 : nil }
    do {
      try write { () throws(StoreError) in
        try store.commit(slice, at: now)
      } then: { result in
        guard let flying, let pool = model.pools[launch.pool] else {
          throw Violation(check: "fence", detail: "\(launch) was committed")
        }
        let recalled = try followItems(
          kept, pool, flying, revision: revision, result, overfill: slice.overfill)
        followCommit(flying, result, recalled: recalled, cursor: cursor)
        let printed = min(printed, launch.count)
        inbox.results.append((launch, .committed(result, printed: printed, cursor: cursor)))
        try tellChanges()
      }
    } catch StoreError.fenced {
      tally["fenced slice", default: 0] += 1
      try check(flying == nil, "fence", "\(launch) is under way and was refused")
      inbox.results.append((launch, .givenUp))
    }
  }

  /// Compares what became of offered items with what had to, and takes it over.
  @discardableResult
  func followItems(
    _ items: [NewItem], _ pool: Pool, _ from: Model.FlyingSlice?, revision: String? = nil,
    _ result: PutResult, overfill: Int = 0
  ) throws -> Int {
    let (before, replaced) = (model.items.count, model.counts[pool.name]?.replaced ?? 0)
    let last = model.lastSequence
    var (expected, recalled, openings) = model.arrive(
      items, in: pool, from: from, revision: revision, at: now)
    expected.overfill += overfill
    try same(result, expected, "put", "\(items.count) items for \(pool.name)")
    let found = try newRows(after: last)
    for (index, row) in found.enumerated() where before + index < model.items.count {
      model.name(before + index, row.id)
    }
    model.fill(pool, openings, at: now)
    try same(found, Array(model.items[before...]), "rows", "what was stored")
    tally["renewed items", default: 0] += (model.counts[pool.name]?.replaced ?? 0) - replaced
    tally["recalled items", default: 0] += recalled
    return recalled
  }
}
