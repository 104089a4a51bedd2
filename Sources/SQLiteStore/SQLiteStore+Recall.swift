import Larder

extension SQLiteStore {
  /// A claim that a recall takes items from.
  private struct Loser {
    var claim: ClaimRecord
    var items = 0
  }

  package func recall(
    _ recall: Recall, in pool: String, after cursor: String?, at now: Instant, limit: Int
  ) throws(StoreError) -> Piece {
    let pool = try definition(of: pool)
    return try transaction { () throws(StoreError) in
      guard var scan = try scan(recall, after: cursor) else {
        return Piece(done: 0, more: false)
      }
      let (found, isAtEnd) = try scan.next(recall, in: pool.name, limit: limit, connection)
      var openings = Openings()
      try endOverdueHolds(of: found, in: pool, &openings, at: now)
      let (done, last) = try takeBack(found, in: pool, at: now)
      try fill(pool, openings, at: now)
      if let last { scan.goBack(to: last) }
      let isDone = isAtEnd && last == nil
      return Piece(done: done, more: !isDone, cursor: isDone ? nil : scan.cursor)
    }
  }

  private func scan(
    _ recall: Recall, after cursor: String?
  ) throws(StoreError) -> RecallScan? {
    if let cursor, let scan = RecallScan(cursor) { return scan }
    return try RecallScan(recall, connection)
  }

  /// A hold whose time is over has no items any more: they may be on the shelf.
  private func endOverdueHolds(
    of found: [RecallScan.Match], in pool: Pool, _ openings: inout Openings, at now: Instant
  ) throws(StoreError) {
    for item in found where item.state == .held {
      let holder = try connection.first(
        """
        SELECT \(ClaimRecord.columns) FROM settled_claims
        WHERE id = (SELECT claim FROM items WHERE seq = ?)
        """, [.integer(item.seq)], ClaimRecord.init)
      guard var claim = holder, claim.state == .held, claim.state(at: now) == .lapsed else {
        continue
      }
      try end(&claim, in: pool, as: .lapsed, &openings, at: now)
    }
  }

  /// Recalls items, whoever has them, and says how many; if not all were dealt with, since too many
  /// items of claims would have to be told, also which one was the last.
  private func takeBack(
    _ found: [RecallScan.Match], in pool: Pool, at now: Instant
  ) throws(StoreError) -> (done: Int, last: RecallScan.Match?) {
    var losers: [Loser] = []
    var places: [String: Int] = [:]
    var done = 0
    var told = 0
    var last: RecallScan.Match?
    for (index, match) in found.enumerated() {
      let item = try connection.first(
        "SELECT state, stale, claim, \(Rows.producerTime) FROM items WHERE seq = ?",
        [.integer(match.seq)]
      ) { row in
        (
          state: Rows.word(row, 0) as ItemState, isStale: row.bool(1), claim: row.optionalText(2),
          waste: Rows.waste(row, 3)
        )
      }
      guard let item, item.state.leads(to: .recalled) else { continue }
      if let id = item.claim, places[id] == nil, let claim = try record(of: id) {
        if pool.claims.webhook != nil { told += claim.count }
        guard losers.isEmpty || told <= Limits.itemsBeside else {
          last = found[index - 1]
          break
        }
        places[id] = losers.count
        losers.append(Loser(claim: claim))
      }
      // Naming the order lets items leave the shelf of attributes.
      let leaving = item.state == .available ? ", shelf_order = shelf_order" : ""
      try connection.run(
        "UPDATE items SET state = 'recalled'\(leaving) WHERE seq = ?", [.integer(match.seq)])
      changes.move(1, from: item.state, to: .recalled, in: pool.name)
      demand.waste(item.waste, because: .recalled, in: pool.name, at: now)
      if item.state == .available, item.isStale { changes.addStale(-1, in: pool.name) }
      if let place = item.claim.flatMap({ places[$0] }) { losers[place].items += 1 }
      done += 1
    }
    for loser in losers { try reduce(loser, at: now) }
    return (done, last)
  }

  /// Lets a claim go on with the items that are left to it.
  private func reduce(_ loser: Loser, at now: Instant) throws(StoreError) {
    var claim = loser.claim
    if claim.count > loser.items {
      try connection.run(
        "UPDATE settled_claims SET count = count - ? WHERE seq = ?",
        [.integer(loser.items), .integer(claim.seq)])
    } else {
      try move(&claim, to: .recalled, at: now)
    }
    resolving.append(claim.id)
    try tell(claim.id, at: now)
  }
}
