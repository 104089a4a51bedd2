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

@Suite struct LifeTests {
  @Test func everyStateIsReachedFromTheFirst() {
    var items: Set<ItemState> = [.available]
    for _ in ItemState.allCases { items.formUnion(items.flatMap { Life.ofItems[$0] ?? [] }) }
    #expect(items == Set(ItemState.allCases))
    var claims: Set<ClaimState> = [.pending]
    for _ in ClaimState.allCases { claims.formUnion(claims.flatMap { Life.ofClaims[$0] ?? [] }) }
    #expect(claims == Set(ClaimState.allCases))
  }

  @Test func nothingComesBackFromWhatIsOver() {
    for state in [ItemState.expired, .recalled, .quarantined, .replaced] {
      #expect(ItemState.allCases.allSatisfy { !state.leads(to: $0) })
    }
    #expect(ClaimState.allCases.allSatisfy { !ClaimState.forgotten.leads(to: $0) })
    for command in ClaimCommand.allCases { #expect(command.from.leads(to: command.state)) }
  }
}
