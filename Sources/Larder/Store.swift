import Sizing

/// A pool's definition as its schedule file gives it.
package struct Definition: Sendable {
  package var pool: Pool
  /// The file's whole text: what is kept in the store, and read again without the file.
  package var source: String
  /// The file's absolute path, which relative paths in it refer to.
  package var file: String

  package init(pool: Pool, source: String, file: String) {
    self.pool = pool
    self.source = source
    self.file = file
  }

  /// Reads a definition that a store has kept.
  package typealias Reader =
    @Sendable (_ source: String, _ file: String) throws(StoreError) ->
    Pool
}

/// A definition as a store keeps it.
package struct KeptDefinition: Sendable, Hashable {
  package var pool: String
  package var source: String
  package var file: String
  package var retired: Bool
  /// What is wrong with the file now, where it turned bad after this definition.
  package var problem: String?

  package init(pool: String, source: String, file: String, retired: Bool, problem: String?) {
    self.pool = pool
    self.source = source
    self.file = file
    self.retired = retired
    self.problem = problem
  }
}

/// What changed about the definitions in force.
package struct DefinitionChanges: Sendable {
  /// To be put in force; their pools are no longer retired, and have no problem.
  package var adopted: [Definition] = []
  /// Pools whose files are gone: nothing of them runs, their stock stays claimable.
  package var retired: [String] = []
  /// Pools that go on by their last good definition, and what is wrong with their files.
  package var problems: [String: String] = [:]

  package init() {}

  package var isEmpty: Bool { adopted.isEmpty && retired.isEmpty && problems.isEmpty }
}

/// What became of items that were offered to a pool.
package struct PutResult: Sendable, Hashable {
  package var stored = 0
  /// Of those stored, items that had expired before they came.
  package var expired = 0
  /// Items that added nothing, since the pool has seen their key before. One that took the place
  /// of its key's item is none of them: it was stored.
  package var duplicates = 0
  /// Items that found no room under the pool's `max`.
  package var overfill = 0

  package init() {}
}

/// A good slice, to be kept as a whole or not at all.
package struct SliceCommit: Sendable {
  package var run: String
  package var slice: Int
  package var items: [NewItem]
  /// Where the next slice goes on; nil leaves the cursor as it is.
  package var cursor: String?
  /// Lines that the producer printed beyond the count.
  package var overfill: Int
  package var revision: String
  /// What the producer printed on standard error.
  package var log: [UInt8]

  package init(
    run: String, slice: Int, items: [NewItem], cursor: String?, overfill: Int, revision: String,
    log: [UInt8]
  ) {
    self.run = run
    self.slice = slice
    self.items = items
    self.cursor = cursor
    self.overfill = overfill
    self.revision = revision
    self.log = log
  }
}

/// What an operator may have done to a pool.
package enum PoolCommand: String, Sendable, Hashable, CaseIterable {
  /// Nothing new starts until the pool is resumed: running slices finish, and claims go on.
  case pause
  case resume
  /// The breaker closes.
  case resetBreaker
}

/// A step in the life of pools, runs and schedules, to be recorded.
package enum RunEvent: Sendable {
  /// A run is opened, as `queued` or at once `skipped`. Refused if its pool, schedule and nominal
  /// time have a run already.
  case open(Run)
  /// A queued run starts, with so many items ordered.
  case start(run: String, asked: Int)
  /// A slice is asked for, for the first time or again. Before, at most `recalling` stale items
  /// are recalled, to make room for what it brings; not when it is asked for again. A run that has
  /// ordered less than its slices ask for has ordered that much.
  case attempt(run: String, slice: Int, asked: Int, attempt: Int, recalling: Int)
  /// The process that makes the run's slice.
  case process(run: String, ProcessIdentity)
  /// A try failed, `final` if it is not tried again.
  case failedAttempt(run: String, slice: Int, why: String, log: [UInt8], final: Bool)
  /// An unfinished run ends.
  case end(run: String, state: RunState, why: String?)
  /// Nominal times were dealt with.
  case mark(pool: String, schedule: String, ScheduleMark)
  /// A pool is paused or resumed.
  case pause(pool: String, Bool)
  /// A pool's failed runs in a row are forgotten.
  case resetBreaker(pool: String)
  /// What runs of a pool fill up to was reckoned anew from its demand.
  case target(pool: String, AutoTarget)
}

