import Larder
import Testing

/// Deleting what is over.
@Suite struct PurgeTests {
  private let day = Duration.seconds(24 * 3600)

  private func days(_ number: Int64) -> Instant { start + .seconds(number * 24 * 3600) }

  @Test(arguments: StoreKind.all)
  func itemsThatNobodyGotAreDeletedWhenTheyAreOld(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", "stock: {target: 1\(renewing)}\n" + unlimited)
    try fixture.put(
      [
        NewItem(payload: "1", key: "long", expiresAt: days(5)),
        NewItem(payload: "2", key: "short", expiresAt: days(1)),
        NewItem(payload: "3", key: "renewed"), NewItem(payload: "4"),
      ])
    try fixture.put([NewItem(payload: "5", key: "renewed")])
    try fixture.put(items(6..<7), at: days(1))
    #expect(
      try fixture.recall(.made(from: days(1), to: days(2)), at: days(5)).reduce(0, +) == 1)
    while try fixture.store.expire(pool: "p", at: days(5), limit: 9) > 0 {}
    try fixture.expectItems([.expired: 2, .replaced: 1, .available: 2, .recalled: 1])
    _ = try fixture.store.takeChanges()
    // What expired is as old as its expiry; what is on the shelf is never too old.
    #expect(try fixture.purge(before: days(1), at: days(5)) == [1])
    #expect(try fixture.store.takeChanges()["p"]?.replaced == 0)
    try fixture.expectItems([.expired: 2, .available: 2, .recalled: 1])
    #expect(try fixture.purge(before: days(2), at: days(5)) == [2])
    try fixture.expectItems([.expired: 1, .available: 2])
    #expect(try fixture.purge(before: days(6), at: days(6)) == [1])
    try fixture.crash()
    try fixture.expectItems([.available: 2])
    #expect(try fixture.drain() == ["4", "5"])
  }

  @Test(arguments: StoreKind.all)
  func oldClaimsGoWithTheirItemsAndLeaveTheirKeys(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", "claims: {per_user: 3}")
    try fixture.put(items(0..<9))
    let keyed = try #require(try fixture.claim("u", key: "k", count: 2).granted)
    let keyless = try #require(try fixture.claim("u").granted)
    let young = try #require(try fixture.claim("v", key: "k", at: days(2)).granted)
    #expect(try fixture.purge(before: days(2), at: days(3)) == [5])
    try fixture.expectItems([.available: 5, .claimed: 1])
    for claim in [keyed, keyless] { #expect(try fixture.reader.claim(claim.id) == nil) }
    #expect(try fixture.state(of: young, at: days(3)) == .claimed)
    #expect(
      try fixture.reader.claims(user: "u", pool: nil, before: nil, limit: 9).rows.isEmpty)
    #expect(try fixture.claim("u", key: "k", count: 2).repeatedEmpty == .forgotten)
    #expect(try fixture.claim("u", key: "k") == .keyReused)
    #expect(try fixture.claim("v", key: "k").repeated?.items == young.items)
    // It counts for no limit any more, and a tombstone is purged once.
    #expect(try fixture.claim("u", count: 3, at: days(3)).granted != nil)
    #expect(try fixture.purge(before: days(2), at: days(3)) == [0])
    #expect(try fixture.store.forget(user: "u", at: days(3), limit: 9).done == 1)
  }

  @Test(arguments: StoreKind.all)
  func whatIsNotOverStays(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", unlimited)
    try fixture.put(items(0..<1))
    let held = try fixture.hold("u", seconds: 600)
    let pending = try fixture.backorder("v")
    #expect(try fixture.purge(before: days(1), at: start) == [0])
    #expect(try fixture.state(of: held) == .held)
    #expect(try fixture.state(of: pending) == .pending)
    try fixture.expectItems([.held: 1])
    // Those that ended are as old as their end.
    let end = start + .seconds(1)
    _ = try fixture.store.decide(
      [.change(held.id, .release), .change(pending.id, .cancel)], at: end)
    #expect(try fixture.purge(before: end, at: end) == [0])
    try fixture.expectItems([.quarantined: 1])
    #expect(try fixture.purge(before: end + .milliseconds(1), at: end) == [3])
    try fixture.expectItems([:])
  }

  @Test(arguments: StoreKind.all)
  func recalledClaimsAreAsOldAsTheRecall(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", unlimited)
    try fixture.put(items(0..<1))
    let claim = try #require(try fixture.claim("u").granted)
    #expect(
      try fixture.recall(.made(from: start, to: days(1)), at: days(9)).first == 1)
    #expect(try fixture.purge(before: days(9), at: days(9)) == [0])
    #expect(try fixture.state(of: claim, at: days(9)) == .recalled)
    #expect(try fixture.purge(before: days(10), at: days(10)) == [2])
    try fixture.expectItems([:])
  }

  @Test(arguments: StoreKind.all)
  func theItemsOfForgottenClaimsAreDeleted(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", unlimited)
    try fixture.put(items(0..<3))
    #expect(try fixture.claim("u", key: "k").granted != nil)
    #expect(try fixture.claim("u").granted != nil)
    _ = try fixture.hold("u")
    #expect(try fixture.store.forget(user: "u", at: days(1), limit: 9).done == 3)
    #expect(try fixture.purge(before: days(2), at: days(2)) == [6])
    try fixture.expectItems([:])
    #expect(try fixture.claim("u", key: "k").repeatedEmpty == .forgotten)
  }

  @Test(arguments: StoreKind.all)
  func keysOfPurgedItemsStayKnown(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", unlimited)
    try fixture.put(
      [
        NewItem(payload: "1", key: "expired", expiresAt: start + .seconds(1)),
        NewItem(payload: "2", key: "claimed"),
      ])
    while try fixture.store.expire(pool: "p", at: start + .seconds(1), limit: 9) > 0 {}
    #expect(try fixture.claim("u", at: start + .seconds(1)).granted != nil)
    #expect(try fixture.purge(before: days(1), at: days(1)) == [3])
    try fixture.expectItems([:])
    try fixture.crash()
    let again = ["expired", "claimed", "new"].map { NewItem(payload: "3", key: $0) }
    #expect(try fixture.put(again) == PutResult(stored: 1, duplicates: 2))
    #expect(try fixture.reader.item("claimed", in: "p", at: start) == nil)
    // A pool that replaces duplicates takes the key of what nobody got.
    try fixture.adopt("p", "stock: {target: 1\(renewing)}\n" + unlimited)
    #expect(
      try fixture.put([NewItem(payload: "4", key: "expired", expiresAt: start)])
        == PutResult(stored: 0, duplicates: 1))
    #expect(try fixture.put(again) == PutResult(stored: 2, duplicates: 1))
    try fixture.expectItems([.available: 2, .replaced: 1])
    // Once somebody got it, its key is free no more.
    #expect(try fixture.claim("u", count: 2).granted != nil)
    #expect(try fixture.purge(before: days(1), at: days(1)) == [4])
    #expect(try fixture.put(again) == PutResult(stored: 0, duplicates: 3))
  }

  @Test(arguments: StoreKind.all)
  func eachPieceDeletesABoundedNumberOfRows(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", unlimited)
    try fixture.put(items(0..<8, expiresAt: start + .seconds(1)) + items(8..<20))
    while try fixture.store.expire(pool: "p", at: start + .seconds(1), limit: 99) > 0 {}
    for count in [2, 1, 7, 1, 1] {
      #expect(try fixture.claim("u", count: count, at: start + .seconds(1)).granted != nil)
    }
    // A claim is never left with some of its items; one that is too large is a piece of its own.
    let pieces = try fixture.purge(before: days(1), limit: 5, at: days(1))
    #expect(pieces == [5, 3, 5, 8, 4])
    try fixture.expectItems([:])
  }

  @Test(arguments: StoreKind.all)
  func oldRunsAreDeletedExceptForThePoolsLast(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", produced(unlimited))
    try fixture.startRun("a", asked: 2)
    try fixture.commit("a", items(0..<2), log: Array("text".utf8))
    _ = try fixture.store.record([.end(run: "a", state: .succeeded, why: nil)], at: days(1))
    var skipped = Run(id: "s", pool: "p", reason: .manual, state: .skipped, createdAt: days(1))
    skipped.endedAt = days(1)
    _ = try fixture.store.record([.open(skipped)], at: days(1))
    _ = try fixture.make("b", items(2..<3), revision: "r1", at: days(2))
    try fixture.startRun("c", at: days(3))
    // The run itself and its slice, or nothing of it where it ended later.
    #expect(try fixture.purge(before: days(1), at: days(4)) == [0])
    #expect(try fixture.purge(before: days(9), limit: 1, at: days(4)) == [1, 1, 1, 1, 1, 0])
    for run in ["a", "b", "s"] { #expect(try fixture.reader.run(run) == nil) }
    #expect(try fixture.shownRun("c").state == .running)
    try fixture.commit("c", items(3..<4), at: days(5))
    _ = try fixture.store.record([.end(run: "c", state: .short, why: nil)], at: days(5))
    #expect(try fixture.purge(before: days(9), at: days(9)) == [0])
    #expect(try fixture.status().lastRun?.id == "c")
    // The items of a purged run are found nevertheless.
    #expect(try fixture.recall(.run("a")).reduce(0, +) == 2)
    #expect(try fixture.drain(at: days(9)) == ["2", "3"])
  }

  @Test(arguments: StoreKind.all)
  func demandThatForecastsNeedIsKept(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", unlimited)
    for week in 0..<3 as Range<Int64> {
      #expect(try fixture.claim("u", at: days(7 * week)) == .outOfStock)
      try fixture.store.writeDemand()
    }
    func since(_ now: Instant) throws -> Instant? { try fixture.status(at: now).demand.since }
    let now = days(7) + Limits.keptDemand
    #expect(try fixture.purge(before: now, limit: 1, at: now) == [1, 0])
    #expect(try since(now) == Demand.bin(of: days(7)))
    #expect(try fixture.purge(before: days(7), at: now + day) == [0])
    #expect(try fixture.purge(before: now, at: now + day) == [1])
    #expect(try since(now) == Demand.bin(of: days(14)))
  }
}
