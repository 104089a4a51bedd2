/// When a push that failed is tried again.
package enum WebhookRetry {
  /// The wait after `failures` failed tries of one push (1 or more): anything up to a ceiling of
  /// `Limits.webhookWait`, doubled for each failure after the first, at most
  /// `Limits.webhookLongestWait`. Pushes that failed together spread out.
  package static func wait(
    after failures: Int, using random: inout some RandomNumberGenerator
  ) -> Duration {
    .milliseconds(Int64.random(in: 0...ceiling(after: failures).inMilliseconds, using: &random))
  }

  /// The longest wait after `failures` failed tries (1 or more).
  package static func ceiling(after failures: Int) -> Duration {
    var policy = RetryPolicy()
    policy.backoff = Limits.webhookWait
    policy.maxBackoff = Limits.webhookLongestWait
    return policy.ceiling(afterFailures: failures)
  }
}
