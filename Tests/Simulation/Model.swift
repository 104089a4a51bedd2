import Larder

/// What the store must hold, from what it was asked and what it answered: plain values that know
/// neither SQL nor the engine.
struct Model {
  struct ModelItem: Equatable {
    var sequence: Int
    var id: String
    var pool: String
    var key: String?
    var user: String?
    var payload: String
    var attributes: String?
    var producedAt: Instant
    var expiresAt: Instant?
    var state: ItemState
    var claim: String?
    var run: String?
    var slice: Int?
    var line: Int?
    var revision: String?
    /// Whether it has the stale mark.
    var isStale = false
  }

  struct ClaimKey: Hashable {
    var pool: String
    var user: String
    var key: String
  }

  /// Whose items may be taken.
  enum Part {
    case own, all
  }

  /// A push that waits.
  struct Push: Equatable {
    /// How many were left before it.
    var number: Int
    /// As the store names it; empty until it was seen.
    var id = ""
    var claim: String
    var pool: String
    var body: String
    var attempts = 0
    /// Nil while another one of its claim stands before it.
    var nextAt: Instant?
  }

  var pools: [String: Pool] = [:]
  var retired: Set<String> = []
  var paused: Set<String> = []
  /// What runs fill up to by demand, as it was last recorded.
  var autos: [String: AutoTarget] = [:]
  /// What is wrong with pools' files.
  var problems: [String: String] = [:]
  /// The files of the definitions in force, or those that will be.
  var designs: [String: PoolDesign] = [:]
  /// Every item that ever was, those that were purged included, by its place.
  var items: [ModelItem] = []
  var rows: [String: Int] = [:]
  /// The places of items that were purged.
  var gone: Set<Int> = []
  /// The rows of each pool's available items.
  var shelves: [String: Set<Int>] = [:]
  var counts: [String: Stock] = [:]
  /// Hits and what was claimed, which no crash may lose; misses may be.
  var demand: [String: Demand] = [:]
  /// The row that has each key of a pool.
  var keys: [String: [String: Int]] = [:]
  /// The keys that purged items leave, and whether another item may have them.
  var purgedKeys: [String: [String: Bool]] = [:]
  var claims: [ModelClaim] = []
  /// Where each claim is.
  var numbers: [String: Int] = [:]
  /// Where the pending claims are.
  var pending: Set<Int> = []
  /// Claims that stopped being pending or lost items to a recall, since the store was asked.
  var resolved: [String] = []
  /// In the order in which they were left.
  var pushes: [Push] = []
  /// Backorders that got their items, and pushes that were left, in all.
  var filled = 0
  var told = 0
  var bound: [ClaimKey: Int] = [:]
  /// Slices that are under way on disk, by run.
  var flying: [String: Launch] = [:]
  /// Stale items that were recalled for these.
  var recalledAhead: [String: Int] = [:]
  /// What committed slices stored, by run and then in the order of their numbers.
  var committed: [String: [Committed]] = [:]
  /// What committed slices were asked for.
  var covered: [String: Int] = [:]
  /// Committed slices that were purged, by run.
  var purgedSlices: [String: Int] = [:]
  var cursors: [String: String] = [:]
  /// Failed tries of the slice under way, by run.
  var failures: [String: Int] = [:]

  typealias Launch = FlyingSlice

  struct FlyingSlice: Hashable {
    var pool: String
    var run: String
    var slice: Int
    var count: Int
  }

  struct Committed: Equatable {
    var asked: Int
    var result: PutResult
    var recalled: Int
    /// Whether the cursor stayed as it was.
    var leftCursor: Bool

    /// Whether the supplier had no more.
    var isShort: Bool { result.stored + result.duplicates + result.overfill < asked }
  }

  func inFlight(_ pool: String) -> Int {
    flying.values.reduce(0) { $0 + ($1.pool == pool ? $1.count : 0) }
  }

  /// The rows of the items that claims could get, were there no users.
  func claimable(_ pool: Pool, at now: Instant, remaining: Duration? = nil) -> [Int] {
    let cutoff = now + max(pool.claims.minRemaining, remaining ?? .zero)
    return (shelves[pool.name] ?? []).filter { row in
      items[row].expiresAt.map { $0 > cutoff } ?? true
    }
  }

  /// Whether nothing of a pool runs.
  func isAtRest(_ name: String) -> Bool {
    guard let pool = pools[name] else { return true }
    return pool.suspend || pool.producer == nil || retired.contains(name)
      || paused.contains(name)
  }

  /// Whether a run asks slice after slice until the supplier has no more.
  func takesAll(_ run: RunsModel.Known) -> Bool {
    guard let pool = pools[run.pool], run.count == nil else { return false }
    return pool.stock.takesAll && scheduleTarget(run, pool) == nil
  }

  /// The level that a run fills up to.
  func target(_ run: RunsModel.Known, _ pool: Pool) -> Int {
    scheduleTarget(run, pool) ?? pool.stock.target ?? 0
  }

  /// What a run fills up to by demand; nil where it does by other things.
  func auto(_ run: RunsModel.Known, _ pool: Pool) -> AutoTarget? {
    pool.stock.isAuto && scheduleTarget(run, pool) == nil ? autos[pool.name] : nil
  }

  private func scheduleTarget(_ run: RunsModel.Known, _ pool: Pool) -> Int? {
    pool.schedules.first { $0.name == run.schedule }?.target
  }

  /// How many items claims could get that are not stale, which alone count for targets.
  func fresh(_ pool: Pool, at now: Instant) -> Int {
    claimable(pool, at: now).count { !items[$0].isStale }
  }

  /// The order in which a pool's items leave the shelf.
  func place(_ row: Int, _ pool: Pool) -> (Int64, Int) {
    (pool.claims.order == .fifo ? 0 : items[row].expiresAt?.milliseconds ?? .max, row)
  }

  mutating func move(_ row: Int, to state: ItemState) {
    let item = items[row]
    shelves[item.pool]?.remove(row)
    counts[item.pool]?[item.state] -= 1
    counts[item.pool]?[state] += 1
    if item.isStale, item.state == .available { counts[item.pool]?.stale -= 1 }
    if state == .available {
      shelves[item.pool]?.insert(row)
      if item.isStale { counts[item.pool]?.stale += 1 }
    }
    items[row].state = state
  }

  /// The number of the last item that was not purged.
  var lastSequence: Int {
    items.indices.last { !gone.contains($0) }.map { items[$0].sequence } ?? 0
  }
}
