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

    /// Whether somebody counted what was asked for, as far as the bin itself shows.
    fileprivate var tellsRequests: Bool { demand.requests > 0 || demand.wasted == 0 }
  }

  /// Bins in which something was asked for or wasted, or that were imported. Nothing was asked for in
  /// others.
  package var bins: [Bin] = []
  /// But in these, which tell nothing of bins that are not listed, nor of those in which something was
  /// wasted and nothing asked for: items expire also while nobody counts.
  package var gaps: [Range<Instant>] = []

  package init() {}

  /// Takes in more spans in which nobody counted: whole bins, which may overlap with those that are
  /// there.
  package mutating func add(gaps more: [Range<Instant>]) {
    guard !more.isEmpty else { return }
    var all: [Range<Instant>] = []
    for gap in (gaps + more).sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = all.last, gap.lowerBound <= last.upperBound {
        all[all.count - 1] = last.lowerBound..<max(last.upperBound, gap.upperBound)
      } else {
        all.append(gap)
      }
    }
    gaps = all
  }

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
    for bin in bins where (start..<end).contains(bin.start.bin) && bin.tellsRequests {
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
