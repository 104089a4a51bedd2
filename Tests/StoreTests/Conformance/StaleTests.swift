import Larder
import Testing

/// `on_revision: replace`.
@Suite struct StaleTests {
  @Test(arguments: StoreKind.all)
  func itemsOfAnotherRevisionAreMarkedAndUnmarked(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", revised("r2"))
    // Of a smaller and a greater revision, of none, and of this one; two are put.
    _ = try fixture.make("a", items(0..<2), revision: "r2")
    try fixture.put(items(10..<12))
    #expect(try fixture.markStale() == 0)
    for (run, revision) in [("b", "r1"), ("c", "r3"), ("d", "")] {
      try fixture.adopt("p", revised(revision.isEmpty ? "\"\"" : revision))
      _ = try fixture.make(run, items(20..<21), revision: revision)
    }
    try fixture.adopt("p", revised("r2"))
    #expect(try fixture.markStale() == 3)
    #expect(try fixture.stale() == 3)
    #expect(try fixture.markStale() == 0)
    try fixture.adopt("p", revised("r3"))
    #expect(try fixture.markStale() == 3)
    #expect(try fixture.stale() == 4)
    // Where stale items are kept, nothing is marked; nor where nothing makes items any more.
    try fixture.adopt("p", revised("r3").replacing(replacingStale, with: ""))
    #expect(try fixture.markStale() == 4)
    #expect(try fixture.stale() == 0)
    #expect(try fixture.markStale() == 0)
    try fixture.adopt("p", revised("r3"))
    #expect(try fixture.markStale() == 4)
    try fixture.adopt("p", unlimited)
    #expect(try fixture.markStale() == 4)
    #expect(try fixture.stale() == 0)
  }

