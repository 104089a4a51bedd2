import Testing

@testable import Engine

@Suite struct WorkTurnsTests {
  @Test func otherWorkHasAThirdOfTheTimeWhileClaimsWait() {
    var turns = WorkTurns()
    let start = ContinuousClock.now
    #expect(turns.isDue(start))
    turns.note(start..<start + .milliseconds(20))
    #expect(!turns.isDue(start + .milliseconds(59)))
    #expect(turns.isDue(start + .milliseconds(60)))
    // A small piece of work is soon followed by the next.
    turns.note(start + .milliseconds(60)..<start + .milliseconds(61))
    #expect(turns.isDue(start + .milliseconds(63)))
  }
}
