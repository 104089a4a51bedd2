import Larder
import Testing

/// `duplicates: replace`.
@Suite struct RenewalTests {
  private func renewed(max: Int = 100, claims: String = "per_user: 0") -> String {
    "stock: {target: 1, max: \(max)\(renewing)}\nclaims: {\(claims)}"
  }

  private func item(
    _ payload: String, _ key: String? = "k", lasting seconds: Int64? = nil, for user: String? = nil
  ) -> NewItem {
    NewItem(
      payload: payload, key: key, expiresAt: seconds.map { start + .seconds($0) }, user: user)
  }

  @Test(arguments: StoreKind.all)
  func anItemTakesThePlaceOfTheAvailableOneOfItsKey(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", renewed())
    try fixture.put([item("old"), item("other", "o")])
    #expect(try fixture.put([item("new")]) == PutResult(stored: 1))
    #expect(try fixture.countedItems("p") == [.available: 2, .replaced: 1])
    let stock = try fixture.status().stock
    #expect(stock.available == 2 && stock.replaced == 1 && stock.produced == 3)
    #expect(try fixture.store.takeChanges()["p"]?.replaced == 1)
    #expect(try fixture.reader.item("k", in: "p", at: start)?.state == .available)
    // It is no waste, and stands where it came in.
    #expect(try fixture.status().demand.lastDay.wasted == 0)
    #expect(try fixture.drain() == ["other", "new"])
  }

  @Test(arguments: StoreKind.all)
  func theLastOfOneBatchStays(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", renewed(max: 1))
    #expect(
      try fixture.put([item("1"), item("2"), item("x", "x"), item("3")])
        == PutResult(stored: 3, overfill: 1))
    #expect(try fixture.countedItems("p") == [.available: 1, .replaced: 2])
    #expect(try fixture.drain() == ["3"])
  }

  @Test(arguments: StoreKind.all)
  func aRenewalTakesNoRoom(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", "producer: {command: [make-items]}\n" + renewed(max: 3))
    try fixture.put([item("a", "a"), item("b", "b"), item("c", "c")])
    #expect(
      try fixture.put([item("A", "a"), item("d", "d"), item("C", "c")])
        == PutResult(stored: 2, overfill: 1))
    // A pool that holds more than a new max allows renews as well.
    try fixture.adopt("p", "producer: {command: [make-items]}\n" + renewed(max: 1))
    #expect(
      try fixture.make("r", [item("e", "e"), item("B", "b")], revision: "")
        == PutResult(stored: 1, overfill: 1))
    #expect(try fixture.countedItems("p") == [.available: 3, .replaced: 3])
    #expect(try fixture.shownRun("r").slices.first?.isShort == false)
    #expect(try fixture.drain() == ["A", "C", "B"])
  }

  @Test(arguments: StoreKind.all)
  func whatAUserGotIsNotReplaced(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", renewed())
    try fixture.put([item("old")])
    let claim = try #require(try fixture.claim("u", key: "c").granted)
    #expect(try fixture.put([item("new")]) == PutResult(stored: 0, duplicates: 1))
    #expect(try fixture.claim("u", key: "c").repeated == claim)
    #expect(try fixture.countedItems("p") == [.claimed: 1])
  }

  @Test(arguments: StoreKind.all, [false, true])
  func anExpiredItemGivesItsKeyUp(_ kind: StoreKind, _ swept: Bool) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", renewed(max: 1, claims: "per_user: 0, min_remaining: 10s"))
    try fixture.put([item("old", lasting: 15)])
    let later = start + .seconds(5)
    if swept { #expect(try fixture.store.expire(pool: "p", at: later, limit: 9) == 1) }
    #expect(try fixture.put([item("new", lasting: 60)], at: later) == PutResult(stored: 1))
    #expect(try fixture.countedItems("p") == [.available: 1, .expired: 1])
    #expect(try fixture.status(at: later).stock.available == 1)
    #expect(try fixture.status(at: later).stock.expired == 1)
    #expect(try fixture.status(at: later).demand.lastDay.wasted == 1)
    #expect(try fixture.reader.item("k", in: "p", at: later)?.state == .available)
    #expect(try fixture.store.expire(pool: "p", at: later, limit: 9) == 0)
    #expect(try fixture.put([item("newer", lasting: 60)], at: later) == PutResult(stored: 1))
    #expect(try fixture.countedItems("p") == [.available: 1, .expired: 1, .replaced: 1])
    #expect(try fixture.drain(at: later) == ["newer"])
  }

  @Test(arguments: StoreKind.all)
  func anExpiredItemKeepsItsKeyWhereTheNextHasNoRoom(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", renewed(max: 1))
    try fixture.put([item("old", lasting: 5)])
    let later = start + .seconds(5)
    #expect(
      try fixture.put([item("x", "x"), item("new")], at: later)
        == PutResult(stored: 1, overfill: 1))
    #expect(try fixture.reader.item("k", in: "p", at: later)?.state == .expired)
    #expect(try fixture.status(at: later).demand.lastDay.wasted == 1)
  }

  @Test(arguments: StoreKind.all)
  func whatComesExpiredReplacesNothing(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", renewed())
    try fixture.put([item("good"), item("gone", "g", lasting: 1)])
    let later = start + .seconds(1)
    let late = [
      item("late", lasting: 0), item("late", "g", lasting: 0), item("x", "x", lasting: 0),
    ]
    #expect(
      try fixture.put(late, at: later) == PutResult(stored: 1, expired: 1, duplicates: 2))
    #expect(try fixture.drain(at: later) == ["good"])
  }

  @Test(arguments: StoreKind.all)
  func theNewItemSaysWhomItIsFor(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", renewed())
    try fixture.put([item("1", "a", for: "u"), item("2", "b"), item("3", "c", for: "u")])
    let renewals = [item("4", "a", for: "v"), item("5", "b", for: "v"), item("6", "c")]
    #expect(try fixture.put(renewals) == PutResult(stored: 3))
    #expect(try fixture.drain("u") == ["6"])
    #expect(try fixture.drain("v") == ["4", "5"])
  }

  @Test(arguments: StoreKind.all)
  func aRenewalSurvivesACrash(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", renewed())
    try fixture.put([item("1", lasting: 5)])
    try fixture.put([item("2", lasting: 9)], at: start + .seconds(5))
    try fixture.put([item("3", lasting: 9)], at: start + .seconds(6))
    try fixture.crash()
    #expect(try fixture.countedItems("p") == [.available: 1, .expired: 1, .replaced: 1])
    #expect(try fixture.claim("u", at: start + .seconds(8)).payloads == ["3"])
  }
}
