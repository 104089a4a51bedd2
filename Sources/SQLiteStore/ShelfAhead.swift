import Larder

/// Items that were read from shelves ahead of the claims that are to get them: one search serves many
/// claims, in this transaction and in later ones.
///
/// They are those that each claim would find by itself: anybody's, for claims without a match that
/// want no longer a life than the pool does. That holds as long as nothing but claims from here changes
/// a shelf; whatever else does forgets them. What was given out may still be on the shelf in the
/// table of items: searches leave it out, and begin behind the last item of the one before.
struct ShelfAhead {
  private struct Pool {
    /// What is to be given out, the last first.
    var items: [Shelf.Found] = []
    /// The last item that was read.
    var end: Shelf.Position?
    /// Whether nothing stands behind it.
    var isComplete = false
    /// Whether items are there that were made for a user: each claim has to look for its own.
    var hasPersonal: Bool
    /// How many items are read next.
    var next = ShelfAhead.fewest
    /// The time up to which items were expired for the last search.
    var cutoff: Instant
  }

  private var pools = RecentFirst<String, Pool>()

  /// Items that are read at once: at first, and at most unless one transaction gives out more.
  private static let fewest = 16
  private static let most = 256
  /// Payloads that are read at once, about.
  private static let bytesAtOnce = 256 * 1024
  /// Pools of which items are kept.
  private static let mostPools = 256

  mutating func forget() { pools.removeAll() }

  /// The items that a claim gets; nil where it has to look by itself. Fewer than it asks for are all
  /// that there are: they stay here.
  ///
  /// - Parameter wanted: how many items this claim and those behind it ask for.
  mutating func take(
    for request: ClaimRequest, wanted: () -> Int, _ shelf: Shelf
  ) throws(StoreError) -> [Shelf.Found]? {
    guard !shelf.hasStale else { return nil }
    var pool: Pool
    if let known = pools.take(request.pool) {
      pool = known
      // A new search leaves out what has expired since, which with FIFO may stand anywhere. The clock
      // may have been set back, too.
      if shelf.cutoff < pool.cutoff || !pool.items.suffix(request.count).allSatisfy(shelf.offers) {
        pool = Pool(hasPersonal: pool.hasPersonal, cutoff: shelf.cutoff)
      }
    } else {
      if pools.count >= Self.mostPools { forget() }
      pool = Pool(hasPersonal: try shelf.hasPersonal(), cutoff: shelf.cutoff)
    }
    defer { pools[request.pool] = pool }
    guard !pool.hasPersonal else { return nil }
    if pool.items.count < request.count, !pool.isComplete {
      let missing = max(request.count, wanted()) - pool.items.count
      let limit = max(missing, pool.next)
      let read = try shelf.take(limit, behind: pool.end)
      pool.isComplete = read.count < limit
      pool.cutoff = shelf.cutoff
      pool.end = read.last?.position ?? pool.end
      let size = read.reduce(0) { $0 + $1.item.payload.utf8.count } / max(1, read.count)
      pool.next = min(Self.most, limit * 2, max(1, Self.bytesAtOnce / max(1, size)))
      pool.items.insert(contentsOf: read.reversed(), at: 0)
    }
    guard pool.items.count >= request.count else { return pool.items.reversed() }
    if request.count == 1 { return [pool.items.removeLast()] }
    let given = Array(pool.items.suffix(request.count).reversed())
    pool.items.removeLast(request.count)
    return given
  }
}
