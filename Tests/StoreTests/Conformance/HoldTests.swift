import Larder
import Testing

@Suite struct HoldTests {
  @Test(arguments: StoreKind.all)
  func aHoldIsCutToThePoolsAndConfirmedForGood(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", living("hold=60"))
    try fixture.put(items(0..<3))
    let short = try fixture.hold("u", 10)
    #expect(short.holdExpiresAt == start + .seconds(10))
    #expect(short.items.map(\.payload) == ["0"])
    #expect(try fixture.hold("v", 600).holdExpiresAt == start + .seconds(60))
    #expect(try fixture.countedItems("p") == [.available: 1, .held: 2])
    let later = start + .seconds(9)
    let confirmed = try #require(try fixture.change(short, .confirm, at: later).changed)
    #expect(confirmed.state == .claimed)
    #expect(confirmed.holdExpiresAt == nil)
    #expect(confirmed.claimedAt == start)
    #expect(confirmed.items == short.items)
    try fixture.crash()
    #expect(try fixture.change(short, .confirm, at: start + .seconds(99)).changed == confirmed)
    #expect(try fixture.shown(short, at: start + .seconds(99)) == confirmed)
    #expect(try fixture.change(short, .release) == .wrongState(.claimed))
    #expect(try fixture.change(short, .cancel) == .wrongState(.claimed))
    #expect(try fixture.countedItems("p") == [.available: 1, .held: 1, .claimed: 1])
  }

