import Larder
import Testing

@testable import Engine

@Suite struct AloneTurnsTests {
  @Test func afterASlowOneSomeAreLeftToTheWriter() {
    var turns = AloneTurns()
    /// Whether the next so many may.
    func may(_ count: Int) -> [Bool] { (0..<count).map { _ in turns.mayBegin() } }
    #expect(may(2) == [true, true])
    turns.note(Limits.aloneTime)
    #expect(may(1) == [true])
    turns.note(Limits.aloneTime + .milliseconds(1))
    #expect(may(Limits.aloneRest + 1) == Array(repeating: false, count: Limits.aloneRest) + [true])
  }
}
