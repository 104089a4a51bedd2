import Glibc

/// A point in time: whole milliseconds since the Unix epoch, without leap seconds (POSIX time).
package struct Instant: Sendable, Hashable, Comparable {
  /// Milliseconds since 1970-01-01T00:00:00Z.
  package let milliseconds: Int64

  package init(milliseconds: Int64) {
    self.milliseconds = milliseconds
  }

  package init(seconds: Int64) {
    milliseconds = seconds * 1000
  }

  /// The whole seconds since the epoch, rounded towards the past.
  package var seconds: Int64 {
    milliseconds >= 0 ? milliseconds / 1000 : (milliseconds - 999) / 1000
  }

  /// The wall clock's present reading.
  package static func now() -> Instant {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Instant(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
  }

  package static func < (left: Instant, right: Instant) -> Bool {
    left.milliseconds < right.milliseconds
  }

  /// The time so much later, or the latest that there is.
  package static func + (instant: Instant, span: Duration) -> Instant {
    let change = span.inMilliseconds
    let (sum, overflow) = instant.milliseconds.addingReportingOverflow(change)
    return Instant(milliseconds: overflow ? (change < 0 ? .min : .max) : sum)
  }

  /// The time so much earlier, or the earliest that there is.
  package static func - (instant: Instant, span: Duration) -> Instant {
    let change = span.inMilliseconds
    let (sum, overflow) = instant.milliseconds.subtractingReportingOverflow(change)
    return Instant(milliseconds: overflow ? (change < 0 ? .max : .min) : sum)
  }

  package static func - (end: Instant, start: Instant) -> Duration {
    .milliseconds(end.milliseconds) - .milliseconds(start.milliseconds)
  }
}

extension Duration {
  /// The duration in whole milliseconds, rounded towards zero; of one that has more than fit, as
  /// many as fit.
  package var inMilliseconds: Int64 {
    let (seconds, attoseconds) = components
    let (product, overflow) = seconds.multipliedReportingOverflow(by: 1000)
    let (sum, passed) = product.addingReportingOverflow(attoseconds / 1_000_000_000_000_000)
    return overflow || passed ? (seconds < 0 ? .min : .max) : sum
  }

  /// The duration in seconds.
  package var inSeconds: Double {
    Double(inMilliseconds) / 1000
  }
}
