import CSQLite
import Larder
import Sizing
import Testing

@testable import SQLiteStore

@Suite struct QueryPlanTests {
  /// Every statement that a connection has prepared.
  private func statements(_ connection: Connection) -> [String] {
    var found: [String] = []
    var statement = sqlite3_next_stmt(connection.handle, nil)
    while let handle = statement {
      found.append(String(cString: sqlite3_sql(handle)))
      statement = sqlite3_next_stmt(connection.handle, handle)
    }
    return found.sorted()
  }

  private func plan(_ sql: String, _ connection: Connection) throws -> [String] {
    try connection.all("EXPLAIN QUERY PLAN " + sql) { $0.text(3) }
  }

  /// Lets the store do everything that it does, so that all of its statements are prepared.
  private func doEverything(_ fixture: SQLiteFixture) throws {
    try fixture.adopt("p", produced("claims: {per_user: 5, order: fifo}"))
    try fixture.adopt("p", produced("claims: {per_user: 5}"))
    try fixture.put(
      (0..<5).map { NewItem(payload: "1", key: "\($0)", expiresAt: start + .seconds(9)) })
    try fixture.startRun("r")
    let process = ProcessIdentity(pid: 1, startTime: 1, bootID: "b")
    let mark = ScheduleMark(timing: "x", active: true, considered: start)
    _ = try fixture.store.record(
      [
        .process(run: "r", process), .mark(pool: "p", schedule: "s", mark),
        .pause(pool: "p", true), .resetBreaker(pool: "p"),
        .failedAttempt(run: "r", slice: 1, why: "", log: [65], final: false),
      ], at: start)
    try fixture.commit("r", items(0..<1), log: [65])
    _ = try fixture.store.record([.end(run: "r", state: .short, why: "")], at: start)
    let claim = try #require(try fixture.claim("u", key: "k").granted)
    try fixture.store.settle()
    #expect(try fixture.claim("u", key: "k").repeated != nil)
    try fixture.put(items(0..<1), at: start + .seconds(10))
    #expect(try fixture.store.expire(pool: "p", at: start + .seconds(10), limit: 3) == 3)
    _ = try fixture.store.takeChanges()
    _ = try fixture.store.pools()
    let reader = fixture.reader
    _ = try reader.pools(nil, at: start + .seconds(10))
    _ = try reader.claim(claim.id)
    for user in [nil, "u"] {
      for pool in [nil, "p"] {
        #expect(
          try reader.claims(user: user, pool: pool, before: nil, limit: 2).rows.count == 1)
        _ = try reader.runs(pool: pool, before: nil, limit: 2)
      }
    }
    #expect(try reader.item("4", in: "p", at: start) != nil)
    _ = try fixture.shownRun("r")
    _ = try reader.expiring(in: "p", from: start, before: start + .seconds(9))
    let past = DemandSeries(start: start.bin - 4, requests: [1, nil, 1])
    #expect(try fixture.store.importDemand(past, in: "p", at: start).bins == 2)
    #expect(try fixture.store.importDemand(past, in: "p", at: start).kept == 2)
    #expect(
      try reader.demand(of: "p", from: start - .seconds(3000), before: start, limit: 9).gaps != [])
    _ = try reader.misses(of: "p", from: start, before: start + .seconds(9), limit: 9)
    #expect(
      try reader.waste(
        of: nil, from: start, before: start + .seconds(3000), after: nil, limit: 9
      ).count == 1)
    try fixture.store.retire(["p"], at: start)
    try doEverythingStale(fixture)
    try doEverythingOver(fixture)
    try doEverythingLiving(fixture)
  }

  private func doEverythingLiving(_ fixture: SQLiteFixture) throws {
    try fixture.adopt("p", living("hold=60 restock backorder=60 webhook"))
    while try fixture.claim(ClaimRequest(pool: "p", user: "x", onMiss: .reject)).granted != nil {}
    let match = Match(["a": .integer(1), "b": .boolean(true)])
    let waiting = try fixture.order("w", match.values)
    _ = try fixture.order("w", key: "k", hold: .seconds(9))
    #expect(try fixture.claim("w") != .outOfStock)
    let attributes = #"{"a":1,"b":true}"#
    try fixture.put([
      NewItem(payload: "1", attributes: attributes, user: "w"),
      NewItem(payload: "2", attributes: attributes), NewItem(payload: "3"),
      NewItem(payload: "4", attributes: attributes),
    ])
    #expect(try fixture.shown(waiting).state == .claimed)
    let held = try fixture.hold("h", 10)
    #expect(try fixture.change(held, .confirm).changed != nil)
    try fixture.put([NewItem(payload: "5", expiresAt: start + .seconds(5))])
    let short = try fixture.hold("h", 10)
    _ = try fixture.order("z", match.values)
    _ = try fixture.order("z", match.values)
    #expect(try fixture.change(short, .release, at: start + .seconds(6)).changed != nil)
    try fixture.put(items(7..<8))
    _ = try fixture.hold("h", 10)
    _ = try fixture.store.takeChanges()
    try fixture.adopt("p", living("hold=60 backorder=60"))
    #expect(try fixture.store.lapse(pool: "p", at: start + .seconds(99), limit: 9) > 1)
    let due = try fixture.store.deliveries(at: start + .seconds(99), limit: 9, without: []).due
    try fixture.store.failedDelivery(due[0].id, nextTryAt: start)
    try fixture.store.delivered(due[0].id)
    for state in ClaimState.allCases {
      for (user, pool) in [(nil, nil), ("w", nil), (nil, "p"), ("w", "p")] as [(String?, String?)] {
        _ = try fixture.reader.claims(
          user: user, pool: pool, state: state, before: nil, limit: 2, at: start)
      }
    }
    try fixture.put([NewItem(payload: "6", attributes: attributes)])
    let both = ClaimRequest(pool: "p", user: "y", match: match)
    #expect(try fixture.claim(both).granted != nil)
    while try fixture.claim(ClaimRequest(pool: "p", user: "x", onMiss: .reject)).granted != nil {}
    _ = try fixture.order("q", count: 2)
    try fixture.put([NewItem(payload: "7", user: "q")])
    #expect(try fixture.claim(ClaimRequest(pool: "p", user: "q", onMiss: .reject)) == .outOfStock)
    try fixture.store.noteService(at: start)
  }

  private func doEverythingStale(_ fixture: SQLiteFixture) throws {
    try fixture.adopt("p", revised("r1", stock: renewing))
    let renewal = [NewItem(payload: "1", key: "again")]
    _ = try fixture.make("s", items(0..<5) + renewal + renewal, revision: "r1")
    try fixture.adopt("p", revised("r2", stock: renewing))
    #expect(try fixture.markStale() > 5)
    _ = try fixture.make("t", items(0..<1), revision: "r2", recalling: 1)
    #expect(try fixture.claim("v", count: 4).granted != nil)
    try fixture.adopt("p", produced())
    #expect(try fixture.markStale() > 0)
  }

  @Test func noStatementReadsAWholeTableOrSorts() throws {
    let fixture = try SQLiteFixture()
    try doEverything(fixture)
    let reading = fixture.sqliteReader.connection
    let all = statements(fixture.sqlite.connection) + statements(reading)
    #expect(all.count > 40)
    for sql in all where !sql.hasPrefix("PRAGMA") {
      var isOfGrants = false
      for step in try plan(sql, fixture.sqlite.connection) {
        // Grants are few: each hundred or so is settled. What is sorted here is what was scanned last.
        if step.hasPrefix("SCAN") || step.hasPrefix("SEARCH") {
          isOfGrants =
            step.hasPrefix("SCAN g") || isOfGrants && step.hasPrefix("SEARCH i USING INTEGER")
        }
        #expect(
          !step.contains("TEMP B-TREE") || isOfGrants || sql.contains("FROM claim_index_runs"),
          "\(step) in: \(sql)")
        // Only the tables of pools, of the index's runs and of tables are small enough to be read through.
        // A subquery's rows are what its own steps found.
        // An item's attributes are few, and so is what a match names.
        let isSmall = [
          "SCAN pools", "SCAN sqlite_master", "SCAN (subquery", "SCAN json_each", "SCAN a VIRTUAL",
          "SCAN claim_index_runs", "SCAN claim_index_secret", "SEARCH claim_index_runs",
          "SCAN g", "SCAN wanted VIRTUAL", "SCAN has VIRTUAL", "SCAN CONSTANT ROW",
        ]
        .contains { step.hasPrefix($0) }
        #expect(!step.hasPrefix("SCAN") || isSmall, "\(step) in: \(sql)")
      }
    }
  }

  /// A claim begins at the item that it gets, whatever stands before it, fresh or stale.
  @Test func claimsSearchForFreshAndStaleItemsByTheOrderOfTheShelf() throws {
    let fixture = try SQLiteFixture()
    try doEverything(fixture)
    let connection = fixture.sqlite.connection
    for (condition, search) in [
      ("made_for = ?6", "made_for=? AND stale=? AND shelf_order>?"),
      ("seq NOT IN (SELECT item FROM grants)", "stale=? AND shelf_order>?"),
    ] {
      let sql = try #require(
        statements(connection).first {
          $0.contains("\(condition) AND stale = +?5") && $0.contains("AND shelf_order > ?2")
        })
      #expect(try plan(sql, connection).contains { $0.hasSuffix("(pool=? AND \(search))") })
    }
  }

  /// SQLite compiles a statement anew where its plan may depend on a value, which takes longer than
  /// the search itself.
  @Test func claimsCompileNothingAnew() throws {
    let fixture = try SQLiteFixture()
    try fixture.adopt("p", produced("claims: {per_user: 0}"))
    try fixture.put(items(0..<4))
    // What the migrations had compiled anew is left out of the count.
    for (user, resets) in [("a", true), ("b", true), ("c", false), ("d", false)] {
      #expect(try fixture.claim(user).granted != nil)
      for (sql, count) in recompilations(fixture.sqlite.connection, resets: resets) where !resets {
        #expect(count == 0, "\(sql)")
      }
    }
  }

  /// How often each statement was compiled anew.
  private func recompilations(
    _ connection: Connection, resets: Bool
  ) -> [(sql: String, count: Int32)] {
    var found: [(sql: String, count: Int32)] = []
    var statement = sqlite3_next_stmt(connection.handle, nil)
    while let handle = statement {
      let count = sqlite3_stmt_status(handle, SQLITE_STMTSTATUS_REPREPARE, resets ? 1 : 0)
      found.append((String(cString: sqlite3_sql(handle)), count))
      statement = sqlite3_next_stmt(connection.handle, handle)
    }
    return found
  }

  /// Where most is claimed, other claims are found by their state.
  @Test func claimsAreListedByTheirStateWithoutReadingOthers() throws {
    let fixture = try SQLiteFixture()
    try doEverything(fixture)
    let connection = fixture.sqlite.connection
    for state in ClaimState.allCases where state != .claimed && state != .forgotten {
      for (pool, index) in [(nil, "claims_state"), ("p", "claims_pool_state")]
        as [(String?, String)]
      {
        _ = try fixture.reader.claims(
          user: nil, pool: pool, state: state, before: nil, limit: 2, at: start)
        let sql = try #require(
          statements(fixture.sqliteReader.connection).first {
            $0.contains(" state = '\(state.rawValue)'")
              && $0.contains(pool == nil ? "WHERE ?1 IS NULL" : "WHERE pool = ?1")
          })
        #expect(try plan(sql, connection).contains { $0.contains(index) }, "\(sql)")
      }
    }
  }

  @Test func poolsWithoutStaleItemsAreNotSearchedForThem() throws {
    let fixture = try SQLiteFixture()
    try fixture.adopt("p", revised("r1"))
    #expect(!fixture.sqlite.hasStale("p"))
    _ = try fixture.make("a", items(0..<2), revision: "r1")
    try fixture.adopt("p", revised("r2"))
    #expect(!fixture.sqlite.hasStale("p"))
    try fixture.markStale()
    #expect(fixture.sqlite.hasStale("p"))
    try fixture.reopen()
    #expect(fixture.sqlite.hasStale("p"))
    #expect(try fixture.claim("u", count: 2).granted != nil)
    #expect(!fixture.sqlite.hasStale("p"))
  }

  @Test(arguments: [
    ("state = 'available' AND made_for IS NULL", "inventory_shelf"),
    ("made_for = ?6", "inventory_personal"),
    (
      "CROSS JOIN items",
      "SEARCH a USING PRIMARY KEY (pool=? AND name=? AND value=? AND stale=? AND shelf_order>?)"
    ),
    (
      "AND b.seq = a.seq)",
      "(pool=? AND name=? AND value=? AND stale=? AND shelf_order=? AND seq=?)"
    ),
    ("ORDER BY min_remaining_ms, seq", "claims_lines"),
    ("min_remaining_ms = ?4 AND seq > ?5", "claims_lines"),
    ("SELECT match FROM settled_claims", "claims_lines"),
    ("AND seq = ?2 AND user = ?3 AND state = 'pending'", "INTEGER PRIMARY KEY (rowid=?)"),
    ("(SELECT timeout_at FROM settled_claims", "claims_lines"),
    ("WHERE seq = ? AND user = ? AND state = 'pending'", "INTEGER PRIMARY KEY (rowid=?)"),
    ("SELECT seq FROM settled_claims\nWHERE pool = ? AND state = 'pending'", "claims_pool_state"),
    ("hold_expires_at <= ?", "claims_holds"),
    ("timeout_at <= ?", "claims_timeouts"),
    ("SELECT min(hold_expires_at)", "claims_holds"),
    ("SELECT min(timeout_at)", "claims_timeouts"),
    ("WHERE claim = ? AND state = 'held'", "inventory_claim"),
    ("FROM webhooks", "webhooks_"),
    ("SET state = 'expired', shelf_order = shelf_order WHERE seq IN", "inventory_expiring"),
    ("SELECT count(*), coalesce(sum(stale), 0)", "inventory_expiring"),
    ("stale = 0 AND revision < ?4", "(pool=? AND stale=? AND revision<?)"),
    ("stale = 0 AND revision > ?4", "(pool=? AND stale=? AND revision>?)"),
    ("stale = 1 AND revision = ?4", "(pool=? AND stale=? AND revision=?)"),
    ("stale = 1 AND ?4 IS NULL", "inventory_stale"),
    ("SET state = 'recalled', shelf_order = shelf_order WHERE seq IN", "inventory_stale"),
    ("SELECT expires_at FROM items", "inventory_expiring"),
    ("SELECT seq, state, expires_at", "(pool=? AND key=? AND replaced=?)"),
    ("SELECT seq FROM items WHERE pool = ? AND key = ?", "(pool=? AND key=? AND replaced=?)"),
    ("WHERE claim = ? AND state IN", "inventory_claim"),
    ("DELETE FROM items WHERE claim = ?", "inventory_claim"),
    ("WHERE claim IS NULL AND state <> 'available'", "inventory_over"),
    ("AND produced_at = ?3 AND seq > ?5", "inventory_made (pool=? AND produced_at=? AND rowid>?)"),
    ("AND produced_at > ?3", "inventory_made (pool=? AND produced_at>? AND produced_at<?)"),
    ("AND count > 0 AND coalesce", "claims_over"),
    ("SELECT id FROM runs\nWHERE ended_at IS NOT NULL", "runs_over"),
    ("DELETE FROM webhooks WHERE claim", "webhooks_claim"),
    ("WHERE seq = ? AND user = ? AND pool = ? AND principal", "INTEGER PRIMARY KEY (rowid=?)"),
    ("AND +user = ?3", "INTEGER PRIMARY KEY (rowid>? AND rowid<?)"),
    ("SELECT coalesce(sum(s.asked), 0)", "runs_unfinished"),
    ("AND started_at IS NOT NULL", "runs_started"),
    ("FROM runs WHERE pool = ?1 AND seq < ?2", "runs_pool"),
  ])
  func hotStatementsUseTheirIndexes(_ part: String, _ index: String) throws {
    let fixture = try SQLiteFixture()
    try doEverything(fixture)
    let connection = fixture.sqlite.connection
    let all = Set(statements(connection) + statements(fixture.sqliteReader.connection))
    let matching = all.filter { $0.contains(part) }
    #expect(!matching.isEmpty)
    for sql in matching {
      let steps = try plan(sql, connection)
      #expect(
        steps.contains {
          $0.contains("\(index) ") || $0.hasSuffix(index)
            || index.hasSuffix("_") && $0.contains(index)
        },
        "\(steps) in: \(sql)")
    }
  }
}
