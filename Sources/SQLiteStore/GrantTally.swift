import Larder

/// What grants come to, by their pools and bins of demand: what the counts and the demand are changed
/// by when they are settled.
struct GrantTally {
  struct Part {
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

  struct Place: Hashable {
    let pool: String
    let bin: Instant
  }

  private var byPlace = RecentFirst<Place, Part>()
  /// Whether an item has attributes.
  private(set) var haveAttributes = false

  var isEmpty: Bool { byPlace.isEmpty }

  mutating func add(_ claim: Claim) {
    guard let time = claim.claimedAt else { return }
    let place = Place(pool: claim.pool, bin: Demand.bin(of: time))
    byPlace.change(place, default: Part()) { part in
      part.claims += 1
      part.items += claim.items.count
      for item in claim.items {
        if let one = item.expiresAt { part.expiry = min(one, part.expiry ?? one) }
      }
    }
    if !haveAttributes { haveAttributes = claim.items.contains { $0.attributes != nil } }
  }

  mutating func add(_ more: GrantTally) {
    for (place, part) in more.parts { byPlace.change(place, default: Part()) { $0.add(part) } }
    haveAttributes = haveAttributes || more.haveAttributes
  }

  var parts: [(key: Place, value: Part)] { byPlace.all }

  /// Adds it to the counts and to the demand.
  func write(_ connection: Connection) throws(StoreError) {
    for (place, part) in parts {
      try connection.run(
        """
        UPDATE settled_stock SET available = available - ?2, claimed = claimed + ?2
        WHERE pool = ?1
        """, [.text(place.pool), .integer(part.items)])
      try connection.run(
        """
        INSERT INTO demand (pool, bin, hits, misses, claimed, missed, wasted)
        VALUES (?1, ?2, ?3, 0, ?4, 0, 0)
        ON CONFLICT (pool, bin) DO UPDATE SET hits = hits + ?3, claimed = claimed + ?4
        """,
        [
          .text(place.pool), .instant(place.bin), .integer(part.claims), .integer(part.items),
        ])
    }
  }
}