/// The writing side of a store. One thread owns it and calls it; every call is one transaction,
/// durable when it returns, and throws only `StoreError`. After an error that
/// `isFinal` nothing more may be asked of it.
package protocol Store: AnyObject {
  /// Every pool as the engine needs to know it, unfinished runs included.
  func pools() throws(StoreError) -> [PoolStatus]

  /// The definitions that are kept, by pool.
  func definitions() throws(StoreError) -> [KeptDefinition]

  /// Changes what is in force, all of it or nothing. Retiring only marks a pool: its unfinished
  /// runs are the engine's to end.
  func change(_ changes: DefinitionChanges, at now: Instant) throws(StoreError)

  /// Decides orders in their order. Refusals write nothing, but for claims whose time is found to
  /// be over: they lapse or time out.
  ///
  /// - Returns: the outcomes of the first orders, one at least. The transaction ends early when it has
  ///   handed out many bytes (`Limits.claimBatchBytes`); orders without an outcome were not looked at.
  func decide(_ orders: [ClaimOrder], at now: Instant) throws(StoreError) -> [ClaimOutcome]

  /// Ends at most `limit` of a pool's holds and backorders whose time is over, holds first, and says
  /// how many.
  func lapse(pool: String, at now: Instant, limit: Int) throws(StoreError) -> Int

  /// Forgets at most `limit` of a user's claims, oldest first: cancels backorders and gives holds up.
  /// Held items become quarantined, and keys stay bound. `more` is exact.
  func forget(user: String, at now: Instant, limit: Int) throws(StoreError) -> Piece

  /// Takes at most `limit` items back, whoever has them, of those that were stored before the first
  /// piece. A piece looks through a bounded number of items, so it may do nothing where there is
  /// more to do. Recalled items are in the ledger of waste, and not in the waste rate.
  ///
  /// - Parameter cursor: the last piece's; nil for the first one.
  func recall(
    _ recall: Recall, in pool: String, after cursor: String?, at now: Instant, limit: Int
  ) throws(StoreError) -> Piece

  /// Deletes about `limit` rows that were over before an instant; a claim goes with all of its
  /// items. The keys of claims and of items stay known, and of each pool its last run is kept.
  func purge(before: Instant, at now: Instant, limit: Int) throws(StoreError) -> Piece

  /// Claims that stopped being pending, or lost items to a recall, since the last call: who waits
  /// for them, and who pushes, has something to do.
  func takeResolved() -> [String]

  /// The first pushes that wait, one a claim at most, of those whose time has come; and when the
  /// next one's comes.
  ///
  /// - Parameter pools: pools whose pushes are left out of the first, but not of the other.
  func deliveries(
    at now: Instant, limit: Int, without pools: Set<String>
  ) throws(StoreError) -> (due: [Delivery], next: Instant?)

  /// The webhook of a pool's definition in force.
  func webhook(of pool: String) -> WebhookSpec?

  /// A push arrived.
  func delivered(_ id: String) throws(StoreError)

  /// A push failed and is tried again.
  func failedDelivery(_ id: String, nextTryAt: Instant) throws(StoreError)

  /// Adds items from outside a run, as far as the pool's `max` leaves room. Where the pool
  /// replaces duplicates, an item takes the place of the available one of its key, and a key whose
  /// item expired or was recalled as stale, on the shelf, is free for another.
  func put(_ items: [NewItem], in pool: String, at now: Instant) throws(StoreError) -> PutResult

  /// Takes at most `limit` expired items from the shelf and says how many it took.
  func expire(pool: String, at now: Instant, limit: Int) throws(StoreError) -> Int

  /// Brings the stale marks of at most `limit` available items in line with the definition in
  /// force and says how many it changed: fewer than `limit` when all are right. Writes nothing if
  /// all were.
  func markStale(in pool: String, at now: Instant, limit: Int) throws(StoreError) -> Int

  /// Records steps of runs; for each whether it took place.
  func record(_ events: [RunEvent], at now: Instant) throws(StoreError) -> [Bool]

  /// Keeps a slice's items and cursor. Throws `.fenced` when the slice is no longer under way.
  /// For each new fresh item a stale one is recalled, those counted in that were recalled before
  /// the slice was asked for, where the pool replaces stale items.
  func commit(_ slice: SliceCommit, at now: Instant) throws(StoreError) -> PutResult

  /// Whether demand waits to be written. Claims that get items write theirs; misses alone write
  /// nothing, and theirs goes with the next transaction that does.
  var demandWaits: Bool { get }

  /// Writes the demand that waits.
  func writeDemand() throws(StoreError)

  /// Takes in demand that was counted elsewhere: bins before the present one in which the pool has no
  /// requests yet; the others stay as they are. What lies between that and what the pool has is
  /// unknown.
  func importDemand(
    _ demand: DemandSeries, in pool: String, at now: Instant
  ) throws(StoreError) -> DemandImport

  /// Notes that a server counts what is asked for: between notes that are no more than
  /// `Limits.serviceGap` apart it is known that nothing else was, and after the first note ever at all
  /// other times it is unknown.
  func noteService(at now: Instant) throws(StoreError)

  /// Whether the store has work of its own to do, beside what it is asked for.
  var upkeepWaits: Bool { get }

  /// Does a bounded piece of that work, in a transaction of its own.
  func keepUp() throws(StoreError)

  /// Whether claims were granted whose effects on the store's tables wait. Everybody sees them as
  /// granted all the same.
  var grantsWait: Bool { get }

  /// Writes these effects. Before any other change of the store they are written with it.
  func settle() throws(StoreError)

  /// How much room the store's disk has; nil where it has none of its own. No transaction.
  func space() -> DiskSpace?

  /// Writes as little as can be: whether a disk that was full has room again.
  func probe() throws(StoreError)

  /// The stock of each pool that changed since the last call.
  func takeChanges() throws(StoreError) -> [String: Stock]

  /// Writes the demand that waits, closes the store and gives up its lock.
  func close()
}

