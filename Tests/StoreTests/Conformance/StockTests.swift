import Larder
import Testing

@Suite struct StockTests {
  @Test(arguments: StoreKind.all)
  func aKeyIsStoredOnceInAPool(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", unlimited)
    let item = NewItem(payload: "1", key: "k")
    #expect(
      try fixture.put([item, NewItem(payload: "2", key: "k"), NewItem(payload: "3")])
        == PutResult(stored: 2, duplicates: 1))
    #expect(try fixture.put([item]) == PutResult(stored: 0, duplicates: 1))
    #expect(try fixture.claim("u").payloads == ["1"])
    // Also after it was issued, and after a crash.
    #expect(try fixture.put([item]) == PutResult(stored: 0, duplicates: 1))
    try fixture.crash()
    #expect(try fixture.put([item]) == PutResult(stored: 0, duplicates: 1))
    // Keys are compared by their bytes.
    let letters = ["K", "\u{E9}", "e\u{301}", "k "].map { NewItem(payload: "0", key: $0) }
    #expect(try fixture.put(letters) == PutResult(stored: 4))
    #expect(try fixture.countedItems("p") == [.available: 5, .claimed: 1])
  }

  @Test(arguments: StoreKind.all)
  func anExpiredItemsKeyStaysTaken(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", unlimited)
    let item = NewItem(payload: "1", key: "k", expiresAt: start + .seconds(1))
    try fixture.put([item])
    let later = start + .seconds(2)
    #expect(try fixture.put([item], at: later) == PutResult(stored: 0, duplicates: 1))
    #expect(try fixture.store.expire(pool: "p", at: later, limit: 9) == 1)
    #expect(try fixture.put([item], at: later) == PutResult(stored: 0, duplicates: 1))
  }

  @Test(arguments: StoreKind.all)
  func noMoreIsStoredThanMaxAllows(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", produced(max: 10, unlimited))
    try fixture.startRun("r", asked: 4)
    #expect(try fixture.put(items(0..<20)) == PutResult(stored: 6, overfill: 14))
    #expect(try fixture.put(items(20..<21)) == PutResult(stored: 0, overfill: 1))
    #expect(try fixture.commit("r", items(30..<34)) == PutResult(stored: 4))
    #expect(try fixture.put(items(21..<22)) == PutResult(stored: 0, overfill: 1))
    #expect(try fixture.claim("u").granted != nil)
    #expect(try fixture.put(items(22..<24)) == PutResult(stored: 1, overfill: 1))
    #expect(try fixture.status().stock.available == 10)
  }

  @Test(arguments: StoreKind.all)
  func anOverfullPoolTellsDuplicatesApart(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", "stock: {max: 1}")
    try fixture.put([NewItem(payload: "0", key: "a")])
    let offered = [NewItem(payload: "0", key: "a"), NewItem(payload: "1", key: "b")]
    #expect(try fixture.put(offered) == PutResult(stored: 0, duplicates: 1, overfill: 1))
    // What found no room was not stored, so its key is free.
    #expect(try fixture.claim("u").granted != nil)
    #expect(try fixture.put(offered) == PutResult(stored: 1, duplicates: 1))
  }

  @Test(arguments: StoreKind.all)
  func aSliceOfAnotherRunKeepsItsRoom(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", produced(max: 10, unlimited))
    try fixture.startRun("a", asked: 4)
    try fixture.startRun("b", asked: 4)
    #expect(try fixture.put(items(0..<5)) == PutResult(stored: 2, overfill: 3))
    #expect(try fixture.commit("a", items(10..<16)) == PutResult(stored: 4, overfill: 2))
    #expect(try fixture.put(items(5..<6)) == PutResult(stored: 0, overfill: 1))
    // Once given up, a slice takes no room any more.
    #expect(
      try fixture.store.record([.end(run: "b", state: .failed, why: nil)], at: start) == [true])
    #expect(try fixture.put(items(5..<11)) == PutResult(stored: 4, overfill: 2))
  }

  @Test(arguments: StoreKind.all)
  func expiredItemsTakeNoRoomWhetherSweptOrNot(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", "stock: {max: 3}\nclaims: {per_user: 0, min_remaining: 10s}")
    try fixture.put(items(0..<3, expiresAt: start + .seconds(20)))
    let before = start + .milliseconds(9_999)
    #expect(try fixture.put(items(3..<4), at: before) == PutResult(stored: 0, overfill: 1))
    let later = start + .seconds(10)
    #expect(try fixture.put(items(3..<7), at: later) == PutResult(stored: 3, overfill: 1))
    #expect(try fixture.status(at: later).stock.available == 3)
    #expect(try fixture.status(at: later).stock.expired == 3)
    #expect(try fixture.store.expire(pool: "p", at: later, limit: 9) == 3)
    #expect(try fixture.put(items(7..<8), at: later) == PutResult(stored: 0, overfill: 1))
  }

  @Test(arguments: StoreKind.all)
  func expiredItemsMakeRoomAlsoWhereTheMaxWasLowered(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", "stock: {max: 30}\nclaims: {per_user: 0}")
    try fixture.put(items(0..<20, expiresAt: start + .seconds(1)) + items(20..<23))
    try fixture.adopt("p", "stock: {max: 5}\nclaims: {per_user: 0}")
    #expect(try fixture.put(items(30..<33)) == PutResult(stored: 0, overfill: 3))
    let later = start + .seconds(1)
    #expect(try fixture.put(items(30..<33), at: later) == PutResult(stored: 2, overfill: 1))
    #expect(try fixture.status(at: later).stock.available == 5)
    #expect(try fixture.store.expire(pool: "p", at: later, limit: 99) == 20)
    #expect(try fixture.put(items(33..<34), at: later) == PutResult(stored: 0, overfill: 1))
  }

  @Test(arguments: StoreKind.all)
  func whatArrivesExpiredIsStoredAsExpired(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", "stock: {max: 1}\nclaims: {per_user: 0, min_remaining: 10s}")
    let offered = [
      NewItem(payload: "0", key: "late", expiresAt: start + .seconds(10)),
      NewItem(payload: "1", expiresAt: start - .seconds(9)),
      NewItem(payload: "2", expiresAt: start + .milliseconds(10_001)),
    ]
    #expect(try fixture.put(offered) == PutResult(stored: 3, expired: 2))
    #expect(try fixture.countedItems("p") == [.expired: 2, .available: 1])
    #expect(try fixture.status().stock.expired == 2)
    #expect(try fixture.reader.item("late", in: "p", at: start)?.state == .expired)
    #expect(try fixture.claim("u").payloads == ["2"])
    #expect(try fixture.claim("u") == .outOfStock)
  }

  @Test(arguments: StoreKind.all)
  func expiryGoesInBoundedStepsEarliestFirst(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", unlimited)
    try fixture.adopt("q", unlimited)
    try fixture.put(
      (0..<25).map {
        NewItem(
          payload: "\($0)", key: "\($0)", expiresAt: start + .seconds(100 - ($0 * 7) % 25),
          user: $0 % 2 == 0 ? nil : "u")
      })
    try fixture.put(items(0..<5))
    try fixture.put(items(0..<5, expiresAt: start + .seconds(1)), in: "q")
    let now = start + .seconds(97)
    #expect(try fixture.store.expire(pool: "p", at: now, limit: 10) == 10)
    #expect(try fixture.countedItems("p") == [.expired: 10, .available: 20])
    #expect(try fixture.store.pools().first?.stock.nextExpiry == start + .seconds(86))
    #expect(try fixture.store.expire(pool: "p", at: now, limit: 10) == 10)
    #expect(try fixture.store.expire(pool: "p", at: now, limit: 10) == 2)
    #expect(try fixture.store.expire(pool: "p", at: now, limit: 10) == 0)
    #expect(try fixture.countedItems("p") == [.expired: 22, .available: 8])
    let stock = try #require(try fixture.store.takeChanges()["p"])
    #expect(stock.expired == 22)
    #expect(stock.available == 8)
    #expect(stock.nextExpiry == start + .seconds(98))
    #expect(try fixture.countedItems("q") == [.available: 5])
    #expect(try fixture.reader.item("24", in: "p", at: start)?.state == .expired)
    #expect(try fixture.reader.item("0", in: "p", at: start)?.state == .available)
  }

  @Test(arguments: StoreKind.all)
  func onlyPoolsWithADefinitionTakeItems(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    #expect(throws: StoreError.unknownPool("p")) { try fixture.put(items(0..<1)) }
    #expect(throws: StoreError.unknownPool("p")) {
      try fixture.store.expire(pool: "p", at: start, limit: 1)
    }
    try fixture.adopt()
    #expect(try fixture.countedItems("p").isEmpty)
    #expect(try fixture.put([]) == PutResult())
  }

  @Test(arguments: StoreKind.all)
  func changesNameThePoolsWhoseStockChangedSinceTheLastCall(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", produced(max: 100, unlimited))
    try fixture.adopt("q", unlimited)
    #expect(try fixture.store.takeChanges().keys.sorted() == ["p", "q"])
    #expect(try fixture.store.takeChanges().isEmpty)
    try fixture.put(items(0..<3, expiresAt: start + .seconds(9)))
    _ = try fixture.claim("u")
    let changes = try fixture.store.takeChanges()
    #expect(changes.keys.sorted() == ["p"])
    #expect(changes["p"]?.available == 2)
    #expect(changes["p"]?.claimed == 1)
    #expect(changes["p"]?.produced == 3)
    #expect(changes["p"]?.nextExpiry == start + .seconds(9))
    #expect(try fixture.claim("u", count: 50) == .outOfStock)
    #expect(try fixture.store.takeChanges().isEmpty)
    try fixture.startRun("r")
    try fixture.commit("r", items(3..<5))
    #expect(try fixture.store.takeChanges()["p"]?.available == 4)
    #expect(throws: StoreError.fenced) { try fixture.commit("r", items(5..<6)) }
    #expect(try fixture.store.takeChanges().isEmpty)
  }
}
