import Larder
import Testing

@Suite struct BackorderTests {
  @Test(arguments: StoreKind.all)
  func aMissMayWaitForItsItems(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", living("backorder=60", claims: "per_user: 3"))
    let request = ClaimRequest(pool: "p", user: "u", key: "k", count: 2)
    let waiting = try #require(try fixture.claim(request).accepted)
    #expect(waiting.state == .pending)
    #expect(waiting.position == 1)
    #expect(waiting.claimedAt == nil)
    #expect(try fixture.claim(request).repeated == waiting)
    #expect(try fixture.claim("u", count: 2) == .userLimit(3))
    #expect(try fixture.status().stock.pending == 2)
    try fixture.crash()
    #expect(
      try fixture.claim(ClaimRequest(pool: "p", user: "v", onMiss: .reject)) == .outOfStock)
    #expect(try fixture.shown(waiting) == waiting)
    #expect(fixture.store.takeResolved().isEmpty)
    // All or nothing.
    try fixture.put(items(0..<1))
    #expect(try fixture.shown(waiting) == waiting)
    try fixture.put(items(1..<3), at: start + .seconds(5))
    let filled = try fixture.shown(waiting)
    #expect(filled.state == .claimed)
    #expect(filled.claimedAt == start + .seconds(5))
    #expect(filled.items.map(\.payload) == ["0", "1"])
    #expect(fixture.store.takeResolved() == [waiting.id])
    #expect(fixture.store.takeResolved().isEmpty)
    #expect(try fixture.claim(request).repeated == filled)
    #expect(try fixture.status().stock.pending == 0)
    let demand = try fixture.status(at: start + .seconds(6)).demand.lastDay
    #expect(demand.hits == 0)
    #expect(demand.misses == 2)
    #expect(demand.claimed == 2)
    #expect(demand.missed == 1)
  }

  @Test(arguments: StoreKind.all)
  func aBackorderOfAHoldIsHeldFromItsFilling(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", living("hold=30"))
    let waiting = try fixture.order("u", hold: .seconds(99))
    #expect(waiting.holdExpiresAt == nil)
    try fixture.startRun("r")
    try fixture.commit("r", items(0..<1), at: start + .seconds(20))
    let held = try fixture.shown(waiting, at: start + .seconds(20))
    #expect(held.state == .held)
    #expect(held.holdExpiresAt == start + .seconds(50))
    #expect(try fixture.change(held, .confirm, at: start + .seconds(49)).changed != nil)
  }

  @Test(arguments: StoreKind.all)
  func firstComeFirstServed(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", living("hold=30"))
    let two = try fixture.order("u", count: 2)
    let one = try fixture.order("v")
    #expect(one.position == 2)
    try fixture.put(items(0..<1))
    // Nobody passes the first, neither in line nor a new request.
    #expect(try fixture.claim("w") == .outOfStock)
    #expect(try fixture.countedItems("p") == [.available: 1])
    try fixture.put(items(1..<2))
    #expect(try fixture.payloads(two) == ["0", "1"])
    #expect(try fixture.shown(one).position == 1)
    try fixture.put(items(2..<4))
    #expect(try fixture.payloads(one) == ["2"])
    #expect(try fixture.claim("w").payloads == ["3"])
  }

  @Test(arguments: StoreKind.all)
  func whoeverGivesUpMakesWayForThoseBehind(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", living("backorder=60"))
    let three = try fixture.order("u", count: 3)
    let two = try fixture.order("v", count: 2, at: start + .seconds(1))
    let one = try fixture.order("w", at: start + .seconds(2))
    try fixture.put(items(0..<2), at: start + .seconds(3))
    let cancelled = try #require(
      try fixture.change(three, .cancel, at: start + .seconds(3)).changed)
    #expect(cancelled.state == .cancelled)
    #expect(cancelled.claimedAt == nil)
    #expect(try fixture.change(three, .cancel).changed == cancelled)
    #expect(try fixture.payloads(two) == ["0", "1"])
    #expect(fixture.store.takeResolved().sorted() == [three.id, two.id].sorted())
    #expect(try fixture.change(two, .cancel) == .wrongState(.claimed))
    let late = start + .seconds(62)
    #expect(try fixture.shown(one, at: late).state == .timedOut)
    #expect(try fixture.change(one, .cancel, at: late) == .wrongState(.timedOut))
    // An overdue claim gets nothing, and is in nobody's way.
    let five = try fixture.order("x", count: 5)
    _ = try fixture.order("y", at: start + .seconds(50))
    #expect(try fixture.store.lapse(pool: "p", at: start + .seconds(59), limit: 9) == 0)
    try fixture.put(items(5..<6), at: start + .seconds(60))
    #expect(try fixture.shown(five).state == .timedOut)
    #expect(try fixture.countedItems("p") == [.claimed: 3])
    #expect(try fixture.status().stock.pending == 0)
  }

  @Test(arguments: StoreKind.all)
  func whatIsRestockedFillsBackorders(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", living("hold=30 restock"))
    try fixture.put(items(0..<2))
    let released = try fixture.hold("u", 10)
    _ = try fixture.hold("v", 10)
    let first = try fixture.order("w", hold: .seconds(20))
    let second = try fixture.order("x")
    #expect(try fixture.change(released, .release).changed != nil)
    #expect(try fixture.payloads(first) == ["0"])
    #expect(try fixture.store.lapse(pool: "p", at: start + .seconds(10), limit: 9) == 1)
    #expect(try fixture.payloads(second) == ["1"])
    #expect(try fixture.countedItems("p") == [.held: 1, .claimed: 1])
  }

  @Test(arguments: StoreKind.all)
  func itemsMadeForAUserGoToThatUserWhateverTheOrder(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", living("hold=30"))
    let other = try fixture.order("v", count: 2)
    let mine = try fixture.order("u")
    let both = try fixture.order("u", count: 2)
    try fixture.put([NewItem(payload: "1", user: "u"), NewItem(payload: "2", user: "x")])
    #expect(try fixture.payloads(mine) == ["1"])
    #expect(try fixture.shown(other).state == .pending)
    // Behind others, a user's own item is that user's own still.
    try fixture.put([NewItem(payload: "3", user: "w")])
    #expect(try fixture.claim("w").payloads == ["3"])
    try fixture.put([NewItem(payload: "8", user: "w")])
    #expect(try fixture.claim("w").payloads == ["8"])
    #expect(try fixture.claim("x", count: 2) == .outOfStock)
    try fixture.put([NewItem(payload: "4", user: "u"), NewItem(payload: "5")])
    #expect(try fixture.claim("u") == .outOfStock)
    try fixture.put(items(6..<8))
    #expect(try fixture.payloads(other) == ["5", "6"])
    #expect(try fixture.payloads(both) == ["4", "7"])
  }

  @Test(arguments: StoreKind.all)
  func linesOfOtherMatchesAndLivesStandApart(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", living("hold=30"))
    let red = try fixture.order("a", count: 2, ["colour": .text("red")])
    let long = try fixture.order("b", minRemaining: .seconds(50))
    let redBig = try fixture.order("c", ["colour": .text("red"), "size": .integer(9)])
    let any = try fixture.order("d")
    #expect(any.position == 1)
    // Too short a life for the first, so the second gets it.
    try fixture.put([NewItem(payload: "1", expiresAt: start + .seconds(40))])
    #expect(try fixture.payloads(any) == ["1"])
    try fixture.put([
      NewItem(
        payload: "2", attributes: #"{"size": 9.0, "colour": "red"}"#,
        expiresAt: start + .seconds(40))
    ])
    #expect(try fixture.payloads(redBig) == ["2"])
    #expect(
      try fixture.claim(
        ClaimRequest(pool: "p", user: "e", match: Match(["colour": .text("red")]))) == .outOfStock)
    try fixture.put([
      NewItem(payload: "3", attributes: #"{"colour":"red"}"#, expiresAt: start + .seconds(60)),
      NewItem(payload: "4", attributes: #"{"colour":"red"}"#, expiresAt: start + .seconds(70)),
      NewItem(payload: "5", attributes: #"{"colour":"red"}"#, expiresAt: start + .seconds(80)),
    ])
    #expect(try fixture.payloads(red) == ["3", "4"])
    #expect(try fixture.payloads(long) == ["5"])
    // Who wants a longer life waits behind who takes a shorter one, but not the other way round.
    _ = try fixture.order("f", count: 3, minRemaining: .seconds(10))
    try fixture.put(items(6..<8))
    #expect(try fixture.claim("g", minRemaining: .seconds(20)) == .outOfStock)
    #expect(try fixture.claim("g", minRemaining: .seconds(9)).payloads == ["6"])
  }

  @Test(arguments: StoreKind.all)
  func noItemThatTheDefinitionInForceTakesForExpiredFillsABackorder(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", living("backorder=60"))
    let waiting = try fixture.order("u", count: 2)
    try fixture.put([NewItem(payload: "short", expiresAt: start + .seconds(60))])
    try fixture.adopt("p", living("backorder=60", claims: "per_user: 0, min_remaining: 90s"))
    try fixture.put(items(0..<1))
    #expect(try fixture.shown(waiting).state == .pending)
    try fixture.put(items(1..<2))
    #expect(try fixture.payloads(waiting) == ["0", "1"])
  }

  @Test(arguments: StoreKind.all)
  func whoGetsOwnItemsOrTimesOutNoLongerKeepsOthersFromTheShelf(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", living("backorder=60"))
    let first = try fixture.order("u", count: 3)
    let second = try fixture.order("v", count: 2, at: start + .seconds(1))
    try fixture.put(items(0..<2))
    #expect(try fixture.shown(second).state == .pending)
    try fixture.put((2..<5).map { NewItem(payload: "\($0)", user: "u") })
    #expect(try fixture.payloads(first) == ["2", "3", "4"])
    #expect(try fixture.payloads(second) == ["0", "1"])

    _ = try fixture.order("u", count: 3)
    let third = try fixture.order("w", count: 2, at: start + .seconds(30))
    try fixture.put(items(5..<7))
    let later = start + .seconds(61)
    try fixture.put([NewItem(payload: "7", user: "u")], at: later)
    #expect(try fixture.payloads(third, at: later) == ["5", "6"])
  }

  @Test(arguments: StoreKind.all)
  func aRetiredPoolTakesNoBackorders(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", living("backorder=60"))
    let waiting = try fixture.order("u")
    try fixture.store.retire(["p"], at: start)
    #expect(try fixture.claim("v") == .outOfStock)
    try fixture.reopen()
    #expect(try fixture.claim("v") == .outOfStock)
    try fixture.put(items(0..<1))
    #expect(try fixture.payloads(waiting) == ["0"])
    try fixture.adopt("p", living("backorder=60"))
    #expect(try fixture.claim("v").accepted != nil)
  }

  @Test(arguments: StoreKind.all)
  func thousandsThatWaitAreFilledInOrder(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", living("hold=30"))
    let requests = (0..<3000).map {
      ClaimRequest(
        pool: "p", user: "u\($0)", match: $0 % 3 == 0 ? Match(["n": .integer(Int64($0 % 2))]) : nil,
        onMiss: .backorder)
    }
    let claims = try fixture.store.claim(requests, at: start).compactMap(\.accepted)
    #expect(claims.count == 3000)
    #expect(claims[1498].position == 999)
    // So far behind, places are not counted: it would cost every backorder.
    #expect(claims[2998].position == nil)
    for slice in 0..<20 {
      try fixture.put(
        (0..<100).map { NewItem(payload: "\(slice * 100 + $0)", attributes: #"{"m": 1}"#) })
    }
    let plain = claims.indices.filter { $0 % 3 != 0 }
    #expect(try plain.map { try fixture.payloads(claims[$0]) } == (0..<2000).map { ["\($0)"] })
    #expect(try fixture.status().stock.pending == 1000)
    try fixture.put((0..<1000).map { NewItem(payload: "\($0)", attributes: #"{"n":\#($0 % 2)}"#) })
    #expect(try fixture.status().stock.pending == 0)
    #expect(try fixture.status().stock.available == 0)
  }
}
