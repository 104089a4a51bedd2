import Larder

/// How a transaction changes the counts of items, gathered and written once at its end.
struct StockChanges {
  private var counts: [String: Stock] = [:]
  /// Pending claims, by pool.
  private var waiting: [String: Int] = [:]

  var pools: Dictionary<String, Stock>.Keys { counts.keys }

  mutating func add(_ number: Int, _ state: ItemState, in pool: String) {
    counts[pool, default: Stock()][state] += number
  }

  /// Counts items that go from a state to another one. Every change of an item's state comes by
  /// here.
  mutating func move(_ number: Int, from old: ItemState, to new: ItemState, in pool: String) {
    assert(old.leads(to: new), "\(old) does not lead to \(new)")
    add(-number, old, in: pool)
    add(number, new, in: pool)
  }

  /// Counts available items that get the stale mark, lose it, or leave the shelf with it.
  mutating func addStale(_ number: Int, in pool: String) {
    guard number != 0 else { return }
    counts[pool, default: Stock()].stale += number
  }

  /// Counts claims that begin to be pending, or end it, and the items that they wait for.
  mutating func addPending(claims: Int, items: Int, in pool: String) {
    counts[pool, default: Stock()].pending += items
    waiting[pool, default: 0] += claims
  }

  /// How many pending claims more the pool has.
  func waiting(in pool: String) -> Int { waiting.isEmpty ? 0 : waiting[pool, default: 0] }

  /// How many items more of each state the pool has.
  subscript(pool: String) -> Stock { counts[pool] ?? Stock() }

  /// How many stale items more the pool has.
  func stale(in pool: String) -> Int { counts.isEmpty ? 0 : counts[pool]?.stale ?? 0 }

  /// Adds the changes to the counts that the store keeps.
  func write(_ connection: Connection) throws(StoreError) {
    for (pool, change) in counts {
      try connection.run(
        """
        INSERT INTO settled_stock (pool, available, held, claimed, expired, recalled, quarantined, replaced,
          stale, pending)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
        ON CONFLICT (pool) DO UPDATE SET
          available = available + ?2, held = held + ?3, claimed = claimed + ?4,
          expired = expired + ?5, recalled = recalled + ?6, quarantined = quarantined + ?7,
          replaced = replaced + ?8, stale = stale + ?9, pending = pending + ?10
        """,
        [.text(pool)] + ItemState.allCases.map { .integer(change[$0]) }
          + [.integer(change.stale), .integer(change.pending)])
    }
  }
}
