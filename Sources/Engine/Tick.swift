import Larder

/// A slice that is to be made by a producer.
package struct Launch: Sendable, Hashable {
  package var pool: String
  package var run: String
  package var slice: Int
  package var count: Int
  package var cursor: String
  /// Stale items that are recalled first, to make room for what it brings.
  package var recalling = 0
}

/// A try of a slice that failed, with another one to come.
package struct Setback: Sendable, Hashable {
  package var pool: String
  package var run: String
  package var slice: Int
  /// The try that failed, and how many there may be.
  package var attempt: Int
  package var attempts: Int
  package var why: String
  package var nextTryAt: Instant
}

/// What is to be read of a pool that is sized by its demand.
package struct Study: Sendable, Hashable {
  package var pool: String
  /// What was before is known; nil: nothing is, and run times are to be read too.
  package var from: Instant?
}

/// What the engine is to do, as the pure core decided it.
package struct Tick: Sendable {
  /// To be recorded first, in one transaction.
  package var events: [RunEvent] = []
  /// To be launched when the events are on disk.
  package var launches: [Launch] = []
  /// Those of the launches that put more items in flight, unlike a slice that is tried again.
  package var newSlices: [Launch] = []
  /// Replaced runs whose producers are to be ended when the events are on disk.
  package var cancellations: [String] = []
  /// Pools with expired items on their shelf, to be taken off before anything else is decided
  /// about them.
  package var expiries: [String] = []
  /// Pools with holds or backorders whose time is over, to be ended before anything else is decided
  /// about them.
  package var lapses: [String] = []
  /// Pools whose stale marks may be wrong, to be put right before anything else is decided about
  /// them.
  package var markings: [String] = []
  /// Pools whose demand and shelf must be read before anything else is decided about them.
  package var studies: [Study] = []
  /// Tries of slices that failed and will be made again, for the log.
  package var setbacks: [Setback] = []
  /// Ended or skipped runs, for the log.
  package var ended: [Run] = []
  /// Pools that were looked at.
  package var examined: [String] = []
  /// When to look again, if nothing happens before.
  package var deadline: Instant?
}

/// How a slice ended.
package enum SliceResult: Sendable, Hashable {
  /// It was good and is on disk; the producer printed so many items and left this cursor.
  case committed(PutResult, printed: Int, cursor: String?)
  /// It failed; nothing of it was kept.
  case failed(String, log: [UInt8])
  /// The program could not be started, so the supplier was never asked; nor would it be by
  /// another try.
  case notStarted(String)
  /// The run was given up meanwhile, or the server stops: nothing was kept, no try was used.
  case givenUp
}
