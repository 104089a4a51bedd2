import Larder
import Testing

@testable import SQLiteStore

@Suite struct LimitTests {
  private let fixture: SQLiteFixture

  init() throws { fixture = try SQLiteFixture() }

  private func put(_ count: Int, bytes: Int) throws {
    let payload = "\"\(String(repeating: "x", count: bytes - 2))\""
    for _ in 0..<count { try fixture.put([NewItem(payload: payload)]) }
  }

  private func requests(_ count: Int) -> [ClaimRequest] {
    (0..<count).map { ClaimRequest(pool: "p", user: "u-\($0)", key: "k") }
  }

  /// So many payloads of a mebibyte are just what one transaction hands out.
  private static let most = Limits.claimBatchBytes >> 20

  @Test(arguments: [(-1, 1), (0, 0), (1, 0)])
  func aTransactionHandsOutSoManyBytes(bytesMore: Int, claimsMore: Int) throws {
    try fixture.adopt("p")
    try put(Self.most + 3, bytes: (1 << 20) + bytesMore)
    let asked = requests(Self.most + 3)
    let outcomes = try fixture.store.claim(asked, at: start)
    #expect(outcomes.count == Self.most + claimsMore)
    #expect(outcomes.allSatisfy { $0.granted != nil })
    // The others were not looked at, and get theirs when they are.
    let rest = Array(asked.dropFirst(outcomes.count))
    #expect(try fixture.status().stock.available == rest.count)
    #expect(try fixture.store.claim(rest, at: start).allSatisfy { $0.granted != nil })
    // Repeats hand out as much.
    #expect(try fixture.store.claim(asked, at: start).count == outcomes.count)
  }

  @Test func aClaimThatAloneIsMoreIsGrantedByItself() throws {
    try fixture.adopt("p", unlimited)
    try put(Self.most + 2, bytes: 1 << 20)
    let large = ClaimRequest(pool: "p", user: "u", count: Self.most + 1)
    let outcomes = try fixture.store.claim(
      [large, ClaimRequest(pool: "p", user: "v")], at: start)
    #expect(outcomes.map { $0.granted?.items.count } == [Self.most + 1])
  }

  @Test func aPoolHasSoManyBackorders() throws {
    try fixture.adopt("p", living("backorder=3600"))
    try fixture.adopt("q", living("backorder=3600"))
    let before = Limits.backordersPerPool - 2
    try fixture.sqlite.connection.run(
      """
      INSERT INTO settled_claims (id, pool, principal, user, fingerprint, state, count, claimed_at, match,
        match_head, min_remaining_ms, timeout_at)
      WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
      SELECT 'c-' || n, 'p', 'local', 'w-' || n, '', 'pending', 1, ?, '', '', 0, ? FROM numbers
      """, [.integer(before), .instant(start), .instant(start + .seconds(3600))])
    try fixture.sqlite.connection.run(
      "UPDATE settled_stock SET pending = ? WHERE pool = 'p'", [.integer(before)])
    try fixture.reopen()
    for user in ["under", "at"] { #expect(try fixture.order(user).state == .pending) }
    let over = ClaimRequest(pool: "p", user: "over", onMiss: .backorder)
    #expect(try fixture.claim(over) == .outOfStock)
    let elsewhere = ClaimRequest(pool: "q", user: "over", onMiss: .backorder)
    #expect(try fixture.claim(elsewhere).accepted != nil, "another pool has its own")
    // One that is cancelled gives its place away.
    let claims = try fixture.reader.claims(
      user: "at", pool: "p", state: .pending, before: nil, limit: 1, at: start)
    let last = try #require(claims.rows.first)
    #expect(try fixture.change(last, .cancel) != .unknownClaim)
    #expect(try fixture.claim(over).accepted != nil)
  }
}
