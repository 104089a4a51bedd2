import Larder
import Testing

@Suite struct ReaderTests {
  @Test(arguments: StoreKind.all)
  func levelsCountUnsweptItemsAsExpired(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", "claims: {per_user: 0, min_remaining: 10s}")
    try fixture.put(
      (0..<5).map { NewItem(payload: "\($0)", key: "\($0)", expiresAt: start + .seconds(20 + $0)) })
    try fixture.put(items(5..<7))
    _ = try fixture.claim("u")
    func level(_ milliseconds: Int64) throws -> [Int?] {
      let stock = try fixture.status(at: start + .milliseconds(milliseconds)).stock
      let next = stock.nextExpiry.map { Int(($0 - start).inMilliseconds / 1000) }
      return [stock.available, stock.expired, stock.claimed, stock.produced, next]
    }
    #expect(try level(10_999) == [6, 0, 1, 7, 21])
    #expect(try level(11_000) == [5, 1, 1, 7, 22])
    #expect(try level(13_999) == [3, 3, 1, 7, 24])
    #expect(try level(14_000) == [2, 4, 1, 7, nil])
    // Sweeping changes nothing of what is seen.
    #expect(try fixture.store.expire(pool: "p", at: start + .seconds(12), limit: 9) == 2)
    #expect(try level(12_000) == [4, 2, 1, 7, 23])
    #expect(try level(14_000) == [2, 4, 1, 7, nil])
    // The writer's own counts are as swept.
    #expect(try fixture.store.pools().first?.stock.available == 4)
  }

  @Test(arguments: StoreKind.all)
  func poolsAreListedByNameOrAsNamed(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    #expect(try fixture.reader.pools(nil, at: start).isEmpty)
    for pool in ["b", "c", "a"] { try fixture.adopt(pool) }
    #expect(try fixture.reader.pools(nil, at: start).map(\.pool.name) == ["a", "b", "c"])
    #expect(try fixture.reader.pools(["a", "x", "c"], at: start).map(\.pool.name) == ["a", "c"])
    #expect(try fixture.reader.pools([], at: start).isEmpty)
  }

  @Test(arguments: StoreKind.all)
  func theDefinitionInForceIsTheLastOneAdopted(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", "description: first")
    try fixture.adopt("p", "description: second \u{E9}\nstock: {max: 7}")
    for again in [fixture.reopen, fixture.crash] {
      #expect(try fixture.status().pool.description == "second \u{E9}")
      #expect(try fixture.store.pools().map(\.pool.stock.max) == [7])
      try again()
    }
    #expect(try fixture.put(items(0..<8)) == PutResult(stored: 7, overfill: 1))
  }

  @Test(arguments: StoreKind.all)
  func pagesOfClaimsStayRightWhileClaimsCome(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", unlimited)
    try fixture.adopt("q", unlimited)
    try fixture.put(items(0..<50))
    try fixture.put(items(0..<50), in: "q")
    var made: [String] = []
    func make(_ pool: String, _ user: String) throws {
      let outcome = try fixture.claim(ClaimRequest(pool: pool, user: user))
      made.insert(try #require(outcome.granted).id, at: 0)
    }
    for number in 0..<12 { try make(number % 3 == 0 ? "q" : "p", number % 2 == 0 ? "u" : "v") }
    let all = made
    var seen: [String] = []
    var cursor: Int64?
    var pages = 0
    repeat {
      let page = try fixture.reader.claims(user: nil, pool: nil, before: cursor, limit: 5)
      #expect(page.rows.count <= 5)
      seen += page.rows.map(\.id)
      cursor = page.cursor
      pages += 1
      try make("p", "u")
      if pages == 1 { try fixture.reopen() }
    } while cursor != nil
    #expect(seen == all)
    #expect(pages == 3)
    // A page that is just full is the last one.
    let full = try fixture.reader.claims(user: "v", pool: nil, before: nil, limit: 6)
    #expect(full.rows.count == 6)
    #expect(full.cursor == nil)
    #expect(full.rows.allSatisfy { $0.user == "v" && $0.items.count == 1 })
    let both = try fixture.reader.claims(user: "u", pool: "q", before: nil, limit: 9).rows
    #expect(both.map(\.id) == [all[5], all[11]])
    let ofPool = try fixture.reader.claims(user: nil, pool: "q", before: nil, limit: 2)
    #expect(ofPool.rows.map(\.id) == [all[2], all[5]])
    let rest = try fixture.reader.claims(user: nil, pool: "q", before: ofPool.cursor, limit: 2)
    #expect(rest.rows.map(\.id) == [all[8], all[11]])
    #expect(rest.cursor == nil)
    let nobody = try fixture.reader.claims(user: "w", pool: nil, before: nil, limit: 9)
    #expect(nobody.rows.isEmpty && nobody.cursor == nil)
    #expect(try fixture.reader.claim("nothing") == nil)
  }

  @Test(arguments: StoreKind.all)
  func anItemIsFoundByItsKeyInEveryState(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", "claims: {per_user: 0, min_remaining: 10s}")
    try fixture.adopt("q")
    let expiry = start + .seconds(30)
    try fixture.put([NewItem(payload: "1", key: "a/\u{E9}", expiresAt: expiry)])
    func shown(_ now: Instant) throws -> ItemStatus? {
      try fixture.reader.item("a/\u{E9}", in: "p", at: now)
    }
    func status(_ state: ItemState, _ claim: Claim? = nil) -> ItemStatus {
      ItemStatus(
        key: "a/\u{E9}", state: state, claim: claim?.id, user: claim?.user, expiresAt: expiry)
    }
    #expect(try shown(start) == status(.available))
    #expect(try shown(start + .milliseconds(19_999)) == status(.available))
    #expect(try shown(start + .seconds(20)) == status(.expired))
    let claim = try #require(try fixture.claim("u").granted)
    #expect(try shown(start) == status(.claimed, claim))
    // Claimed stays claimed after its expiry.
    #expect(try shown(start + .seconds(99)) == status(.claimed, claim))
    #expect(try fixture.reader.item("a", in: "p", at: start) == nil)
    #expect(try fixture.reader.item("a/e\u{301}", in: "p", at: start) == nil)
    #expect(try fixture.reader.item("a/\u{E9}", in: "q", at: start) == nil)
    #expect(throws: StoreError.unknownPool("x")) {
      try fixture.reader.item("a", in: "x", at: start)
    }
  }

  @Test(arguments: StoreKind.all)
  func runsAreListedNewestFirstWithTheirLastSlices(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", produced())
    for run in ["a", "b", "c"] { try fixture.startRun(run, asked: 1) }
    let slices = Limits.slicesInPage + 5
    for slice in 1...slices {
      let attempt = RunEvent.attempt(run: "b", slice: slice, asked: 1, attempt: 1, recalling: 0)
      #expect(try fixture.store.record([attempt], at: start) == [true])
      try fixture.commit("b", slice: slice, [])
    }
    let page = try fixture.reader.runs(pool: "p", before: nil, limit: 2)
    #expect(page.rows.map(\.id) == ["c", "b"])
    #expect(page.rows[1].slices.map(\.number) == Array(6...slices))
    try fixture.startRun("d")
    let rest = try fixture.reader.runs(pool: "p", before: page.cursor, limit: 2)
    #expect(rest.rows.map(\.id) == ["a"])
    #expect(rest.cursor == nil)
    #expect(try fixture.shownRun("b").slices.map(\.number) == Array(1...slices))
    #expect(try fixture.reader.run("x") == nil)
    #expect(try fixture.reader.runs(pool: "x", before: nil, limit: 2).rows.isEmpty)
  }
}
