import Larder
import Testing

@Suite struct ClaimTests {
  @Test(arguments: StoreKind.all)
  func aGrantHoldsTheItemAndTheRequest(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", unlimited)
    let item = NewItem(
      payload: "{\"seat\": \"A7\"}", key: "A7", attributes: "{ \"zone\":\"A\" }",
      expiresAt: start + .seconds(60))
    try fixture.put([item], at: start + .seconds(1))
    let claim = try #require(try fixture.claim("u", key: "k", at: start + .seconds(2)).granted)
    #expect(claim.pool == "p")
    #expect(claim.user == "u")
    #expect(claim.state == .claimed)
    #expect(claim.claimedAt == start + .seconds(2))
    #expect(claim.items.map(\.payload) == [item.payload])
    #expect(claim.items.map(\.key) == ["A7"])
    #expect(claim.items.map(\.attributes) == [item.attributes])
    #expect(claim.items.map(\.producedAt) == [start + .seconds(1)])
    #expect(claim.items.map(\.expiresAt) == [item.expiresAt])
    #expect(try fixture.reader.claim(claim.id) == claim)
    try fixture.crash()
    #expect(try fixture.reader.claim(claim.id) == claim)
  }

  @Test(arguments: StoreKind.all)
  func theSameKeyGivesTheSameAnswerForGood(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", unlimited)
    try fixture.put(items(0..<9))
    let first = try #require(try fixture.claim("u", key: "k", count: 3).granted)
    #expect(try fixture.claim("u", key: "k", count: 3).repeated == first)
    try fixture.crash()
    #expect(try fixture.claim("u", key: "k", count: 3, at: start + .seconds(99)).repeated == first)
    try fixture.reopen()
    #expect(try fixture.claim("u", key: "k", count: 3).repeated == first)
    #expect(try fixture.countedItems("p") == [.available: 6, .claimed: 3])
  }

  static let payloads = [
    "{ \"a\" :\t1 ,\r\n \"a\":2}", "\"\u{E9}\"", "\"e\u{301}\"", "\"\\u00e9 \\uD83C\\uDFAB \\/\"",
    "123456789012345678901234567890.000e+0400", "-0.0", " null ", "\"\u{1F3AB}\u{FEFF}\u{2028}\"",
    "\"\(String(repeating: "x\u{20AC}\\n", count: 1024 * 1024 / 6))\"",
  ]

