import Larder

/// One filling of a pool's pending claims. It goes through the heads of lines alone, so that what
/// it costs goes with the claims that get their items, not with those that wait.
struct Filling {
  let store: SQLiteStore
  let pool: Pool
  let now: Instant
  /// Items on the shelf, at most.
  var available: Int
  /// Claims that may still be found to be timed out: the others are left to `lapse`.
  private var overdue = Limits.expirySlice
  /// By match, the shortest life that a claim which stays pending wants.
  private var blocked = Blocks()

  init(store: SQLiteStore, pool: Pool, now: Instant, available: Int) {
    self.store = store
    self.pool = pool
    self.now = now
    self.available = available
  }

  private typealias Want = (head: String, match: String)

  /// By match and by its bytes, the shortest life of it that is waited for.
  private struct Blocks {
    private var lives: [[UInt8]: Duration] = [:]

    func holds(_ line: Line) -> Bool {
      lives[Array(line.match.utf8)].map { $0 <= line.minRemaining } ?? false
    }

    mutating func add(_ line: Line) {
      let match = Array(line.match.utf8)
      lives[match] = min(lives[match] ?? line.minRemaining, line.minRemaining)
    }
  }

  mutating func run(_ openings: Openings) throws(StoreError) {
    var wants: [Want] = openings.lines.map { ($0.head, $0.match) }
    for user in openings.users { wants += try fillOwn(user) }
    wants += try wantsOf(openings)
    var seen: Set<[UInt8]> = []
    var heads: [ClaimRecord] = []
    for want in wants where seen.insert(Array(want.match.utf8)).inserted {
      heads += try self.heads(want)
    }
    try fill(&heads)
  }

  /// Gives a user's pending claims the items that were made for the user, whatever stands before
  /// them, and tells what all of these want: those that need more may find it on the shelf, and
  /// those behind one that left move up.
  private mutating func fillOwn(_ user: String) throws(StoreError) -> [Want] {
    var wants: [Want] = []
    var own = Blocks()
    let seqs = try store.seqsSincePending(in: pool.name, store.claimIndex.trace(of: user))
    for seq in seqs.reversed() where available > 0 {
      let claim = try next("seq = ?2 AND user = ?3", [.integer(seq), .text(user)])
      guard let claim, !own.holds(claim.line) else { continue }
      wants.append((claim.line.head, claim.line.match))
      guard try !isOverdue(claim) else { continue }
      if try !fill(claim, from: .own) { own.add(claim.line) }
    }
    return wants
  }

  /// The matches that items which came may satisfy, and for which claims wait.
  private func wantsOf(_ openings: Openings) throws(StoreError) -> [Want] {
    guard !openings.items.isEmpty else { return [] }
    var wants: [Want] = [("", "")]
    for head in openings.heads {
      var last = ""
      while let match = try nextMatch(head, after: last) {
        last = match
        if let read = Match(stored: match), openings.satisfies(read) { wants.append((head, match)) }
      }
    }
    return wants
  }

  private func nextMatch(_ head: String, after last: String) throws(StoreError) -> String? {
    try store.connection.first(
      """
      SELECT match FROM settled_claims
      WHERE pool = ? AND match_head = ? AND match > ? AND state = 'pending'
      ORDER BY match LIMIT 1
      """, [.text(pool.name), .text(head), .text(last)]
    ) { $0.text(0) }
  }

  /// The first claims of all lines of a match.
  private func heads(_ want: Want) throws(StoreError) -> [ClaimRecord] {
    var heads: [ClaimRecord] = []
    while let claim = try next(
      "match_head = ?2 AND match = ?3 AND min_remaining_ms > ?4",
      [
        .text(want.head), .text(want.match),
        .integer(heads.last?.line.minRemaining.inMilliseconds ?? .min),
      ], order: "min_remaining_ms, seq")
    {
      heads.append(claim)
    }
    return heads
  }

  private func next(
    _ condition: String, _ values: [SQLValue], order: String = "seq"
  ) throws(StoreError) -> ClaimRecord? {
    try store.connection.first(
      """
      SELECT \(ClaimRecord.columns) FROM settled_claims
      WHERE pool = ?1 AND \(condition) AND state = 'pending' ORDER BY \(order) LIMIT 1
      """, [.text(pool.name)] + values, ClaimRecord.init)
  }

  /// Fills claims in the order in which they were asked for, over all lines.
  private mutating func fill(_ heads: inout [ClaimRecord]) throws(StoreError) {
    while available > 0,
      let first = heads.indices.min(by: { heads[$0].seq < heads[$1].seq })
    {
      let claim = heads[first]
      guard !blocked.holds(claim.line), try left(claim) else {
        heads.swapAt(first, heads.count - 1)
        heads.removeLast()
        continue
      }
      let behind = try next(
        "match_head = ?2 AND match = ?3 AND min_remaining_ms = ?4 AND seq > ?5",
        claim.line.values(in: pool.name).dropFirst() + [.integer(claim.seq)])
      if let behind {
        heads[first] = behind
      } else {
        heads.swapAt(first, heads.count - 1)
        heads.removeLast()
      }
    }
  }

  /// Whether a claim left its line, with its items or since its time is over.
  private mutating func left(_ claim: ClaimRecord) throws(StoreError) -> Bool {
    if try isOverdue(claim) {
      if overdue > 0 { return true }
    } else if try fill(claim, from: .all) {
      return true
    }
    blocked.add(claim.line)
    return false
  }

  /// Whether a claim's time is over. It is timed out then, if not too many were before.
  private mutating func isOverdue(_ claim: ClaimRecord) throws(StoreError) -> Bool {
    guard claim.state(at: now) == .timedOut else { return false }
    if overdue > 0 {
      overdue -= 1
      var claim = claim
      try store.move(&claim, to: .timedOut, at: now)
    }
    return true
  }

  /// Gives a claim its items, if it can have all of them.
  private mutating func fill(
    _ claim: ClaimRecord, from part: Shelf.Part
  ) throws(StoreError) -> Bool {
    guard claim.count <= available else { return false }
    // A definition since the request may want items to have more life left.
    let shelf = Shelf(
      pool: pool.name, order: pool.claims.order,
      cutoff: now + max(claim.line.minRemaining, pool.claims.minRemaining),
      hasStale: store.hasStale(pool.name), connection: store.connection)
    let items = try shelf.take(
      claim.count, for: claim.user, Match(stored: claim.line.match), from: part)
    guard items.count == claim.count else { return false }
    available -= claim.count
    try store.fill(claim, with: items, at: now)
    return true
  }
}
