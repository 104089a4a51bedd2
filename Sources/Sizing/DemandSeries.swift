/// Demand by bins, one after another.
package struct DemandSeries: Sendable, Equatable {
  /// The first bin.
  package let start: Int
  /// Requests of each bin, those that missed included; nil: unknown.
  package var requests: [Int?]

  package init(start: Int, requests: [Int?]) {
    self.start = start
    self.requests = requests
  }

  /// The bin after the last.
  package var end: Int { start + requests.count }

  /// The requests of a bin; nil where they are unknown.
  package subscript(bin: Int) -> Int? {
    bin >= start && bin < end ? requests[bin - start] : nil
  }

  /// Without what an operator says tells nothing: it is unknown.
  package func excluding(_ bins: Range<Int>) -> DemandSeries {
    var series = self
    for bin in bins.clamped(to: start..<end) { series.requests[bin - start] = nil }
    return series
  }
}
