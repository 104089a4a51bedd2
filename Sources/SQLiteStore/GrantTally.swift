import Larder

/// What grants come to, by their pools and bins of demand: what the counts and the demand are changed
/// by when they are settled.
struct GrantTally {
  struct Part {
    let pool: String
    let bin: Instant
    var claims = 0
    var items = 0
    /// The first expiry of the items; nil where none of them expires.
    var expiry: Instant?

    fileprivate mutating func add(_ more: Part) {
      claims += more.claims
      items += more.items
      if let one = more.expiry { expiry = min(one, expiry ?? one) }
    }
  }

  private struct Place: Hashable {
    let pool: String
    let bin: Instant
  }

  /// Mostly claims that come together are of one pool: its part is found without a search.
  private var last: Part?
  private var others: [Place: Part] = [:]
  /// Whether an item has attributes.
  private(set) var haveAttributes = false

  var isEmpty: Bool { last == nil }

  mutating func add(_ claim: Claim) {
    guard let time = claim.claimedAt else { return }
    let bin = Demand.bin(of: time)
    change(claim.pool, bin) { part in
      part.claims += 1
      part.items += claim.items.count
      for item in claim.items {
        if let one = item.expiresAt { part.expiry = min(one, part.expiry ?? one) }
      }
    }
    if !haveAttributes { haveAttributes = claim.items.contains { $0.attributes != nil } }
  }

  mutating func add(_ more: GrantTally) {
    for part in more.parts { change(part.pool, part.bin) { $0.add(part) } }
    haveAttributes = haveAttributes || more.haveAttributes
  }

  private mutating func change(_ pool: String, _ bin: Instant, _ body: (inout Part) -> Void) {
    if let last, last.bin != bin || last.pool != pool {
      others[Place(pool: last.pool, bin: last.bin)] = last
      self.last = others.removeValue(forKey: Place(pool: pool, bin: bin))
    }
    var part = last ?? Part(pool: pool, bin: bin)
    body(&part)
    last = part
  }

  var parts: [Part] { Array(others.values) + (last.map { [$0] } ?? []) }

  /// Adds it to the counts and to the demand.
  func write(_ connection: Connection) throws(StoreError) {
    for part in parts {
      try connection.run(
        """
        UPDATE settled_stock SET available = available - ?2, claimed = claimed + ?2
        WHERE pool = ?1
        """, [.text(part.pool), .integer(part.items)])
      try connection.run(
        """
        INSERT INTO demand (pool, bin, hits, misses, claimed, missed, wasted)
        VALUES (?1, ?2, ?3, 0, ?4, 0, 0)
        ON CONFLICT (pool, bin) DO UPDATE SET hits = hits + ?3, claimed = claimed + ?4
        """,
        [
          .text(part.pool), .instant(part.bin), .integer(part.claims), .integer(part.items),
        ])
    }
  }
}
