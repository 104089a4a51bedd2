import Engine
import Larder
import Lock
import SQLiteStore
import ScheduleFile
import Sizing

/// A pool's shelf over demand that was, by all that serves a pool in earnest: a store on disk, the
/// engine's threads, and a producer that is a program. Only the clock is made up: it stands still
/// while anything is under way, and steps from bin to bin.
package final class LiveReplay {
  package struct Trouble: Error, CustomStringConvertible {
    package let description: String
  }

  /// What some bins came to.
  package struct Totals: Equatable, Sendable {
    package var requests = 0
    package var missed = 0
    package var wasted = 0
    package var produced = 0
    package var runs: [RunReason: Int] = [:]
  }

  private let pool: String
  private let now: Lock<Instant>
  private let writer: StoreWriter
  private let readers: StoreReaders
  private let engine: Engine
  private let troubles: Lock<[String]>
  private let runs: Lock<[Run]>
  private var users = 0

  /// - Parameters:
  ///   - database: where the store is made.
  ///   - source: the pool's schedule file.
  ///   - past: the demand that is imported before the engine starts.
  ///   - start: the clock's first reading.
  package init(
    database: String, source: String, past: DemandSeries, at start: Instant
  ) throws {
    let read: Definition.Reader = { source, file throws(StoreError) in
      let parsed = ScheduleFile.parse(Array(source.utf8), file: file, directory: "/")
      guard let pool = parsed.pool else {
        throw .failed(parsed.diagnostics.map(\.rendered).joined(separator: "\n"))
      }
      return pool
    }
    let now = Lock(start)
    let clock: @Sendable () -> Instant = { now.withLock { $0 } }
    let (troubles, runs) = (Lock<[String]>([]), Lock<[Run]>([]))
    let store = try SQLiteStore(path: database, readDefinition: read)
    let definition = try read(source, "/pool.yaml")
    try store.adopt(Definition(pool: definition, source: source, file: "/pool.yaml"), at: start)
    _ = try store.importDemand(past, in: definition.name, at: start)
    (pool, self.now, self.troubles, self.runs) = (definition.name, now, troubles, runs)
    writer = StoreWriter(store: store, clock: clock) { error in
      troubles.withLock { $0.append("\(error)") }
    }
    readers = try StoreReaders(count: 1) { () throws(StoreError) in
      try SQLiteReader(path: database, readDefinition: read)
    }
    engine = Engine(
      writer: writer, readers: readers, producers: 1, automatic: true, clock: clock,
      observer: Engine.Observer(
        ended: { run in runs.withLock { $0.append(run) } },
        trouble: { text in troubles.withLock { $0.append(text) } }))
    engine.start()
  }

  /// Ends the engine and closes the store.
  package func stop() {
    engine.stop()
    readers.stop()
    writer.stop()
  }

  /// The schedule file of a pool that is sized by its demand each hour, and in between.
  package static func source(shelfLife hours: Int, missCost: Double) -> String {
    """
    pool: live
    producer:
      command: [/bin/sh, -c, 'seq "$LARDER_COUNT"']
      output: lines
      slice: 2000
    stock:
      target: auto
      shelf_life: \(hours)h
      miss_cost: \(missCost)
      max: 1000000
    schedules:
      - cron: "0 * * * *"
    claims: {per_user: 0}
    """
  }

  /// Lets bins pass, each with its requests.
  ///
  /// - Returns: the sums of those of them that count.
  package func run(_ bins: Range<Int>, of demand: DemandSeries, counting: Range<Int>) throws
    -> Totals
  {
    var totals = Totals()
    var before = try stock()
    for bin in bins {
      if bin == counting.lowerBound {
        before = try stock()
        runs.withLock { $0 = [] }
      }
      now.withLock { $0 = Instant(bin: bin) }
      try settle()
      let requests = demand[bin] ?? 0
      let missed = try claim(requests)
      guard counting.contains(bin) else { continue }
      totals.requests += requests
      totals.missed += missed
    }
    let after = try stock()
    totals.wasted = after.expired - before.expired
    totals.produced = after.produced - before.produced
    for run in runs.withLock({ $0 }) where run.stored > 0 {
      totals.runs[run.reason, default: 0] += 1
    }
    return totals
  }

  /// Waits until the engine has decided all for now, and all of it is done.
  private func settle() throws {
    var quiet = 0
    while quiet < 2 {
      try wake()
      let trouble = troubles.withLock { $0 }
      guard trouble.isEmpty else { throw Trouble(description: trouble.joined(separator: "\n")) }
      let isQuiet = try engine.settledAt == now.withLock { $0 } && status().runs.isEmpty
      quiet = isQuiet ? quiet + 1 : 0
    }
  }

  /// Has the engine take a round more than it would by a clock that stands still.
  private func wake() throws {
    let answer = Mailbox<Result<Void, Problem>?>(nil)
    engine.perform(.resume, on: pool) { result in answer.change { $0 = result } }
    _ = try answer.take { $0 }?.get()
  }

  /// Claims an item for each of so many users; says how many got none.
  private func claim(_ count: Int) throws -> Int {
    let answers = Mailbox<[Bool]>([])
    for _ in 0..<count {
      users += 1
      let request = ClaimRequest(pool: pool, user: "user-\(users)")
      guard
        writer.claim(
          request,
          { answer in
            let isGranted = if case .success(.granted) = answer { true } else { false }
            answers.change { $0.append(isGranted) }
          })
      else { throw Trouble(description: "the writer takes no claim") }
    }
    let all = answers.take { $0.count == count ? $0 : nil } ?? []
    return all.count { !$0 }
  }

  private func status() throws -> PoolStatus {
    let (pool, now) = (pool, now.withLock { $0 })
    let found = try readers.read { (reader) throws(StoreError) in
      try reader.pools([pool], at: now)
    }
    guard let status = found.first else { throw Trouble(description: "there is no \(pool)") }
    return status
  }

  private func stock() throws -> Stock { try status().stock }
}
