import Cron
import Sizing

/// What an operator knows about a pool's demand and its counts do not tell.
package struct DemandPolicy: Sendable, Hashable {
  /// Spans in which what was requested tells nothing about what will be.
  package var excluded: [Range<Instant>] = []
  /// Dates, in the time zone of the pool's first schedule, that are like another weekday: 0 for
  /// Sunday to 6 for Saturday.
  package var days: [CivilDate: Int] = [:]

  package init() {}
}

extension DemandRecord {
  /// The requests by bin as a pool's forecasts learn from them: what its file excludes is unknown.
  package func series(for pool: Pool, before end: Instant) -> DemandSeries {
    series(before: end, excluding: pool.demand.excluded)
  }

  /// Those of some bins.
  package func series(from start: Int, before end: Int, for pool: Pool) -> DemandSeries {
    pool.demand.excluded.reduce(series(from: start, before: end)) { $0.excluding($1.bins) }
  }

  /// The requests by bin, without each bin that one of the spans touches.
  package func series(before end: Instant, excluding spans: [Range<Instant>]) -> DemandSeries {
    spans.reduce(series(before: end)) { $0.excluding($1.bins) }
  }
}

extension Range<Instant> {
  /// The bins that the span touches.
  package var bins: Range<Int> {
    isEmpty
      ? lowerBound.bin..<lowerBound.bin
      : lowerBound.bin..<(upperBound - .milliseconds(1)).bin + 1
  }
}
