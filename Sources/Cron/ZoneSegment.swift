/// A stretch of time in which a zone's offset from UTC stays the same.
struct ZoneSegment: Sendable, Equatable {
  /// The first instant of it.
  var start: Int64
  /// The first instant after it.
  var end: Int64
  /// Seconds east of UTC.
  var offset: Int64
}
