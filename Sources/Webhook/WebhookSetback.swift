import Larder

/// A try of a push that failed, as far as a log may know it.
package struct WebhookSetback: Sendable, Hashable {
  package var id: String
  package var pool: String
  package var claim: String
  /// Which try it was, from 1.
  package var attempt: Int
  package var why: String
  package var nextTryAt: Instant
}
