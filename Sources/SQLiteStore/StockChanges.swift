import Larder

/// How a transaction changes the counts of items, gathered and written once at its end.
struct StockChanges {
  struct Change {
    /// Items more of each state.
    var stock = Stock()
    /// Pending claims more.
    var waiting = 0
  }

  private var byPool = RecentFirst<String, Change>()

  var all: [(key: String, value: Change)] { byPool.all }

  /// What is changed about the pool.
  subscript(pool: String) -> Change { byPool[pool] ?? Change() }

  mutating func add(_ number: Int, _ state: ItemState, in pool: String) {
    byPool.change(pool, default: Change()) { $0.stock[state] += number }
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
    byPool.change(pool, default: Change()) { $0.stock.stale += number }
  }

  /// Counts claims that begin to be pending, or end it, and the items that they wait for.
  mutating func addPending(claims: Int, items: Int, in pool: String) {
    byPool.change(pool, default: Change()) { change in
      change.stock.pending += items
      change.waiting += claims
    }
  }

  /// Adds the changes to the counts that the store keeps.
  func write(_ connection: Connection) throws(StoreError) {
    for (pool, change) in byPool.all {
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
        [.text(pool)] + ItemState.allCases.map { .integer(change.stock[$0]) }
          + [.integer(change.stock.stale), .integer(change.stock.pending)])
    }
  }
}
