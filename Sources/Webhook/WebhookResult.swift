/// What came of one post.
package enum WebhookResult: Sendable, Hashable {
  /// The host answered 2xx, which ends the push.
  case accepted
  /// Anything else, in words for the log: without the body, the key, and the URL.
  case failed(String)
  /// The post was cut off by `cancel`: nobody knows whether it arrived.
  case cancelled
}
