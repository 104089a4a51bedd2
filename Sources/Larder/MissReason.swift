/// Why a request found too few items: the first of these that holds, in this order.
package enum MissReason: String, Sendable, Hashable, CaseIterable {
  /// There were enough, but not for this request: another match, made for another user, too short a
  /// life, or kept for those in line before it.
  case unsuited
  /// No schedule file declares the pool any more, so nothing fills it.
  case retired
  /// The pool has no producer, and nobody put items into it.
  case noProducer = "no_producer"
  /// The schedule file says `suspend: true`.
  case suspended
  case paused
  /// The breaker is open, or lets one run try.
  case breaker
  /// The last run failed, or a slice is being tried again.
  case failedRun = "failed_run"
  /// No run of the pool has ended yet.
  case coldStart = "cold_start"
  /// A run that is due has taken more than twice as long as is usual.
  case lateRun = "late_run"
  /// The last runs brought less than they were asked for: the supplier had no more.
  case shortRun = "short_run"
  /// More requests came in an hour than 99 of 100 such hours of the last 8 weeks would have.
  case surge
  /// The request asks for more than `max`, or the stock was filled as far as that allows.
  case atMax = "at_max"
  /// Items expired unclaimed after the last run.
  case expiry
  /// Nothing was wrong and demand was as usual: the stock was too small for it.
  case undersized
  /// Counted before reasons were.
  case unknown
}

/// Misses of a pool by reason, in a bin.
package struct MissBin: Sendable, Hashable {
  /// Its beginning.
  package var start: Instant
  package var reasons: [MissReason: Int]

  package init(start: Instant, reasons: [MissReason: Int]) {
    self.start = start
    self.reasons = reasons
  }
}
