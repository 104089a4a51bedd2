import Testing

@testable import Engine

@Suite struct WorkTurnsTests {
  private let start = ContinuousClock.now

  @Test func otherWorkHasAThirdOfTheTimeWhileClaimsCome() {
    var turns = WorkTurns()
    #expect(turns.isDue(start))
    turns.noteClaims(start)
    turns.noteWork(start..<start + .milliseconds(20))
    #expect(!turns.isDue(start + .milliseconds(59)))
    #expect(turns.isDue(start + .milliseconds(60)))
    // A small piece of work is soon followed by the next.
    turns.noteClaims(start + .milliseconds(59))
    turns.noteWork(start + .milliseconds(60)..<start + .milliseconds(61))
    #expect(!turns.isDue(start + .milliseconds(62)))
    #expect(turns.isDue(start + .milliseconds(63)))
  }

  @Test func withoutClaimsWorkFollowsOnWork() {
    var turns = WorkTurns()
    turns.noteWork(start..<start + .milliseconds(20))
    #expect(turns.isDue(start + .milliseconds(20)))
    turns.noteClaims(start + .milliseconds(20))
    turns.noteWork(start + .milliseconds(26)..<start + .milliseconds(40))
    #expect(turns.isDue(start + .milliseconds(40)))
  }
}
