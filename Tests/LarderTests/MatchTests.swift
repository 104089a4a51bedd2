import Testing

@testable import Larder

@Suite struct MatchTests {
  @Test func numbersAreEqualByTheirValue() {
    #expect(AttributeValue(number: "1") == .integer(1))
    #expect(AttributeValue(number: "1.0") == .integer(1))
    #expect(AttributeValue(number: "10e-1") == .integer(1))
    #expect(AttributeValue(number: "-0.0") == .integer(0))
    #expect(AttributeValue(number: "1.5") == .real(1.5))
    #expect(AttributeValue(number: "9223372036854775807") == .integer(.max))
    #expect(AttributeValue(number: "9223372036854775808") == .real(0x1p63))
    #expect(AttributeValue(number: "1e999") == nil)
  }

  @Test func aMatchHasOneText() {
    let match = Match([
      "b": .text("x\"\u{E9}"), "a": .boolean(false), "d": .real(0.5), "c": .integer(-3),
    ])
    #expect(match.text == #"{"a":false,"b":"x\"é","c":-3,"d":0.5}"#)
    #expect(Match([:]).text == "{}")
  }
}
