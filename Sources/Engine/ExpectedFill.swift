import Larder

/// What may be told of a pool's next filling between two ticks.
struct ExpectedFill: Sendable {
  /// When the next run should have filled the pool; nil where nobody can say.
  var at: Instant?
  /// How long the run takes that one more backorder would start at once; nil where it starts none.
  var backorderRunTime: Duration?
}
