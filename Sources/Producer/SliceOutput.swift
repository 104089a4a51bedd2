import Larder

/// How a slice ended. No text of it ever holds anything that the producer printed, save the
/// names of JSON members.
package enum SliceEnd: Sendable, Hashable {
  /// The producer ended by itself, with this exit status.
  case exited(Int32)
  /// A signal that Larder didn't send ended the producer.
  case signalled(Int32)
  /// The slice took longer than the pool allows, and was ended.
  case timedOut
  /// `cancel()` was called before the slice was done.
  case cancelled
  /// A line that is no item and no cursor, counted from 1; the producer was ended.
  case brokenLine(number: Int, why: String)
  /// The producer printed more than `Limits.sliceBytes`, and was ended.
  case tooMuchOutput
  /// The program was never run; the text says why, and what to do about it.
  case couldNotStart(String)

  /// How a producer asks to be tried again later: EX_TEMPFAIL of sysexits.h.
  package static let later = SliceEnd.exited(75)
}

/// What a slice gave.
package struct SliceOutput: Sendable {
  /// What was printed, at most as many as were asked for; empty unless the slice is good,
  /// since nothing of a slice that failed is kept.
  package var items: [NewItem] = []
  /// The last cursor printed, nil if there was none or the slice isn't good.
  package var cursor: String?
  /// Items printed, at most as many as were asked for, also by a slice that isn't good.
  package var printed = 0
  /// Items printed beyond those asked for, which were dropped unread.
  package var overfill = 0
  /// The last `Limits.runLogBytes` of standard error.
  package var log: [UInt8] = []
  package var end: SliceEnd

  package init(end: SliceEnd) {
    self.end = end
  }

  /// Whether its items and cursor count.
  package var isGood: Bool { end == .exited(0) }
}
