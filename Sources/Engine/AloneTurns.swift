import Larder

/// When claims that come alone may be decided on their caller's thread: not while the disk is slow, as
/// the caller has others to serve.
struct AloneTurns {
  /// How many claims are still left to the writer.
  private var rest = 0

  /// Whether the next one may; to be asked for each.
  mutating func mayBegin() -> Bool {
    if rest == 0 { return true }
    rest -= 1
    return false
  }

  /// One took so long.
  mutating func note(_ span: Duration) {
    if span > Limits.aloneTime { rest = Limits.aloneRest }
  }
}
