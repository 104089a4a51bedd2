import Larder
import Testing

@Suite struct ShelfTests {
  /// Claims one item after another, by users of their own, until none is left.
  private func drain(
    _ fixture: any StoreFixture, at now: Instant = start
  ) throws -> [String] {
    var payloads: [String] = []
    while let claim = try fixture.claim("anybody", at: now).granted {
      payloads += claim.items.map(\.payload)
    }
    return payloads
  }

  private let mixed = [
    NewItem(payload: "0"),
    NewItem(payload: "1", expiresAt: start + .seconds(30)),
    NewItem(payload: "2", expiresAt: start + .seconds(10)),
    NewItem(payload: "3"),
    NewItem(payload: "4", expiresAt: start + .seconds(30)),
    NewItem(payload: "5", expiresAt: start + .seconds(20)),
  ]

  @Test(arguments: StoreKind.all)
  func firstExpiredIsFirstOutThenTheOldest(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", "claims: {per_user: 0, order: fefo}")
    try fixture.put(mixed)
    #expect(try drain(fixture) == ["2", "5", "1", "4", "0", "3"])
  }

  @Test(arguments: StoreKind.all)
  func fifoGivesTheOldestFirst(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", "claims: {per_user: 0, order: fifo}")
    try fixture.put(mixed)
    #expect(try drain(fixture) == ["0", "1", "2", "3", "4", "5"])
  }

  @Test(arguments: StoreKind.all)
  func fifoSkipsExpiredItems(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", "claims: {per_user: 0, order: fifo}")
    try fixture.put(mixed)
    #expect(try drain(fixture, at: start + .seconds(20)) == ["0", "1", "3", "4"])
  }

  @Test(arguments: StoreKind.all)
  func aNewOrderHoldsForWhatIsOnTheShelf(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", "claims: {per_user: 0, order: fifo}")
    try fixture.put(mixed)
    try fixture.reopen()
    try fixture.adopt("p", "claims: {per_user: 0, order: fefo}")
    #expect(try fixture.claim("u", count: 1).payloads == ["2"])
    try fixture.adopt("p", "claims: {per_user: 0, order: fifo}")
    #expect(try fixture.claim("u", count: 1).payloads == ["0"])
    try fixture.adopt("p", "claims: {per_user: 0, order: fefo}")
    #expect(try drain(fixture) == ["5", "1", "4", "3"])
  }

  @Test(arguments: StoreKind.all, ClaimPolicy.Order.allCases)
  func anItemIsGoneAtItsExpiryToTheMillisecond(
    _ kind: StoreKind, _ order: ClaimPolicy.Order
  ) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", "claims: {per_user: 0, min_remaining: 10s, order: \(order)}")
    try fixture.put(items(0..<2, expiresAt: start + .seconds(60)))
    let gone = start + .seconds(50)
    let before = gone - .milliseconds(1)
    #expect(try fixture.status(at: before).stock.available == 2)
    #expect(try fixture.claim("u", at: gone) == .outOfStock)
    #expect(try fixture.claim("u", at: before).payloads == ["0"])
    #expect(try fixture.status(at: gone).stock.available == 0)
    #expect(try fixture.status(at: gone).stock.expired == 1)
    #expect(try fixture.claim("u", at: gone + .seconds(3600)) == .outOfStock)
    // Sweeping is exact as well.
    #expect(try fixture.store.expire(pool: "p", at: before, limit: 10) == 0)
    #expect(try fixture.store.expire(pool: "p", at: gone, limit: 10) == 1)
  }

  @Test(arguments: StoreKind.all)
  func aRequestMayAskForMoreRemainingLifeNotForLess(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", "claims: {per_user: 0, min_remaining: 10s}")
    try fixture.put(items(0..<1, expiresAt: start + .seconds(60)))
    try fixture.put(items(1..<2, expiresAt: start + .seconds(90)))
    #expect(
      try fixture.claim("u", minRemaining: .zero, at: start + .seconds(80)) == .outOfStock)
    #expect(try fixture.claim("u", minRemaining: .milliseconds(60_000)).payloads == ["1"])
    #expect(try fixture.claim("u", minRemaining: .milliseconds(60_000)) == .outOfStock)
    #expect(try fixture.claim("u", minRemaining: .milliseconds(59_999)).payloads == ["0"])
  }

  @Test(arguments: StoreKind.all)
  func anItemWithoutExpiryOutlivesEveryWish(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", unlimited)
    try fixture.put(items(0..<2))
    let longest = try #require(DurationText.parse("36525d"))
    #expect(try fixture.claim("u", minRemaining: longest).payloads == ["0"])
    #expect(
      try fixture.claim("u", minRemaining: .milliseconds(Int64.max)).payloads == ["1"])
  }

  @Test(arguments: StoreKind.all)
  func shelfLifeCountsWhereAnItemNamesNoExpiry(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", "stock: {shelf_life: 1h}\nclaims: {per_user: 0}")
    try fixture.put(
      [NewItem(payload: "0"), NewItem(payload: "1", expiresAt: start + .seconds(9000))])
    let claim = try #require(try fixture.claim("u", count: 2).granted)
    #expect(claim.items.map(\.expiresAt) == [start + .seconds(3600), start + .seconds(9000)])
  }

  @Test(arguments: StoreKind.all, ClaimPolicy.Order.allCases)
  func itemsMadeForAUserGoToThatUserFirstAndToNobodyElse(
    _ kind: StoreKind, _ order: ClaimPolicy.Order
  ) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", "claims: {per_user: 0, order: \(order)}")
    try fixture.put([
      NewItem(payload: "0", expiresAt: start + .seconds(5)),
      NewItem(payload: "1", expiresAt: start + .seconds(20), user: "\u{E9}"),
      NewItem(payload: "2", expiresAt: start + .seconds(10), user: "\u{E9}"),
      NewItem(payload: "3", user: "v"),
    ])
    #expect(try fixture.status().stock.available == 4)
    #expect(try fixture.claim("other", key: "k", count: 2) == .outOfStock)
    // The same letter in other bytes is another user.
    #expect(try fixture.claim("e\u{301}", key: "k", count: 2) == .outOfStock)
    let first = order == .fefo ? "2" : "1"
    #expect(try fixture.claim("\u{E9}").payloads == [first])
    #expect(
      Set(try #require(try fixture.claim("\u{E9}", count: 2).payloads)) == [
        "0", order == .fefo ? "1" : "2",
      ])
    #expect(try fixture.claim("\u{E9}") == .outOfStock)
    #expect(try fixture.claim("v").payloads == ["3"])
  }

  @Test(arguments: StoreKind.all)
  func anExpiredItemMadeForAUserIsNotGivenToThem(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", unlimited)
    try fixture.put([
      NewItem(payload: "0", expiresAt: start + .seconds(5), user: "u"), NewItem(payload: "1"),
    ])
    #expect(try fixture.claim("u", at: start + .seconds(5)).payloads == ["1"])
    #expect(try fixture.claim("u", at: start + .seconds(5)) == .outOfStock)
  }
}
