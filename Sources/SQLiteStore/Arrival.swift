import Larder

/// Items that come to a pool together, and what has become of them so far.
struct Arrival {
  let pool: Pool
  /// The slice that they are of; nil for items that are put.
  let slice: SliceCommit?
  /// How many items more the pool's `max` allows.
  var room: Int
  /// Stale items that were recalled for the slice.
  var recalled: Int
  /// Whether more stale items may be found.
  var findsStale: Bool
  /// New items for which a stale one was or would have been recalled.
  var exchanged = 0
  var result = PutResult()
  /// What pending claims may get of it.
  var openings = Openings()

  init(pool: Pool, slice: SliceCommit? = nil, room: Int, recalled: Int = 0) {
    self.pool = pool
    self.slice = slice
    self.room = room
    self.recalled = recalled
    findsStale = slice != nil && slice?.revision == pool.freshRevision
  }

  /// Whether the items are of an older revision than the producer's, by which the pool goes.
  var isStale: Bool { pool.isStale(slice?.revision) }
}
