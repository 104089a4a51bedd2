import Larder
import Testing

/// Taking items back.
@Suite struct RecallTests {
  @Test(arguments: StoreKind.all)
  func itemsOfARunAreRecalledWhoeverHasThem(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", produced(unlimited))
    _ = try fixture.make("a", items(0..<4), revision: "r1")
    _ = try fixture.make("b", items(4..<6), revision: "r1")
    let whole = try #require(try fixture.claim("u", key: "k").granted)
    let held = try fixture.hold("v")
    // One of each run, after one more of the first.
    #expect(try fixture.claim("x").granted != nil)
    let mixed = try #require(try fixture.claim("w", count: 2).granted)
    _ = fixture.store.takeResolved()
    #expect(try fixture.recall(.run("a")).reduce(0, +) == 4)
    try fixture.expectItems([.recalled: 4, .claimed: 1, .available: 1])
    for claim in [whole, held] {
      let shown = try #require(try fixture.reader.claim(claim.id, at: start))
      #expect(shown.state == .recalled && shown.items.isEmpty)
      #expect(shown.claimedAt == start)
    }
    let left = try #require(try fixture.reader.claim(mixed.id, at: start))
    #expect(left.state == .claimed && left.items.map(\.payload) == ["4"])
    #expect(Set(fixture.store.takeResolved()).isSuperset(of: [whole.id, held.id, mixed.id]))
    #expect(try fixture.claim("u", key: "k").repeatedEmpty == .recalled)
    #expect(
      try fixture.store.decide([.change(held.id, .confirm)], at: start)
        == [.wrongState(.recalled)])
    let recalled = try fixture.reader.claims(
      user: nil, pool: "p", state: .recalled, before: nil, limit: 9, at: start)
    #expect(recalled.rows.count == 3)
    // It is no waste, and again there is nothing to do.
    #expect(try fixture.status().demand.lastDay.wasted == 0)
    #expect(try fixture.recall(.run("a")) == [0])
    #expect(fixture.store.takeResolved().isEmpty)
    try fixture.crash()
    try fixture.expectItems([.recalled: 4, .claimed: 1, .available: 1])
  }

  @Test(arguments: StoreKind.all)
  func itemsOfARevisionAreRecalled(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", produced(unlimited))
    try fixture.put(items(0..<2))
    _ = try fixture.make("a", items(2..<4), revision: "r1")
    _ = try fixture.make("b", items(4..<6), revision: "r2", at: start + .seconds(1))
    _ = try fixture.make("c", items(6..<8), revision: "r1", at: start + .seconds(2))
    _ = try fixture.make("d", items(8..<9), revision: "")
    #expect(try fixture.recall(.revision("r1")).reduce(0, +) == 4)
    #expect(try fixture.drain() == ["0", "1", "4", "5", "8"])
    #expect(try fixture.recall(.revision("")).reduce(0, +) == 1)
  }

  @Test(arguments: StoreKind.all)
  func itemsMadeInASpanAreRecalled(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", unlimited)
    // The clock may have been set back meanwhile.
    for second in [3, 1, 0, 2, 4] as [Int64] {
      try fixture.put(items(Int(second)..<Int(second) + 1), at: start + .seconds(second))
    }
    func recall(_ from: Int64, _ to: Int64) throws -> [Int] {
      try fixture.recall(.made(from: start + .seconds(from), to: start + .seconds(to)))
    }
    #expect(try recall(3, 3) == [0])
    #expect(try recall(3, 1) == [0])
    #expect(try recall(1, 3) == [2])
    #expect(try fixture.drain() == ["3", "0", "4"])
  }

  @Test(arguments: StoreKind.all)
  func whoHadRecalledItemsIsListedWhateverIsLeft(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", produced(unlimited))
    _ = try fixture.make("a", items(0..<3), revision: "r1")
    _ = try fixture.make("b", items(3..<9), revision: "r2")
    let some = try #require(try fixture.claim("u", count: 4).granted)
    _ = try #require(try fixture.claim("v").granted)
    _ = try fixture.recall(.revision("r1"))
    func listed(before cursor: Int64? = nil) throws -> Page<Claim> {
      try fixture.reader.claimsRecalled(in: "p", before: cursor, limit: 1, at: start)
    }
    let page = try listed()
    #expect(page.rows.map(\.id) == [some.id] && page.cursor == nil)
    #expect(page.rows.first?.items.count == 1 && page.rows.first?.state == .claimed)
    _ = try fixture.recall(.revision("r2"))
    let first = try listed()
    #expect(first.rows.map(\.user) == ["v"] && first.rows.first?.state == .recalled)
    #expect(try listed(before: first.cursor).rows.map(\.id) == [some.id])
  }

  @Test(arguments: StoreKind.all)
  func eachPieceGoesOnWhereTheLastOneEnded(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", produced(unlimited))
    _ = try fixture.make("a", items(0..<4), revision: "r1")
    try fixture.put(items(4..<5))
    _ = try fixture.make("b", items(5..<10), revision: "r1", at: start + .seconds(1))
    let claim = try #require(try fixture.claim("u", count: 4).granted)
    #expect(try fixture.recall(.revision("r1"), limit: 3) == [3, 3, 3, 0])
    #expect(try fixture.state(of: claim) == .recalled)
    #expect(try fixture.drain() == ["4"])
    #expect(try fixture.recall(.revision("r1"), limit: 1) == [0])
  }

  @Test(arguments: StoreKind.all)
  func aPieceLooksThroughABoundedNumberOfItems(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", produced(unlimited))
    let most = Limits.recallScan
    try fixture.put(items(0..<(2 * most)))
    _ = try fixture.make("a", items(0..<1), revision: "r1")
    #expect(try fixture.recall(.revision("r1")) == [0, 0, 1])
  }

  @Test(arguments: StoreKind.all)
  func whatIsStoredLaterIsLeftAlone(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", produced(unlimited))
    try fixture.startRun("a", asked: 2)
    try fixture.commit("a", items(0..<2))
    let first = try fixture.store.recall(.run("a"), in: "p", after: nil, at: start, limit: 1)
    #expect(first.done == 1 && first.more)
    #expect(
      try fixture.store.record(
        [.attempt(run: "a", slice: 2, asked: 2, attempt: 1, recalling: 0)], at: start) == [true])
    try fixture.commit("a", slice: 2, items(2..<4))
    let second = try fixture.store.recall(
      .run("a"), in: "p", after: first.cursor, at: start, limit: 9)
    #expect(second.done == 1 && !second.more)
    #expect(try fixture.drain() == ["2", "3"])
  }

  @Test(arguments: StoreKind.all)
  func aRecallFreesRoomAndFillsNothing(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", produced(max: 3, unlimited))
    try fixture.put(items(0..<2))
    let waiting = try fixture.backorder("u", count: 3)
    #expect(try fixture.recall(.made(from: start, to: start + .seconds(1))).first == 2)
    try fixture.expectItems([.recalled: 2])
    #expect(try fixture.put(items(2..<5)) == PutResult(stored: 3))
    #expect(try fixture.reader.claim(waiting.id)?.items.map(\.payload) == ["2", "3", "4"])
  }

  @Test(arguments: StoreKind.all)
  func whatIsOverAlreadyIsLeftAsItIs(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", unlimited)
    try fixture.put(items(0..<1, expiresAt: start + .seconds(1)) + items(1..<2))
    #expect(try fixture.store.expire(pool: "p", at: start + .seconds(1), limit: 9) == 1)
    #expect(try fixture.recall(.made(from: start, to: start + .seconds(1))).first == 1)
    try fixture.expectItems([.expired: 1, .recalled: 1])
    #expect(try fixture.recall(.run("x")) == [0])
    #expect(throws: StoreError.unknownPool("q")) {
      try fixture.store.recall(.run("x"), in: "q", after: nil, at: start, limit: 1)
    }
  }

  @Test(arguments: StoreKind.all)
  func staleItemsLoseTheirCount(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", revised("r1"))
    _ = try fixture.make("a", items(0..<3), revision: "r1")
    try fixture.adopt("p", revised("r2"))
    #expect(try fixture.markStale() == 3)
    #expect(try fixture.recall(.run("a"), limit: 2) == [2, 1])
    #expect(try fixture.stale() == 0)
    try fixture.expectItems([.recalled: 3])
  }

  @Test(arguments: StoreKind.all, ClaimPolicy.OnRelease.allCases)
  func aHoldWhoseTimeIsOverLapsesFirst(
    _ kind: StoreKind, _ onRelease: ClaimPolicy.OnRelease
  ) throws {
    let fixture = try kind.open()
    try fixture.adopt(unlimited, { $0.claims.onRelease = onRelease })
    try fixture.put(items(0..<2))
    let claim = try fixture.hold("u", count: 2, seconds: 5)
    let now = start + .seconds(5)
    let recalled = onRelease == .restock ? 2 : 0
    #expect(
      try fixture.recall(.made(from: start, to: now), at: now).first == recalled)
    #expect(try fixture.state(of: claim, at: now) == .lapsed)
    try fixture.expectItems(onRelease == .restock ? [.recalled: 2] : [.quarantined: 2])
    #expect(try fixture.store.lapse(pool: "p", at: now, limit: 9) == 0)
  }

  @Test(arguments: StoreKind.all)
  func theItemsOfForgottenClaimsAreRecalledToo(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", unlimited)
    try fixture.put(items(0..<1))
    #expect(try fixture.claim("u", key: "k").granted != nil)
    #expect(try fixture.store.forget(user: "u", at: start, limit: 9).done == 1)
    _ = fixture.store.takeResolved()
    #expect(try fixture.recall(.made(from: start, to: start + .seconds(1))).first == 1)
    #expect(try fixture.claim("u", key: "k").repeatedEmpty == .forgotten)
    #expect(fixture.store.takeResolved().isEmpty)
  }

  @Test(arguments: StoreKind.all)
  func eachTouchedClaimIsToldOnceAPiece(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt(unlimited, { $0.claims.webhook = webhook })
    try fixture.put(items(10..<13))
    try fixture.put(items(13..<14), at: start + .seconds(1))
    let partly = try #require(try fixture.claim("u", count: 4).granted)
    try fixture.put(items(14..<15))
    let wholly = try #require(try fixture.claim("v").granted)
    #expect(
      try fixture.recall(.made(from: start, to: start + .seconds(1)), limit: 2) == [2, 2, 0])
    var bodies: [String: [String]] = [:]
    while let next = try fixture.store.deliveries(at: start, limit: 1, without: []).due.first {
      bodies[next.claim, default: []].append(next.body)
      try fixture.store.delivered(next.id)
    }
    #expect(bodies.count == 2)
    let told = try #require(bodies[partly.id])
    #expect(told.count == 2)
    #expect(told.allSatisfy { $0.contains("\"state\":\"claimed\"") })
    #expect(told[0].contains("\"payload\":12") && !told[0].contains("\"payload\":11"))
    #expect(told[1].contains("\"payload\":13") && !told[1].contains("\"payload\":12"))
    let last = try #require(bodies[wholly.id])
    #expect(last.count == 1)
    #expect(last[0].contains("\"state\":\"recalled\"") && last[0].contains("\"items\":[]"))
  }

  @Test(arguments: StoreKind.all)
  func aPieceTellsABoundedNumberOfItems(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt(unlimited, { $0.claims.webhook = webhook })
    let count = Limits.itemsBeside - 1
    try fixture.put(items(0..<(2 * count)))
    var claims: [Claim] = []
    for user in ["u", "v"] {
      claims.append(try #require(try fixture.claim(user, count: count).granted))
    }
    let recall = Recall.made(from: start, to: start + .seconds(1))
    let first = try fixture.store.recall(recall, in: "p", after: nil, at: start, limit: 2 * count)
    #expect(first.done <= count)
    #expect(try fixture.state(of: claims[1]) == .claimed)
    #expect(try fixture.recall(recall).reduce(0, +) == 2 * count - first.done)
    for claim in claims { #expect(try fixture.state(of: claim) == .recalled) }
  }
}
