import Sizing

/// A pool's demand as a store has it.
package struct DemandRecord: Sendable, Hashable {
  package struct Bin: Sendable, Hashable {
    /// Its beginning.
    package var start: Instant
    package var demand: Demand

    package init(start: Instant, demand: Demand) {
      self.start = start
      self.demand = demand
    }
  }

  /// Bins in which something was asked for, or that were imported. Nothing was asked for in others.
  package var bins: [Bin] = []
  /// But in these, which tell nothing of bins that are not listed.
  package var gaps: [Range<Instant>] = []

  package init() {}

  /// The requests by bin, from the first that is known on.
  package func series(before end: Instant) -> DemandSeries {
    series(from: bins.first?.start.bin ?? end.bin, before: end.bin)
  }

  /// The requests of some bins.
  package func series(from start: Int, before end: Int) -> DemandSeries {
    guard start < end else { return DemandSeries(start: end, requests: []) }
    var series = DemandSeries(
      start: start, requests: Array(repeating: 0, count: end - start))
    for gap in gaps {
      series = series.excluding(gap.lowerBound.bin..<gap.upperBound.bin)
    }
    for bin in bins where (start..<end).contains(bin.start.bin) {
      series.requests[bin.start.bin - start] = bin.demand.requests
    }
    return series
  }
}

/// What became of demand that was offered to a pool.
package struct DemandImport: Sendable, Hashable {
  /// Bins that were taken in, and the requests in them.
  package var bins = 0
  package var requests = 0
  /// Bins that stayed as they were, since the pool has requests in them.
  package var kept = 0

  package init() {}
}
