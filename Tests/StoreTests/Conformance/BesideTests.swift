import Foundation
import Larder
import Lock
import Synchronization
import Testing

/// Work on a thread of its own.
final class Beside: Sendable {
  private let ended = DispatchSemaphore(value: 0)
  private let error = Lock<(any Error)?>(nil)
  private let isDone = Atomic(false)

  init(_ work: @escaping @Sendable () throws -> Void) {
    Thread { [self] in
      do { try work() } catch { self.error.withLock { $0 = error } }
      isDone.store(true, ordering: .releasing)
      ended.signal()
    }.start()
  }

  var hasEnded: Bool { isDone.load(ordering: .acquiring) }

  /// Waits for the end, and throws what the work threw.
  func join() throws {
    ended.wait()
    if let error = error.withLock({ $0 }) { throw error }
  }
}

@Suite struct BesideTests {
  /// Writes pairs of items and claims pairs, a transaction each, as long as `goesOn` says.
  private func write(_ fixture: any StoreFixture, while goesOn: (Int) -> Bool) throws {
    var number = 0
    while goesOn(number) {
      try fixture.put([
        NewItem(payload: "\(number)", key: "\(number)-a"),
        NewItem(payload: "\(number)", key: "\(number)-b"),
      ])
      if number % 2 == 1 {
        try #require(try fixture.claim("u\(number)", key: "k", count: 2).granted != nil)
      }
      number += 1
    }
  }

  @Test(arguments: StoreKind.all)
  func everyReadSeesOneState(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", unlimited)
    nonisolated(unsafe) let reader = try fixture.anotherReader()
    let ended = Atomic(false)
    let reads = Atomic(0)
    try withExtendedLifetime(fixture) {
      let reading = Beside {
        var last = Stock()
        while !ended.load(ordering: .acquiring) {
          let stock = try #require(try reader.pools(["p"], at: start).first).stock
          #expect(stock.produced % 2 == 0 && stock.claimed % 2 == 0)
          #expect(stock.produced >= last.produced && stock.claimed >= last.claimed)
          last = stock
          let page = try reader.claims(user: nil, pool: "p", before: nil, limit: 3)
          #expect(page.rows.allSatisfy { $0.items.count == 2 })
          reads.add(1, ordering: .relaxed)
        }
      }
      defer { ended.store(true, ordering: .releasing) }
      try write(fixture) {
        ($0 < 100 || reads.load(ordering: .relaxed) < 20) && !reading.hasEnded
      }
      ended.store(true, ordering: .releasing)
      try reading.join()
      #expect(reads.load(ordering: .relaxed) >= 20)
      let stock = try #require(try reader.pools(["p"], at: start).first).stock
      #expect(stock == (try fixture.store.pools().first?.stock))
      #expect(stock.produced >= 200)
    }
  }

  @Test(arguments: StoreKind.all)
  func aLevelIsOneStateWhileItemsAreSwept(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", unlimited)
    nonisolated(unsafe) let reader = try fixture.anotherReader()
    let expiry = start + .seconds(1)
    let ended = Atomic(false)
    let reads = Atomic(0)
    let reading = Beside {
      while !ended.load(ordering: .acquiring) {
        // All items are expired by then, whether or not they were swept between two queries.
        let status = try #require(try reader.pools(["p"], at: expiry).first)
        #expect(status.stock.available == 0)
        #expect(status.stock.expired == status.stock.produced)
        #expect(status.stock.nextExpiry == nil)
        reads.add(1, ordering: .relaxed)
      }
    }
    defer { ended.store(true, ordering: .releasing) }
    var rounds = 0
    while (rounds < 200 || reads.load(ordering: .relaxed) < 200) && !reading.hasEnded {
      try fixture.put(items(0..<2, expiresAt: expiry))
      #expect(try fixture.store.expire(pool: "p", at: expiry, limit: 9) == 2)
      rounds += 1
    }
    ended.store(true, ordering: .releasing)
    try reading.join()
    #expect(try fixture.status().stock.expired == 2 * rounds)
  }

  @Test(arguments: StoreKind.all)
  func aBackupIsOneStateWhileOthersWrite(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", unlimited)
    try write(fixture) { $0 < 50 }
    nonisolated(unsafe) let reader = try fixture.anotherReader()
    let paths = (0..<5).map { fixture.path("backup-\($0).db") }
    let backups = Beside {
      for path in paths { try reader.backup(to: path) }
    }
    // Keys go on where the first items ended.
    var rounds = 0
    while !backups.hasEnded {
      try fixture.put([
        NewItem(payload: "0", key: "x\(rounds)-a"), NewItem(payload: "0", key: "x\(rounds)-b"),
      ])
      rounds += 1
    }
    try backups.join()
    var last = 0
    for path in paths {
      let copy = try fixture.openBackup(path)
      let stock = try copy.status().stock
      #expect(stock.produced >= max(last, 100) && stock.produced % 2 == 0)
      #expect(try copy.countedItems("p") == [.available: stock.available, .claimed: 50])
      #expect(stock.claimed == 50)
      last = stock.produced
      // It is a store like any other.
      try copy.put([NewItem(payload: "\"new\"", key: "new")])
      #expect(try copy.claim("u1", key: "k", count: 2).repeated != nil)
      #expect(try copy.claim("new").granted != nil)
    }
    #expect(try fixture.reader.item("new", in: "p", at: start) == nil)
  }

  @Test(arguments: StoreKind.all)
  func aBackupHasTheWholeContent(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", produced(max: 50, unlimited))
    try fixture.adopt("q", "description: another")
    try fixture.startRun("r", asked: 3)
    try fixture.commit("r", items(0..<3), cursor: "page-2", log: [120])
    let claim = try #require(try fixture.claim("u", key: "k", count: 2).granted)
    let mark = ScheduleMark(timing: "x", active: true, considered: start)
    #expect(
      try fixture.store.record([.mark(pool: "p", schedule: "a", mark)], at: start) == [true])
    let path = fixture.path("backup.db")
    try fixture.reader.backup(to: path)
    let copy = try fixture.openBackup(path)
    #expect(try copy.claim("u", key: "k", count: 2).repeated == claim)
    #expect(try copy.shownRun("r") == (try fixture.shownRun("r")))
    for pool in ["p", "q"] {
      let (left, right) = (try copy.status(pool), try fixture.status(pool))
      #expect(left.stock == right.stock)
      #expect(left.marks == right.marks)
      #expect(left.runs == right.runs)
      #expect(left.pool.description == right.pool.description)
    }
    #expect(throws: StoreError.fenced) { try copy.commit("r", []) }
  }
}