/// A page of rows, newest first, and where the next one begins.
package struct Page<Row: Sendable>: Sendable {
  package var rows: [Row]
  /// Nil on the last page.
  package var cursor: Int64?

  package init(rows: [Row], cursor: Int64?) {
    self.rows = rows
    self.cursor = cursor
  }
}

/// The reading side of a store: any number of them may read beside the writer. One thread at a
/// time calls it; every call sees one state of the store.
package protocol StoreReader: AnyObject {
  /// Every pool, or those named, by name; names without a pool are left out. Expired items count
  /// as expired whether or not the writer has taken them from the shelf.
  func pools(_ names: [String]?, at now: Instant) throws(StoreError) -> [PoolStatus]

  /// A claim, unless it was forgotten. One whose time is over reads as lapsed or timed out, whether
  /// or not the writer has come to it.
  func claim(_ id: String, at now: Instant) throws(StoreError) -> Claim?

  /// Claims, newest first, forgotten ones left out, without places in lines. Those of one state
  /// leave out claims whose time is over until the writer has come to them.
  func claims(
    user: String?, pool: String?, state: ClaimState?, before cursor: Int64?, limit: Int,
    at now: Instant
  ) throws(StoreError) -> Page<Claim>

  /// The pool's claims that lost items to a recall, whatever they have left, newest first, forgotten
  /// ones left out.
  func claimsRecalled(
    in pool: String, before cursor: Int64?, limit: Int, at now: Instant
  ) throws(StoreError) -> Page<Claim>

  func item(_ key: String, in pool: String, at now: Instant) throws(StoreError) -> ItemStatus?

  /// Runs, newest first, each with its last slices.
  func runs(pool: String?, before cursor: Int64?, limit: Int) throws(StoreError) -> Page<Run>

  /// A run with its slices and log.
  func run(_ id: String) throws(StoreError) -> Run?

  /// The first `limit` bins of a pool's demand from one instant on and before another, oldest
  /// first, and the spans in there in which nobody counted; `end` is not to come.
  func demand(
    of pool: String, from start: Instant, before end: Instant, limit: Int
  ) throws(StoreError) -> DemandRecord

  /// The first `limit` bins with misses of a pool from one instant on and before another, oldest first.
  func misses(
    of pool: String, from start: Instant, before end: Instant, limit: Int
  ) throws(StoreError) -> [MissBin]

  /// What pools, all or those named, lost from one instant on and before another, by pool, day and
  /// reason: the first `limit` rows behind a place. Names without a pool are left out. An item that
  /// expired is lost once the writer has taken it from the shelf.
  func waste(
    of pools: [String]?, from start: Instant, before end: Instant, after place: WasteRow.Place?,
    limit: Int
  ) throws(StoreError) -> [WasteRow]

  /// How many available items, stale ones left out, expire from one instant on and before another, by
  /// the bins that their expiry falls into.
  func expiring(
    in pool: String, from start: Instant, before end: Instant
  ) throws(StoreError) -> [Int: Int]

  /// How much room the store's disk has; nil where it has none of its own.
  func space() -> DiskSpace?

  /// Writes a consistent copy of the whole store to a new file, payloads included.
  func backup(to path: String) throws(StoreError)

  /// Ends the reading; nothing may be asked afterwards.
  func close()
}

extension StoreReader {
  package func space() -> DiskSpace? { nil }

  /// A claim as it is now.
  package func claim(_ id: String) throws(StoreError) -> Claim? {
    try claim(id, at: .now())
  }

  /// Claims of any state as they are now.
  package func claims(
    user: String?, pool: String?, before cursor: Int64?, limit: Int
  ) throws(StoreError) -> Page<Claim> {
    try claims(
      user: user, pool: pool, state: nil, before: cursor, limit: limit, at: .now())
  }
}

extension Store {
  package var upkeepWaits: Bool { false }
  package func keepUp() throws(StoreError) {}
  package var grantsWait: Bool { false }
  package func settle() throws(StoreError) {}
  package func space() -> DiskSpace? { nil }
  package func probe() throws(StoreError) {}

  /// Decides requests in their order.
  package func claim(
    _ requests: [ClaimRequest], at now: Instant
  ) throws(StoreError) -> [ClaimOutcome] {
    try decide(requests.map { .request($0) }, at: now)
  }

  /// Puts one definition in force.
  package func adopt(_ definition: Definition, at now: Instant) throws(StoreError) {
    var changes = DefinitionChanges()
    changes.adopted = [definition]
    try change(changes, at: now)
  }

  /// Retires pools.
  package func retire(_ pools: [String], at now: Instant) throws(StoreError) {
    var changes = DefinitionChanges()
    changes.retired = pools
    try change(changes, at: now)
  }
}
