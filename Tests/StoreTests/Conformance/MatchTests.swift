import Larder
import Testing

@Suite struct MatchTests {
  private func claim(
    _ fixture: any StoreFixture, _ values: [String: AttributeValue], user: String = "u",
    count: Int = 1, at now: Instant = start
  ) throws -> [String]? {
    try fixture.claim(
      ClaimRequest(pool: "p", user: user, count: count, match: Match(values)), at: now
    ).payloads
  }

  @Test(arguments: StoreKind.all)
  func valuesAreEqualWithinTheirTypesAlone(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", unlimited)
    let texts = [
      "1", "1.5", "true", "false", "0", "\"1\"", "\"true\"", "\"\"", "\"\u{E9}\"", "\"e\u{301}\"",
    ]
    for user in [nil, "u"] {
      try fixture.put(
        texts.map { NewItem(payload: $0, attributes: "{\"a\":\($0)}", user: user) })
    }
    let values: [AttributeValue] = [
      .integer(1), .real(1.5), .boolean(true), .boolean(false), .integer(0), .text("1"),
      .text("true"), .text(""), .text("\u{E9}"), .text("e\u{301}"),
    ]
    for (value, text) in zip(values, texts) {
      let got = try #require(try claim(fixture, ["a": value], count: 2))
      #expect(got.map { Array($0.utf8) } == [Array(text.utf8), Array(text.utf8)])
      #expect(try claim(fixture, ["a": value]) == nil)
    }
    try fixture.put([
      NewItem(payload: "1", attributes: #"{"a":1.0e0,"b":"\u00e9\t"}"#),
      NewItem(payload: "2", attributes: "{\"a\":2}"), NewItem(payload: "3"),
    ])
    #expect(try claim(fixture, ["a": .integer(1), "b": .text("\u{E9}\t")]) == ["1"])
    #expect(try claim(fixture, ["a": .integer(2), "b": .text("x")]) == nil)
    #expect(try claim(fixture, [:], count: 2) == ["2", "3"])
  }

  @Test(arguments: StoreKind.all)
  func matchingItemsComeInTheOrderOfTheShelf(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", unlimited)
    try fixture.put(
      (0..<60).map {
        NewItem(
          payload: "\($0)", attributes: #"{"zone":"\#($0 % 3)","row":\#($0 % 2)}"#,
          expiresAt: start + .seconds(100 - Int64($0)), user: $0 == 6 ? "u" : nil)
      })
    #expect(
      try claim(fixture, ["zone": .text("0"), "row": .integer(0)], count: 3) == ["6", "48", "54"])
    let later = start + .seconds(60)
    #expect(try claim(fixture, ["zone": .text("2")], count: 2, at: later) == ["35", "38"])
    #expect(try fixture.store.expire(pool: "p", at: later, limit: 5) == 5)
    #expect(try claim(fixture, ["zone": .text("1")], user: "v", at: later) == ["37"])
    try fixture.adopt("p", "claims: {per_user: 0, order: fifo}")
    #expect(try claim(fixture, ["zone": .text("1")], user: "v", at: later) == ["1"])
    try fixture.crash()
    #expect(try claim(fixture, ["row": .integer(1)], user: "v", at: later) == ["3"])
  }

  @Test(arguments: StoreKind.all)
  func staleMatchesComeLast(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", revised("r1"))
    let item = NewItem(payload: "1", attributes: #"{"a":true}"#)
    _ = try fixture.make("a", [item], revision: "r1")
    try fixture.adopt("p", revised("r2"))
    try fixture.markStale()
    var second = item
    second.payload = "2"
    try fixture.put([second])
    #expect(try claim(fixture, ["a": .boolean(true)], count: 2) == ["1", "2"])
    #expect(try fixture.stale() == 0)
  }

  @Test(arguments: StoreKind.all)
  func restockedItemsAreFoundByTheirAttributesAgain(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", living("hold=60 restock"))
    try fixture.put([NewItem(payload: "1", attributes: #"{"a":1}"#)])
    let held = try fixture.hold("u", 10)
    #expect(try claim(fixture, ["a": .integer(1)]) == nil)
    _ = try fixture.change(held, .release)
    #expect(try claim(fixture, ["a": .integer(1)]) == ["1"])
  }
}