  @Test(arguments: StoreKind.all)
  func payloadsAreKeptByteForByte(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", unlimited)
    let wanted = Self.payloads.map { Array($0.utf8) }
    try fixture.put(Self.payloads.map { NewItem(payload: $0, attributes: "{\"\u{E9}\" : 1e0}") })
    let count = wanted.count
    let claim = try #require(try fixture.claim("u", key: "k", count: count).granted)
    #expect(claim.items.map { Array($0.payload.utf8) } == wanted)
    try fixture.crash()
    let again = try #require(try fixture.claim("u", key: "k", count: count).repeated)
    #expect(again.items.map { Array($0.payload.utf8) } == wanted)
    let read = try #require(try fixture.reader.claim(claim.id))
    #expect(read.items.map { Array($0.payload.utf8) } == wanted)
    #expect(
      read.items.allSatisfy { Array($0.attributes!.utf8) == Array("{\"\u{E9}\" : 1e0}".utf8) })
  }

  @Test(arguments: StoreKind.all)
  func aKeyIsBoundToWhatWasAskedFor(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", unlimited)
    try fixture.put(items(0..<9))
    let first = try #require(try fixture.claim("u", key: "k").granted)
    #expect(try fixture.claim("u", key: "k", count: 2) == .keyReused)
    #expect(try fixture.claim("u", key: "k", minRemaining: .zero) == .keyReused)
    let onMiss = ClaimRequest(pool: "p", user: "u", key: "k", onMiss: .reject)
    #expect(try fixture.claim(onMiss) == .keyReused)
    #expect(try fixture.claim("u", key: "k").repeated == first)
    #expect(try fixture.countedItems("p")[.claimed] == 1)
  }

  @Test(arguments: StoreKind.all)
  func refusalsBindNoKey(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    #expect(try fixture.claim("u", key: "k") == .unknownPool)
    try fixture.adopt("p", "claims: {per_user: 2}")
    #expect(try fixture.claim("u", key: "k", count: 2) == .outOfStock)
    try fixture.put(items(0..<9))
    #expect(try fixture.claim("u", key: "k", count: 3) == .userLimit(2))
    #expect(try fixture.claim("u", key: "k").granted != nil)
    #expect(try fixture.reader.claims(user: "u", pool: nil, before: nil, limit: 9).rows.count == 1)
  }

  @Test(arguments: StoreKind.all)
  func keysAreScopedToPrincipalPoolAndUserByTheirBytes(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", unlimited)
    try fixture.adopt("q", unlimited)
    try fixture.put(items(0..<9))
    try fixture.put(items(100..<109), in: "q")
    let requests = [
      ClaimRequest(pool: "p", principal: "a", user: "u", key: "k"),
      ClaimRequest(pool: "p", principal: "b", user: "u", key: "k"),
      ClaimRequest(pool: "q", principal: "a", user: "u", key: "k"),
      ClaimRequest(pool: "p", principal: "a", user: "v", key: "k"),
      ClaimRequest(pool: "p", principal: "a", user: "u", key: "K"),
      ClaimRequest(pool: "p", principal: "a", user: "u", key: "k "),
      ClaimRequest(pool: "p", principal: "a", user: "\u{E9}", key: "k"),
      ClaimRequest(pool: "p", principal: "a", user: "e\u{301}", key: "k"),
    ]
    let granted = try requests.map { try #require(try fixture.claim($0).granted) }
    #expect(Set(granted.map(\.id)).count == requests.count)
    #expect(Set(granted.flatMap(\.items).map(\.id)).count == requests.count)
    for (request, claim) in zip(requests, granted) {
      #expect(try fixture.claim(request).repeated == claim)
    }
  }

  @Test(arguments: StoreKind.all)
  func withOneItemAUserNoKeyIsTheEmptyKey(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", "claims: {per_user: 1}")
    try fixture.put(items(0..<9))
    let first = try #require(try fixture.claim("u").granted)
    #expect(try fixture.claim("u").repeated == first)
    #expect(try fixture.claim("u", key: "").repeated == first)
    #expect(try fixture.claim("u", key: "other") == .userLimit(1))
    #expect(try fixture.claim("u", minRemaining: .seconds(1)) == .keyReused)
    // The limit is the user's, whoever asks for them; a key is the principal's.
    #expect(
      try fixture.claim(ClaimRequest(pool: "p", principal: "other", user: "u")) == .userLimit(1))
    #expect(try fixture.claim("v").granted != nil)
    try fixture.crash()
    #expect(try fixture.claim("u").repeated == first)
  }

  @Test(arguments: StoreKind.all)
  func withoutALimitEveryRequestWithoutAKeyIsNew(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", unlimited)
    try fixture.put(items(0..<3))
    let claims = try (0..<3).map { _ in try #require(try fixture.claim("u").granted) }
    #expect(Set(claims.map(\.id)).count == 3)
    #expect(claims.flatMap(\.items).map(\.payload) == ["0", "1", "2"])
    #expect(try fixture.claim("u") == .outOfStock)
  }

  @Test(arguments: StoreKind.all)
  func theLimitCountsItemsOfAUserInAPool(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", "claims: {per_user: 3}")
    try fixture.adopt("q", "claims: {per_user: 3}")
    try fixture.put(items(0..<9))
    try fixture.put(items(0..<9), in: "q")
    #expect(try fixture.claim("u", count: 4) == .userLimit(3))
    let two = try #require(try fixture.claim("u", key: "k", count: 2).granted)
    #expect(try fixture.claim("u", count: 2) == .userLimit(3))
    #expect(try fixture.claim("u").granted != nil)
    #expect(try fixture.claim("u") == .userLimit(3))
    // At the limit the same request still gets the same answer.
    #expect(try fixture.claim("u", key: "k", count: 2).repeated == two)
    #expect(try fixture.claim(ClaimRequest(pool: "q", user: "u", count: 3)).granted != nil)
    #expect(try fixture.claim("v", count: 3).granted != nil)
    // A new definition counts for what is asked from now on.
    try fixture.adopt("p", "claims: {per_user: 4}")
    #expect(try fixture.claim("u").granted != nil)
    #expect(try fixture.claim("u") == .userLimit(4))
  }

  @Test(arguments: StoreKind.all)
  func severalItemsAreGivenAllOrNone(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", unlimited)
    try fixture.put(items(0..<3) + [NewItem(payload: "\"u's\"", user: "u")])
    #expect(try fixture.claim("v", key: "k", count: 4) == .outOfStock)
    #expect(try fixture.countedItems("p") == [.available: 4])
    #expect(try fixture.status().stock.available == 4)
    let claim = try #require(try fixture.claim("u", key: "k", count: 4).granted)
    #expect(claim.items.count == 4)
    #expect(try fixture.claim("u", key: "k", count: 4).repeated == claim)
    #expect(try fixture.countedItems("p") == [.claimed: 4])
  }

  @Test(arguments: StoreKind.all)
  func theItemsOfAClaimKeepTheirOrder(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", unlimited)
    // Taken from the shelf in another order than they were made in.
    try fixture.put(
      (0..<20).map {
        NewItem(payload: "\($0)", expiresAt: start + .seconds(1000 - ($0 * 7) % 20))
      })
    let claim = try #require(try fixture.claim("u", key: "k", count: 15).granted)
    #expect(try fixture.claim("u", key: "k", count: 15).repeated?.items == claim.items)
    #expect(try fixture.reader.claim(claim.id)?.items == claim.items)
    try fixture.crash()
    #expect(try fixture.claim("u", key: "k", count: 15).repeated?.items == claim.items)
    let page = try fixture.reader.claims(user: "u", pool: "p", before: nil, limit: 5)
    #expect(page.rows.map(\.items) == [claim.items])
  }

  @Test(arguments: StoreKind.all)
  func poolsKeepApart(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", unlimited)
    try fixture.adopt("q", unlimited)
    try fixture.put([NewItem(payload: "1", key: "same")], in: "q")
    #expect(try fixture.claim("u") == .outOfStock)
    #expect(try fixture.put([NewItem(payload: "2", key: "same")]) == PutResult(stored: 1))
    #expect(try fixture.claim("u").payloads == ["2"])
    #expect(try fixture.claim(ClaimRequest(pool: "nowhere", user: "u")) == .unknownPool)
  }

  @Test(arguments: StoreKind.all)
  func aRetiredPoolsStockStaysClaimable(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", unlimited)
    try fixture.put(items(0..<3))
    try fixture.store.retire(["p"], at: start)
    #expect(try fixture.status().retired)
    #expect(try fixture.claim("u").payloads == ["0"])
    try fixture.crash()
    #expect(try fixture.status().retired)
    #expect(try fixture.store.pools().map(\.retired) == [true])
    #expect(try fixture.claim("u").payloads == ["1"])
    try fixture.adopt("p", unlimited)
    #expect(try !fixture.status().retired)
  }
}
