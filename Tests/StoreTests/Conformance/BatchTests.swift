import Larder
import Testing

@Suite struct BatchTests {
  @Test(arguments: StoreKind.all)
  func requestsOfABatchAreDecidedInTheirOrder(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", "claims: {per_user: 2}")
    try fixture.put(items(0..<2))
    let outcomes = try fixture.store.claim(
      [
        ClaimRequest(pool: "p", user: "u", key: "k"),
        ClaimRequest(pool: "nowhere", user: "u", key: "k"),
        ClaimRequest(pool: "p", user: "u", key: "k"),
        ClaimRequest(pool: "p", user: "u", key: "k", count: 2),
        ClaimRequest(pool: "p", user: "v", key: "k", count: 2),
        ClaimRequest(pool: "p", user: "u", key: "k2", count: 2),
        ClaimRequest(pool: "p", user: "v", key: "k"),
        ClaimRequest(pool: "p", user: "w", key: "k"),
      ], at: start)
    let first = try #require(outcomes[0].granted)
    #expect(first.items.map(\.payload) == ["0"])
    #expect(outcomes[1] == .unknownPool)
    #expect(outcomes[2] == .repeated(first))
    #expect(outcomes[3] == .keyReused)
    #expect(outcomes[4] == .outOfStock)
    #expect(outcomes[5] == .userLimit(2))
    #expect(outcomes[6].payloads == ["1"])
    #expect(outcomes[7] == .outOfStock)
    #expect(outcomes.count == 8)
    #expect(try fixture.store.claim([], at: start).isEmpty)
  }

  @Test(arguments: StoreKind.all)
  func aFullBatchGivesEachItemOnce(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p")
    try fixture.put(items(0..<1000))
    let requests = (0..<Limits.claimBatch).map { ClaimRequest(pool: "p", user: "u\($0)") }
    let outcomes = try fixture.store.claim(requests, at: start)
    #expect(outcomes.count == Limits.claimBatch)
    #expect(outcomes.compactMap(\.payloads) == (0..<1000).map { ["\($0)"] })
    #expect(outcomes.suffix(24).allSatisfy { $0 == .outOfStock })
    #expect(try fixture.status().stock.claimed == 1000)
    try fixture.crash()
    let again = try fixture.store.claim(requests, at: start)
    #expect(again.compactMap(\.repeated) == outcomes.compactMap(\.granted))
  }
}