  @Test(arguments: StoreKind.all)
  func aPoolWithoutHoldsRefusesThemButAnswersKnownKeys(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", living("hold=60"))
    try fixture.put(items(0..<3))
    let held = try fixture.hold("u", 10, key: "k")
    try fixture.adopt("p", living("hold=0", claims: "per_user: 1"))
    let request = ClaimRequest(pool: "p", user: "u", key: "k", hold: .seconds(10))
    #expect(try fixture.claim(request).repeated == held)
    #expect(
      try fixture.claim(ClaimRequest(pool: "p", user: "u", key: "l", hold: .seconds(1)))
        == .noHolds)
    #expect(try fixture.claim("v").granted?.state == .claimed)
    #expect(try fixture.change(held, .confirm).changed != nil)
  }

  @Test(arguments: StoreKind.all)
  func whatIsGivenBackIsQuarantinedOrRestocked(_ kind: StoreKind) throws {
    for (words, state) in [("hold=60", ItemState.quarantined), ("hold=60 restock", .available)] {
      let fixture = try kind.open()
      try fixture.adopt("p", living(words))
      try fixture.put(items(0..<2))
      let held = try fixture.hold("u", 10, key: "k", count: 2)
      let released = try #require(try fixture.change(held, .release).changed)
      #expect(released.state == .released)
      #expect(released.items.isEmpty)
      #expect(try fixture.countedItems("p") == [state: 2])
      #expect(try fixture.status().stock[state] == 2)
      #expect(try fixture.change(held, .release).changed == released)
      #expect(try fixture.change(held, .confirm) == .wrongState(.released))
      let again = ClaimRequest(pool: "p", user: "u", key: "k", count: 2, hold: .seconds(10))
      #expect(try fixture.claim(again).repeated == released)
      #expect(try fixture.claim("u", key: "k", count: 2) == .keyReused)
      #expect(try fixture.shown(held) == released)
      #expect(try fixture.drain() == (state == .available ? ["0", "1"] : []))
    }
  }

  @Test(arguments: StoreKind.all)
  func aHoldPastItsTimeReadsAsLapsedAndIsLapsed(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", living("hold=60 restock", claims: "per_user: 2"))
    try fixture.put(items(0..<3))
    let held = try fixture.hold("u", 10, key: "k", count: 2)
    let end = start + .seconds(10)
    #expect(try fixture.shown(held, at: end - .milliseconds(1)).state == .held)
    let shown = try fixture.shown(held, at: end)
    #expect(shown.state == .lapsed)
    #expect(shown.items.isEmpty)
    #expect(shown.holdExpiresAt == end)
    let again = ClaimRequest(pool: "p", user: "u", key: "k", count: 2, hold: .seconds(10))
    #expect(try fixture.claim(again, at: end).repeated == shown)
    // The limit goes by the clock too.
    #expect(try fixture.claim("u", key: "l", at: end).granted != nil)
    #expect(try fixture.status().stock.nextLapse == end)
    #expect(try fixture.change(held, .confirm, at: end) == .wrongState(.lapsed))
    #expect(try fixture.countedItems("p") == [.available: 2, .claimed: 1])
    #expect(try fixture.status().stock.nextLapse == nil)
    #expect(try fixture.shown(held, at: end) == shown)
  }

  @Test(arguments: StoreKind.all)
  func lapsingIsBoundedAndGoesByTime(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", living("hold=60 backorder=5"))
    try fixture.put(items(0..<5))
    let holds = try (0..<5).map { try fixture.hold("u\($0)", Int64(20 - $0)) }
    let waiting = try fixture.order("w")
    _ = try fixture.store.takeChanges()
    #expect(try fixture.status().stock.nextLapse == start + .seconds(5))
    #expect(try fixture.store.lapse(pool: "p", at: start + .seconds(15), limit: 9) == 1)
    #expect(try fixture.shown(waiting).state == .timedOut)
    #expect(try fixture.store.takeChanges()["p"]?.nextLapse == start + .seconds(16))
    #expect(try fixture.store.lapse(pool: "p", at: start + .seconds(18), limit: 2) == 2)
    #expect(try fixture.store.lapse(pool: "p", at: start + .seconds(18), limit: 2) == 1)
    #expect(try fixture.store.lapse(pool: "p", at: start + .seconds(18), limit: 2) == 0)
    #expect(
      try holds.map { try fixture.shown($0).state } == [.held, .held, .lapsed, .lapsed, .lapsed])
    #expect(try fixture.countedItems("p") == [.held: 2, .quarantined: 3])
  }

  @Test(arguments: StoreKind.all)
  func heldItemsThatWouldBeRestockedKeepTheirRoom(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", living("hold=60 restock", max: 4))
    try fixture.put(items(0..<4))
    let held = try fixture.hold("u", 10, count: 3)
    #expect(try fixture.put(items(4..<6)) == PutResult(stored: 0, overfill: 2))
    // A definition that leaves less room comes between.
    try fixture.adopt("p", living("hold=60 restock", max: 3))
    #expect(try fixture.change(held, .release).changed != nil)
    #expect(try fixture.countedItems("p") == [.available: 3, .quarantined: 1])
    try fixture.adopt("q", living("hold=60", max: 2))
    try fixture.put(items(0..<2), in: "q")
    let request = ClaimRequest(pool: "q", user: "u", hold: .seconds(1))
    #expect(try fixture.claim(request).granted != nil)
    #expect(try fixture.put(items(4..<6), in: "q") == PutResult(stored: 1, overfill: 1))
  }

  @Test(arguments: StoreKind.all)
  func restockedItemsStandWhereTheyBelongOrExpire(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", living("hold=60 restock", claims: "per_user: 0, order: fifo"))
    let soon = NewItem(payload: "\"soon\"", expiresAt: start + .seconds(5))
    let late = NewItem(payload: "\"late\"", expiresAt: start + .seconds(90))
    try fixture.put([late, soon, NewItem(payload: "\"last\"", expiresAt: start + .seconds(80))])
    let held = try fixture.hold("u", 10, count: 2)
    try fixture.adopt("p", living("hold=60 restock", claims: "per_user: 0, order: fefo"))
    #expect(try fixture.change(held, .release, at: start + .seconds(6)).changed != nil)
    #expect(try fixture.countedItems("p") == [.available: 2, .expired: 1])
    #expect(try fixture.status(at: start + .seconds(6)).demand.lastDay.wasted == 1)
    #expect(try fixture.drain(at: start + .seconds(6)) == ["\"last\"", "\"late\""])
  }

  @Test(arguments: StoreKind.all)
  func commandsOnUnknownClaimsAreRefused(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", living("hold=60"))
    let orders = ClaimCommand.allCases.map { ClaimOrder.change("nothing", $0) }
    #expect(
      try fixture.store.decide(orders, at: start) == [.unknownClaim, .unknownClaim, .unknownClaim])
  }
}
