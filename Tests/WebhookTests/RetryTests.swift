import Larder
import Testing

@Suite struct RetryTests {
  private struct Counted: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state ^ state >> 33
    }
  }

  @Test func theCeilingDoublesFromASecondToAnHour() {
    let seconds = (1...14).map { WebhookRetry.ceiling(after: $0).components.seconds }
    #expect(seconds == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600, 3600])
    #expect(WebhookRetry.ceiling(after: .max) == .seconds(3600))
  }

  @Test func waitsSpreadFromNothingToTheCeiling() {
    for failures in [1, 5, 40] {
      var random = Counted(state: 7)
      let ceiling = WebhookRetry.ceiling(after: failures)
      let waits = (0..<2000).map { _ in WebhookRetry.wait(after: failures, using: &random) }
      #expect(waits.allSatisfy { .zero <= $0 && $0 <= ceiling })
      #expect(waits.contains { $0 < ceiling / 20 } && waits.contains { $0 > ceiling * 19 / 20 })
    }
  }

  @Test func theSameRandomnessGivesTheSameWait() {
    var one = Counted(state: 3)
    var other = Counted(state: 3)
    #expect(
      WebhookRetry.wait(after: 9, using: &one) == WebhookRetry.wait(after: 9, using: &other))
  }
}
