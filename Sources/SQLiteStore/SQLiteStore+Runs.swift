import Larder

extension SQLiteStore {
  package func record(
    _ events: [RunEvent], at now: Instant
  ) throws(StoreError) -> [Bool] {
    try transaction { () throws(StoreError) in
      var results: [Bool] = []
      for event in events { results.append(try record(event, at: now)) }
      return results
    }
  }

  private func record(_ event: RunEvent, at now: Instant) throws(StoreError) -> Bool {
    switch event {
    case .open(let run):
      return try open(run)
    case .start(let run, let asked):
      try connection.run(
        """
        UPDATE runs SET state = 'running', asked = ?, started_at = ?
        WHERE id = ? AND state = 'queued'
        """, [.integer(asked), .instant(now), .text(run)])
    case .attempt(let run, let slice, let asked, let attempt, let recalling):
      return try ask(
        run, slice, for: asked, attempt: attempt, recalling: recalling, at: now)
    case .process(let run, let process):
      try connection.run(
        """
        UPDATE runs SET process_id = ?, process_started = ?, boot_id = ?
        WHERE id = ? AND state = 'running'
        """,
        [
          .integer(Int64(process.pid)), .integer(Int64(process.startTime)), .text(process.bootID),
          .text(run),
        ])
    case .failedAttempt(let run, let slice, let why, let log, let final):
      try connection.run(
        """
        UPDATE slices SET why = ?1, state = iif(?2, 'failed', state), ended_at = iif(?2, ?3, NULL)
        WHERE run = ?4 AND slice = ?5 AND state = 'running'
        """,
        [
          .text(why), .integer(final ? 1 : 0), .instant(now), .text(run), .integer(slice),
        ])
      guard connection.changes == 1 else { return false }
      try appendLog(log, to: run)
      return true
    case .end(let run, let state, let why):
      return try end(run, state, why, at: now)
    case .mark(let pool, let schedule, let mark):
      try connection.run(
        """
        INSERT INTO schedules (pool, schedule, timing, active, considered) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (pool, schedule) DO UPDATE SET timing = excluded.timing,
          active = excluded.active, considered = excluded.considered
        """,
        [
          .text(pool), .text(schedule), .text(mark.timing), .integer(mark.active ? 1 : 0),
          .instant(mark.considered),
        ])
    case .pause(let pool, let paused):
      try connection.run(
        "UPDATE pools SET paused = ? WHERE pool = ?", [.integer(paused ? 1 : 0), .text(pool)])
    case .resetBreaker(let pool):
      try connection.run("UPDATE pools SET failures = 0 WHERE pool = ?", [.text(pool)])
    case .target(let pool, let auto):
      try connection.run(
        """
        UPDATE pools SET auto_at = ?, auto_target = ?, auto_unused = ?, auto_why = ? WHERE pool = ?
        """,
        [
          .instant(auto.at), .integer(auto.target), .integer(Int(auto.unused.rounded())),
          .text(auto.why), .text(pool),
        ])
    }
    return connection.changes == 1
  }

  private func open(_ run: Run) throws(StoreError) -> Bool {
    try connection.run(
      """
      INSERT INTO runs (id, pool, reason, state, schedule, nominal_at, count, created_at, ended_at,
        why)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (pool, schedule, nominal_at) WHERE schedule IS NOT NULL DO NOTHING
      """,
      [
        .text(run.id), .text(run.pool), .text(run.reason.rawValue), .text(run.state.rawValue),
        .optional(run.schedule), .optional(run.nominalAt), .optional(run.count),
        .instant(run.createdAt), .optional(run.endedAt), .optional(run.why),
      ])
    return connection.changes == 1
  }

