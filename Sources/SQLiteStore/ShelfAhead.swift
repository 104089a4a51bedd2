import Larder

/// Items that a transaction has read from shelves ahead of the claims that are to get them, so that
/// a batch of claims searches once and not for each of them.
///
/// They are those that each claim would find by itself: anybody's, for claims without a match that
/// want no longer a life than the pool does, where nothing else has changed in between.
struct ShelfAhead {
  private struct Pool {
    /// What is to be given out, the last first.
    var items: [Shelf.Found] = []
    /// Items that the batch still asks for.
    var wanted: Int
    /// Whether items are there that were made for a user: each claim has to look for its own.
    var hasPersonal = false
    var isRead = false
    /// Bytes of payload in what was read, and how much that was.
    var bytes = 0
    var count = 0

    mutating func forget() {
      items = []
      isRead = false
    }
  }

  private var pools: [String: Pool] = [:]
  /// The changes of the stock up to which the items are those on the shelf.
  private var steps = 0

  /// - Parameters:
  ///   - orders: the batch.
  ///   - steps: the changes of the stock so far.
  init(_ orders: [ClaimOrder], steps: Int) {
    self.steps = steps
    guard orders.count > 1 else { return }
    for order in orders {
      guard case .request(let request) = order, request.match == nil else { continue }
      pools[request.pool, default: Pool(wanted: 0)].wanted += request.count
    }
  }

  /// Payloads that are read at once, about.
  private static let bytesAtOnce = 1024 * 1024
  /// Items of an unknown size that are read at once.
  private static let firstItems = 16

  /// The items that a claim gets; nil where it has to look by itself. Fewer than it asks for are all
  /// that there are.
  mutating func take(
    for request: ClaimRequest, _ shelf: Shelf, steps now: Int
  ) throws(StoreError) -> [Shelf.Found]? {
    guard var pool = pools.removeValue(forKey: request.pool) else { return nil }
    defer { pools[request.pool] = pool }
    pool.wanted -= request.count
    if now != steps {
      // Somebody else took items, or brought some.
      for name in pools.keys { pools[name]?.forget() }
      pool.forget()
      steps = now
    }
    guard !shelf.hasStale, pool.wanted > 0 || !pool.items.isEmpty else { return nil }
    if !pool.isRead {
      pool.hasPersonal = try shelf.hasPersonal()
      pool.isRead = true
    }
    guard !pool.hasPersonal else { return nil }
    if pool.items.count < request.count {
      // What is left stands before what comes: it is read once more.
      let size = pool.count == 0 ? 0 : max(1, pool.bytes / pool.count)
      let limit = size == 0 ? Self.firstItems : max(1, Self.bytesAtOnce / size)
      let read = try shelf.take(
        max(request.count, min(limit, request.count + pool.wanted)), for: request.user)
      pool.count += read.count
      pool.bytes += read.reduce(0) { $0 + $1.item.payload.utf8.count }
      pool.items = read.reversed()
    }
    guard pool.items.count >= request.count else { return pool.items.reversed() }
    let given = Array(pool.items.suffix(request.count).reversed())
    pool.items.removeLast(request.count)
    return given
  }

  /// Items that came from here were given out: nothing else has changed.
  mutating func note(steps: Int) { self.steps = steps }
}
