import Larder
import Testing

/// Forgetting a user's claims.
@Suite struct ForgetTests {
  private func forget(
    _ fixture: any StoreFixture, _ user: String = "u", limit: Int = 100, at now: Instant = start
  ) throws -> Piece {
    try fixture.store.forget(user: user, at: now, limit: limit)
  }

  @Test(arguments: StoreKind.all)
  func theOldestClaimsAreForgottenFirstAndMoreIsExact(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", unlimited)
    try fixture.adopt("q", unlimited)
    try fixture.put(items(0..<5))
    try fixture.put(items(5..<6), in: "q")
    var mine: [String] = []
    for _ in 0..<3 { mine.append(try #require(try fixture.claim("u").granted).id) }
    let other = try #require(try fixture.claim("v").granted)
    mine.append(
      try #require(try fixture.claim(ClaimRequest(pool: "q", user: "u")).granted).id)
    func left() throws -> [String] {
      try fixture.reader.claims(user: "u", pool: nil, before: nil, limit: 9).rows.map(\.id)
    }
    #expect(try forget(fixture, limit: 3) == Piece(done: 3, more: true))
    #expect(try left() == [mine[3]])
    #expect(try fixture.reader.claim(mine[0]) == nil)
    #expect(try forget(fixture, limit: 1) == Piece(done: 1, more: false))
    try fixture.crash()
    #expect(try left().isEmpty)
    #expect(try forget(fixture) == Piece(done: 0, more: false))
    #expect(try fixture.state(of: other) == .claimed)
    // Nobody gets their items.
    try fixture.expectItems([.available: 1, .claimed: 4])
    #expect(try fixture.drain() == ["4"])
  }

  @Test(arguments: StoreKind.all)
  func keysOfForgottenClaimsStayBound(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", "claims: {per_user: 2}")
    try fixture.put(items(0..<5))
    #expect(try fixture.claim("u", key: "k", count: 2).granted != nil)
    #expect(try fixture.claim("u", key: "l") == .userLimit(2))
    #expect(try forget(fixture).done == 1)
    #expect(try fixture.claim("u", key: "k", count: 2).repeatedEmpty == .forgotten)
    #expect(try fixture.claim("u", key: "k") == .keyReused)
    #expect(try fixture.claim("u", key: "l").granted != nil)
    #expect(try forget(fixture).done == 1)
    for command in ClaimCommand.allCases {
      let id = try #require(try fixture.claim("u", key: "k", count: 2).repeated).id
      #expect(
        try fixture.store.decide([.change(id, command)], at: start) == [.unknownClaim])
    }
  }

  @Test(arguments: StoreKind.all)
  func anItemTellsNotWhoForgotIt(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", unlimited)
    try fixture.put([NewItem(payload: "1", key: "i")])
    let claim = try #require(try fixture.claim("u").granted)
    func shown() throws -> ItemStatus? { try fixture.reader.item("i", in: "p", at: start) }
    #expect(try shown()?.claim == claim.id)
    #expect(try shown()?.user == "u")
    #expect(try forget(fixture).done == 1)
    let item = try #require(try shown())
    #expect(item.state == .claimed && item.claim == nil && item.user == nil)
  }

  @Test(arguments: StoreKind.all, ClaimPolicy.OnRelease.allCases)
  func heldItemsAreQuarantinedWhateverThePoolSays(
    _ kind: StoreKind, _ onRelease: ClaimPolicy.OnRelease
  ) throws {
    let fixture = try kind.open()
    try fixture.adopt(unlimited, { $0.claims.onRelease = onRelease })
    try fixture.put(items(0..<3))
    _ = try fixture.hold("u", count: 2)
    #expect(try forget(fixture) == Piece(done: 1, more: false))
    try fixture.expectItems([.available: 1, .quarantined: 2])
    #expect(try fixture.store.pools().first?.stock.nextLapse == nil)
    // Also where the time was over and nobody had come to it.
    _ = try fixture.hold("u", seconds: 5)
    #expect(try forget(fixture, at: start + .seconds(5)).done == 1)
    try fixture.expectItems([.quarantined: 3])
  }

  @Test(arguments: StoreKind.all)
  func backordersAreCancelledAndThoseBehindThemMoveUp(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", unlimited)
    try fixture.put(items(0..<1))
    let first = try fixture.backorder("u", key: "k", count: 2)
    let second = try fixture.backorder("v")
    let third = try fixture.backorder("u")
    _ = fixture.store.takeResolved()
    #expect(try fixture.status().stock.pending == 4)
    #expect(try forget(fixture) == Piece(done: 2, more: false))
    #expect(try fixture.state(of: second) == .claimed)
    #expect(try fixture.status().stock.pending == 0)
    #expect(Set(fixture.store.takeResolved()) == [first.id, second.id, third.id])
    #expect(
      try fixture.claim(
        ClaimRequest(pool: "p", user: "u", key: "k", count: 2, onMiss: .backorder)
      ).repeatedEmpty == .forgotten)
    try fixture.put(items(1..<2))
    try fixture.expectItems([.available: 1, .claimed: 1])
  }

  @Test(arguments: StoreKind.all)
  func whatWasToBePushedIsDropped(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt(unlimited, { $0.claims.webhook = webhook })
    _ = try fixture.backorder("u")
    let kept = try fixture.backorder("v")
    try fixture.put(items(0..<2))
    #expect(try fixture.store.deliveries(at: start, limit: 9, without: []).due.count == 2)
    #expect(try forget(fixture).done == 1)
    #expect(
      try fixture.store.deliveries(at: start, limit: 9, without: []).due.map(\.claim) == [kept.id])
  }

  @Test(arguments: StoreKind.all)
  func holdsOfVeryManyItemsAreForgottenInPieces(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", unlimited)
    let most = Limits.claimCount.upperBound
    try fixture.put(items(0..<(2 * most)))
    for _ in 0..<2 { _ = try fixture.hold("u", count: most) }
    #expect(try forget(fixture) == Piece(done: 1, more: true))
    #expect(try forget(fixture) == Piece(done: 1, more: false))
    try fixture.expectItems([.quarantined: 2 * most])
  }
}
