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
    throw Violation(check: "rest", detail: "the engine finds none at \(RFC3339.format(now))")
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
    var events: [RunEvent] = []
    for (launch, result) in mail.results {
      events += state.sliceEnded(launch, result, at: now).events
    }
    for (pool, count) in mail.requests {
      do {
        events.append(try state.request(pool, count: count, at: now).event)
      } catch {
        let isRight = error.word == .busy || model.isAtRest(pool)
        try check(isRight, "request", "\(pool) refused a run: \(error)")
      }
    }
    _ = try record(Recording(events, in: state), examined: [])
  }

  private func act() throws -> Instant? {
    seeClock()
    let tick = state.tick(at: now)
    let recording = Recording(tick.events, newSlices: tick.newSlices, in: state)
    let examined = tick.examined.filter { !tick.expiries.contains($0) }
    let crowded = try record(recording, examined: examined)
    for launch in tick.launches where !crowded.contains(launch) { try make(launch) }
    for pool in tick.expiries { try expire(pool) }
    return state.isSettled ? tick.deadline : now
  }

  /// Puts decisions on disk, behind what others have queued meanwhile.
  private func record(_ recording: Recording, examined: [String]) throws -> [Launch] {
    let others = meanwhile
    meanwhile = []
    for action in others { try perform(action) }
    guard !recording.isEmpty else {
      try look(at: examined)
      return []
    }
    var crowded: [Launch] = []
    try write { () throws(StoreError) in
      try recording.record(in: store, at: now) { changes in
        inbox.stocks.merge(changes) { $1 }
        return inbox.stocks
      }
    } then: { outcome in
      for (event, took) in outcome.recorded { try follow(event, took) }
      try look(at: examined)
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
    outstanding.append(launch)
    past.append(launch)
  }

  private func expire(_ name: String) throws {
    guard let pool = model.pools[name] else { return }
    try write { () throws(StoreError) in
      try store.expire(pool: name, at: now, limit: Limits.expirySlice)
    } then: { count in
      try same(count, model.expire(pool, at: now), "expiry", name)
      tally["expired items", default: 0] += count
    }
    try tellChanges()
  }

  /// A producer's slice comes; gives false where it was fenced.
  func commit(_ launch: Launch, _ items: [NewItem], printed: Int, cursor: String?) throws {
    let kept = Array(items.prefix(launch.count))
    let revision = model.pools[launch.pool]?.producer?.revision ?? ""
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
        try followItems(kept, pool, flying, result, overfill: slice.overfill)
        followCommit(flying, result, cursor: cursor)
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
  func followItems(
    _ items: [NewItem], _ pool: Pool, _ from: Model.FlyingSlice?, _ result: PutResult,
    overfill: Int = 0
  ) throws {
    var (expected, added) = model.expected(items, in: pool, from: from, at: now)
    expected.overfill += overfill
    try same(result, expected, "put", "\(items.count) items for \(pool.name)")
    let found = try newRows(after: model.items.count)
    for index in added.indices {
      if index < found.count { added[index].id = found[index].id }
    }
    try same(found, added, "rows", "what was stored")
    for item in added { model.add(item) }
  }
}
