import Sizing

/// Bins of demand as times.
extension Instant {
  /// The beginning of a bin.
  package init(bin: Int) {
    self.init(seconds: Int64(bin) * Int64(Grid.binSeconds))
  }

  /// The bin that the time lies in.
  package var bin: Int {
    let (bin, into) = seconds.quotientAndRemainder(dividingBy: Int64(Grid.binSeconds))
    return Int(into < 0 ? bin - 1 : bin)
  }
}
