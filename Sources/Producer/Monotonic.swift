import Glibc
import Larder

/// A reading of the clock that never jumps, in milliseconds.
enum Monotonic {
  static var now: Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
  }

  /// The reading when a time from now on is over.
  static func after(_ span: Duration) -> Int64 {
    let (sum, overflow) = now.addingReportingOverflow(span.inMilliseconds)
    return overflow ? .max : sum
  }

  /// What `poll` has to wait until a reading, at most a minute, at least nothing.
  static func pollTimeout(until reading: Int64) -> Int32 {
    Int32(min(max(reading - now, 0), 60_000))
  }
}
