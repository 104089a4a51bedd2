/// Counts what a host answers, and ends the transfer where it is too much.
final class AnswerSize {
  private let limit: Int
  private var bytes = 0

  init(limit: Int) {
    self.limit = limit
  }

  /// Takes a piece of the header or of the body, and drops it.
  static let take:
    @convention(c) (
      UnsafeMutablePointer<CChar>?, Int, Int, UnsafeMutableRawPointer?
    ) -> Int = { _, size, count, pointer in
      guard let pointer else { return 0 }
      let answer = Unmanaged<AnswerSize>.fromOpaque(pointer).takeUnretainedValue()
      answer.bytes += size * count
      // A count that differs from what was offered ends the transfer.
      return answer.bytes > answer.limit ? 0 : size * count
    }
}