  @Test(arguments: StoreKind.all)
  func marksAreSetInBoundedStepsThatSayWhenTheyAreDone(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", revised("r1"))
    _ = try fixture.make("a", items(0..<4), revision: "r1")
    try fixture.adopt("p", revised("r3"))
    _ = try fixture.make("b", items(4..<7), revision: "r3")
    try fixture.adopt("p", revised("r2"))
    func mark(_ limit: Int) throws -> Int {
      try fixture.store.markStale(in: "p", at: start, limit: limit)
    }
    _ = try fixture.store.takeChanges()
    #expect(try mark(3) == 3)
    #expect(try fixture.stale() == 3)
    #expect(try fixture.store.takeChanges()["p"]?.stale == 3)
    #expect(try mark(3) == 3)
    #expect(try mark(3) == 1)
    try fixture.crash()
    #expect(try mark(3) == 0)
    #expect(try fixture.store.takeChanges().isEmpty)
    #expect(try fixture.stale() == 7)
    #expect(throws: StoreError.unknownPool("q")) {
      try fixture.store.markStale(in: "q", at: start, limit: 1)
    }
  }

  @Test(arguments: StoreKind.all)
  func onlyWhatIsOnTheShelfIsMarked(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", revised("r1"))
    _ = try fixture.make(
      "a", items(0..<2) + items(2..<4, expiresAt: start + .seconds(1)), revision: "r1")
    #expect(try fixture.claim("u").granted != nil)
    #expect(try fixture.store.expire(pool: "p", at: start + .seconds(1), limit: 9) == 1)
    try fixture.adopt("p", revised("r2"))
    #expect(try fixture.markStale() == 2)
    #expect(try fixture.stale() == 2)
  }

  @Test(arguments: StoreKind.all, ClaimPolicy.Order.allCases)
  func staleItemsAreHandedOutLast(_ kind: StoreKind, _ order: ClaimPolicy.Order) throws {
    let fixture = try kind.open()
    let claims = "per_user: 0, order: \(order)"
    try fixture.adopt("p", revised("r1", claims: claims))
    func offer(_ mark: String) -> [NewItem] {
      [("1", 30, nil), ("2", 20, nil), ("3", 5, nil), ("4", 30, "u"), ("5", 20, "u")].map {
        NewItem(payload: mark + $0, expiresAt: start + .seconds($1), user: $2)
      }
    }
    _ = try fixture.make("a", offer("s"), revision: "r1")
    try fixture.adopt("p", revised("r2", claims: claims))
    try fixture.markStale()
    try fixture.put(offer("f"))
    #expect(try fixture.stale() == 5)
    let now = start + .seconds(5)
    let wanted: [String]
    switch order {
    case .fefo: wanted = ["f5", "f4", "s5", "s4", "f2", "f1", "s2", "s1"]
    case .fifo: wanted = ["f4", "f5", "s4", "s5", "f1", "f2", "s1", "s2"]
    }
    #expect(try fixture.drain("u", at: now) == wanted)
    #expect(try fixture.countedItems("p") == [.available: 2, .claimed: 8])
    #expect(try fixture.countedStale("p") == 1)
    #expect(try fixture.store.pools().first?.stock.stale == 1)
    #expect(try fixture.status(at: now).stock.stale == 0)
    #expect(try fixture.store.expire(pool: "p", at: now, limit: 9) == 2)
    #expect(try fixture.stale(at: now) == 0)
  }

  @Test(arguments: StoreKind.all)
  func oneClaimGetsFreshAndStaleItems(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", revised("r1"))
    _ = try fixture.make("a", items(0..<3), revision: "r1")
    try fixture.adopt("p", revised("r2"))
    try fixture.markStale()
    try fixture.put(items(3..<5))
    #expect(try fixture.claim("u", count: 6) == .outOfStock)
    #expect(try fixture.claim("u", count: 4).payloads == ["0", "1", "3", "4"])
    #expect(try fixture.stale() == 1)
    // Marks that were not taken off yet hide nothing where stale items are kept.
    try fixture.adopt("p", produced(unlimited))
    #expect(try fixture.claim("u").payloads == ["2"])
    #expect(try fixture.stale() == 0)
  }

  @Test(arguments: StoreKind.all)
  func aStaleItemIsRecalledForEachNewOne(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", revised("r1"))
    _ = try fixture.make("a", items(0..<4), revision: "r1")
    try fixture.adopt("p", revised("r2"))
    try fixture.markStale()
    #expect(try fixture.make("b", items(4..<7), revision: "r2") == PutResult(stored: 3))
    #expect(try fixture.shownRun("b").slices.map(\.recalled) == [3])
    #expect(try fixture.stale() == 1)
    let stock = try fixture.status().stock
    #expect(stock.available == 4 && stock.recalled == 3 && stock.fresh == 3)
    #expect(stock.produced == 7)
    #expect(try fixture.status().demand.lastDay.wasted == 3)
    #expect(try fixture.make("c", items(7..<10), revision: "r2") == PutResult(stored: 3))
    #expect(try fixture.shownRun("c").slices.map(\.recalled) == [1])
    #expect(try fixture.stale() == 0)
    try fixture.crash()
    #expect(try fixture.countedItems("p") == [.available: 6, .recalled: 4])
    #expect(try fixture.status().runs.isEmpty)
    #expect(try fixture.status().lastRun?.slices.map(\.recalled) == [1])
    #expect(try fixture.drain() == (4..<10).map { "\($0)" })
  }

  @Test(arguments: StoreKind.all)
  func whatBringsNothingFreshRecallsNothing(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", revised("r1"))
    _ = try fixture.make(
      "a", [NewItem(payload: "0", key: "k")] + items(1..<4), revision: "r1")
    try fixture.adopt("p", revised("r2"))
    try fixture.markStale()
    let offered = [
      NewItem(payload: "5", key: "k"), NewItem(payload: "6", expiresAt: start - .seconds(1)),
    ]
    #expect(
      try fixture.make("b", offered, revision: "r2")
        == PutResult(stored: 1, expired: 1, duplicates: 1))
    // Items that are put are of no revision, and come from no slice.
    try fixture.put(items(7..<8))
    // A run that an older producer made brings stale items.
    #expect(try fixture.make("c", items(8..<9), revision: "r1") == PutResult(stored: 1))
    #expect(try fixture.stale() == 5)
    #expect(try fixture.status().stock.recalled == 0)
    for run in ["b", "c"] { #expect(try fixture.shownRun(run).slices.map(\.recalled) == [0]) }
  }

  @Test(arguments: StoreKind.all)
  func itemsOfAnOlderProducerAreBornStaleOnlyWhereThePoolReplacesThem(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", revised("r2").replacing(replacingStale, with: ""))
    _ = try fixture.make("a", items(0..<2), revision: "r1")
    #expect(try fixture.stale() == 0)
    try fixture.adopt("p", revised("r2"))
    #expect(try fixture.markStale() == 2)
    _ = try fixture.make("b", items(2..<3), revision: "r1")
    #expect(try fixture.stale() == 3)
    #expect(try fixture.markStale() == 0)
    // And under `keep` nothing is recalled.
    try fixture.adopt("p", revised("r2").replacing(replacingStale, with: ""))
    _ = try fixture.make("c", items(3..<4), revision: "r2")
    #expect(try fixture.countedItems("p") == [.available: 4])
  }

  @Test(arguments: StoreKind.all, ClaimPolicy.Order.allCases)
  func whatWouldBeHandedOutFirstIsRecalledFirst(
    _ kind: StoreKind, _ order: ClaimPolicy.Order
  ) throws {
    let fixture = try kind.open()
    let claims = "per_user: 0, order: \(order)"
    try fixture.adopt("p", revised("r1", claims: claims))
    let expiries: [Int64] = [60, 1, 40, 50, 30]
    _ = try fixture.make(
      "a",
      expiries.enumerated().map {
        NewItem(
          payload: "\($0)", expiresAt: start + .seconds($1), user: $0 == 2 ? "u" : nil)
      }, revision: "r1")
    try fixture.adopt("p", revised("r2", claims: claims))
    try fixture.markStale()
    // The expired one takes no room, so it makes none.
    let later = start + .seconds(1)
    let fresh = [8, 9].map { NewItem(payload: "\($0)", expiresAt: start + .seconds(99)) }
    #expect(try fixture.make("b", fresh, revision: "r2", at: later) == PutResult(stored: 2))
    let left = order == .fifo ? ["3", "4"] : ["3", "0"]
    #expect(try fixture.drain(at: later) == ["8", "9"] + left)
    #expect(try fixture.countedItems("p") == [.available: 1, .recalled: 2, .claimed: 4])
  }

  @Test(arguments: StoreKind.all)
  func staleItemsMakeRoomBeforeASliceIsAskedFor(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", revised("r1", max: 6))
    _ = try fixture.make("a", items(0..<6), revision: "r1")
    try fixture.adopt("p", revised("r2", max: 6))
    try fixture.markStale()
    try fixture.startRun("b", asked: 4, recalling: 3)
    #expect(try fixture.stale() == 3)
    #expect(try fixture.shownRun("b").slices.map(\.recalled) == [3])
    #expect(try fixture.status().demand.lastDay.wasted == 3)
    // Asked for again, also after a crash, it recalls no more.
    try fixture.crash()
    let again = RunEvent.attempt(run: "b", slice: 1, asked: 4, attempt: 2, recalling: 3)
    #expect(try fixture.store.record([again], at: start) == [true])
    #expect(try fixture.stale() == 3)
    #expect(try fixture.store.pools().first?.runs.first?.slice?.recalled == 3)
    #expect(try fixture.commit("b", items(6..<10), revision: "r2") == PutResult(stored: 4))
    #expect(try fixture.shownRun("b").slices.map(\.recalled) == [4])
    #expect(try fixture.countedItems("p") == [.available: 6, .recalled: 4])
    #expect(try fixture.stale() == 2)
  }

  @Test(arguments: StoreKind.all)
  func noMoreIsRecalledThanIsThere(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", revised("r1", max: 4))
    _ = try fixture.make("a", items(0..<2), revision: "r1")
    try fixture.adopt("p", revised("r2", max: 4))
    try fixture.markStale()
    try fixture.put(items(2..<4))
    try fixture.startRun("b", asked: 4, recalling: 4)
    #expect(try fixture.shownRun("b").slices.map(\.recalled) == [2])
    #expect(
      try fixture.commit("b", items(4..<8), revision: "r2") == PutResult(stored: 2, overfill: 2))
    #expect(try fixture.shownRun("b").slices.map(\.recalled) == [2])
    #expect(try fixture.countedItems("p") == [.available: 4, .recalled: 2])
    // A slice of a run that does not run recalls nothing.
    let stray = RunEvent.attempt(run: "a", slice: 2, asked: 1, attempt: 1, recalling: 1)
    #expect(try fixture.store.record([stray], at: start) == [false])
  }

  @Test(arguments: StoreKind.all)
  func aFullPoolIsRenewedItemByItem(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", revised("r1", max: 3))
    _ = try fixture.make("a", items(0..<3), revision: "r1")
    try fixture.adopt("p", revised("r2", max: 3))
    try fixture.markStale()
    // Nothing was recalled before, so that each new item makes its own room.
    #expect(
      try fixture.make("b", items(3..<8), revision: "r2") == PutResult(stored: 3, overfill: 2))
    #expect(try fixture.countedItems("p") == [.available: 3, .recalled: 3])
    #expect(try fixture.stale() == 0)
  }

  @Test(arguments: StoreKind.all)
  func aRenewedKeyRecallsNothingElse(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    func item(_ payload: String, _ key: String) -> NewItem { NewItem(payload: payload, key: key) }
    try fixture.adopt("p", revised("r1", max: 3, stock: renewing))
    _ = try fixture.make("a", [item("0", "a"), item("1", "b"), item("2", "c")], revision: "r1")
    try fixture.adopt("p", revised("r2", max: 3, stock: renewing))
    try fixture.markStale()
    #expect(
      try fixture.make("b", [item("3", "b"), item("4", "b")], revision: "r2")
        == PutResult(stored: 2))
    #expect(try fixture.countedItems("p") == [.available: 3, .replaced: 2])
    #expect(try fixture.stale() == 2)
    #expect(try fixture.shownRun("b").slices.map(\.recalled) == [0])
    // A new key takes the place of a stale item. That one's own renewal may still come.
    #expect(
      try fixture.make("c", [item("5", "d"), item("6", "a")], revision: "r2")
        == PutResult(stored: 2))
    #expect(try fixture.shownRun("c").slices.map(\.recalled) == [2])
    #expect(try fixture.countedItems("p") == [.available: 3, .replaced: 2, .recalled: 2])
    #expect(try fixture.drain() == ["4", "5", "6"])
    // What a user got stays theirs.
    #expect(
      try fixture.make("d", [item("7", "a")], revision: "r2")
        == PutResult(stored: 0, duplicates: 1))
  }

  @Test(arguments: StoreKind.all)
  func aRunHasOrderedWhatItsSlicesAskFor(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", produced())
    try fixture.startRun("r", asked: 2)
    try fixture.commit("r", items(0..<2))
    let second = RunEvent.attempt(run: "r", slice: 2, asked: 5, attempt: 1, recalling: 0)
    #expect(try fixture.store.record([second], at: start) == [true])
    #expect(try fixture.shownRun("r").asked == 7)
    #expect(try fixture.shownRun("r").outstanding == 5)
    try fixture.commit("r", slice: 2, items(2..<4))
    let third = RunEvent.attempt(run: "r", slice: 3, asked: 5, attempt: 1, recalling: 0)
    #expect(try fixture.store.record([third], at: start) == [true])
    #expect(try fixture.shownRun("r").asked == 12)
  }
}
