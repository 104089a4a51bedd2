/// The instants that fire times are searched in: what RFC 3339 can write, from year 1 on.
///
/// The bounds also keep every sum of an instant, an offset and a few years far from overflow.
package enum SupportedInstants {
  /// 0001-01-01T00:00:00Z, in seconds since the Unix epoch.
  package static let earliest: Int64 = -62_135_596_800
  /// 9999-12-31T23:59:59Z, in seconds since the Unix epoch.
  package static let latest: Int64 = 253_402_300_799

  /// Earlier than any instant that is compared with it.
  static let distantPast: Int64 = -(1 << 55)
  /// Later than any instant that is compared with it.
  static let distantFuture: Int64 = 1 << 55

  /// The nearest supported instant.
  static func clamp(_ instant: Int64) -> Int64 {
    min(max(instant, earliest), latest)
  }
}