  /// Asks for a slice. One that is tried again has had its items recalled before.
  private func ask(
    _ run: String, _ slice: Int, for asked: Int, attempt: Int, recalling: Int, at now: Instant
  ) throws(StoreError) -> Bool {
    try connection.run(
      """
      UPDATE slices SET attempts = ?, why = NULL, tried_at = ?
      WHERE run = ? AND slice = ? AND state = 'running'
      """, [.integer(attempt), .instant(now), .text(run), .integer(slice)])
    if connection.changes == 1 { return true }
    let pool = try connection.first(
      """
      INSERT INTO slices (run, slice, state, asked, attempts, started_at)
      SELECT id, ?, 'running', ?, ?, ? FROM runs WHERE id = ? AND state = 'running'
      ON CONFLICT (run, slice) DO NOTHING
      RETURNING (SELECT pool FROM runs WHERE id = run)
      """,
      [.integer(slice), .integer(asked), .integer(attempt), .instant(now), .text(run)]
    ) { $0.text(0) }
    guard let pool else { return false }
    // A run that takes all there is orders slice by slice.
    try connection.run(
      "UPDATE runs SET asked = covered + ?1 WHERE id = ?2 AND asked < covered + ?1",
      [.integer(asked), .text(run)])
    if recalling > 0 {
      let recalled = try recall(recalling, in: try definition(of: pool), at: now)
      try connection.run(
        "UPDATE slices SET recalled = ? WHERE run = ? AND slice = ?",
        [.integer(recalled), .text(run), .integer(slice)])
    }
    return true
  }

  /// Ends an unfinished run and keeps in its pool's row what the policies remember of it.
  private func end(
    _ id: String, _ state: RunState, _ why: String?, at now: Instant
  ) throws(StoreError) -> Bool {
    let found = try connection.first(
      "SELECT \(Rows.runColumns) FROM runs WHERE id = ? AND state IN ('queued', 'running')",
      [.text(id)], Rows.run)
    guard var run = found else { return false }
    run.slices = try Rows.slices(of: id, limit: 1, connection)
    try connection.run(
      "UPDATE runs SET state = ?, why = coalesce(?, why), ended_at = ? WHERE id = ?",
      [.text(state.rawValue), .optional(why), .instant(now), .text(id)])
    try connection.run(
      """
      UPDATE slices SET state = 'failed', ended_at = ? WHERE run = ? AND state = 'running'
      """, [.instant(now), .text(id)])
    let memory = try connection.first(
      "SELECT \(Rows.memoryColumns) FROM pools WHERE pool = ?", [.text(run.pool)]
    ) { Rows.memory($0) }
    guard let after = memory?.after(run, endingAs: state, at: now) else { return true }
    try connection.run(
      """
      UPDATE pools SET fruitless = ?, failures = ?, last_ended_at = ?, typical_run_ms = ?
      WHERE pool = ?
      """,
      [
        .integer(after.fruitless), .integer(after.failures), .optional(after.lastEndedAt),
        .optional(after.typicalRunTime.map { Int($0.inMilliseconds) }), .text(run.pool),
      ])
    return true
  }

  /// Appends to a run's log and keeps its last bytes.
  func appendLog(_ log: [UInt8], to run: String) throws(StoreError) {
    guard !log.isEmpty else { return }
    let old = try connection.first("SELECT log FROM run_logs WHERE run = ?", [.text(run)]) {
      $0.text(0)
    }
    let whole = Array((old ?? "").utf8) + log
    let text = String(decoding: whole.suffix(Limits.runLogBytes), as: UTF8.self)
      .replacing("\0", with: "\u{FFFD}")
    // A replacement character takes more bytes than what it stands for, so the bound is applied
    // once more; what is left of a character that it cuts is dropped.
    let kept = text.utf8.suffix(Limits.runLogBytes).drop { $0 & 0xC0 == 0x80 }
    try connection.run(
      """
      INSERT INTO run_logs (run, log) VALUES (?, ?)
      ON CONFLICT (run) DO UPDATE SET log = excluded.log
      """, [.text(run), .text(String(decoding: kept, as: UTF8.self))])
  }
}
