/// A refusal or failure as a client sees it (RFC 9457). One table gives its HTTP status and
/// the exit code of a command that meets it.
package struct Problem: Error, Sendable, Hashable, CustomStringConvertible {
  package enum Word: String, Sendable, Hashable, CaseIterable {
    case badRequest = "bad-request"
    case foreignOrigin = "foreign-origin"
    case notFound = "not-found"
    case unknownPool = "unknown-pool"
    case unknownClaim = "unknown-claim"
    case unknownItem = "unknown-item"
    case unknownRun = "unknown-run"
    case methodNotAllowed = "method-not-allowed"
    case timeout = "request-timeout"
    case outOfStock = "out-of-stock"
    case wrongState = "wrong-state"
    case lengthRequired = "length-required"
    case tooLarge = "too-large"
    case unsupportedType = "unsupported-media-type"
    case unknownHost = "unknown-host"
    case keyReused = "key-reused"
    case userLimit = "user-limit"
    case headerTooLarge = "header-too-large"
    case failed = "internal-error"
    case notImplemented = "not-implemented"
    case busy = "busy"
    case diskFull = "disk-full"

    package var status: Int {
      switch self {
      case .badRequest: 400
      case .foreignOrigin: 403
      case .notFound, .unknownPool, .unknownClaim, .unknownItem, .unknownRun: 404
      case .methodNotAllowed: 405
      case .timeout: 408
      case .outOfStock, .wrongState: 409
      case .lengthRequired: 411
      case .tooLarge: 413
      case .unsupportedType: 415
      case .unknownHost: 421
      case .keyReused: 422
      case .userLimit: 429
      case .headerTooLarge: 431
      case .failed: 500
      case .notImplemented: 501
      case .busy, .diskFull: 503
      }
    }

    package var title: String {
      switch self {
      case .badRequest: "The request is malformed"
      case .foreignOrigin: "The page of another origin may not do this"
      case .notFound: "There is no such resource"
      case .unknownPool: "There is no such pool"
      case .unknownClaim: "There is no such claim"
      case .unknownItem: "There is no such item"
      case .unknownRun: "There is no such run"
      case .methodNotAllowed: "The resource does not know this method"
      case .timeout: "The request took too long"
      case .outOfStock: "The pool is out of stock"
      case .wrongState: "The state does not allow this"
      case .lengthRequired: "The request needs a length"
      case .tooLarge: "The request is too large"
      case .unsupportedType: "The body's media type is not supported"
      case .unknownHost: "The server does not have this name"
      case .keyReused: "The idempotency key was used for another request"
      case .userLimit: "The user has as many items as the pool allows"
      case .headerTooLarge: "The request's header is too large"
      case .failed: "The server failed"
      case .notImplemented: "The server does not know how to do this"
      case .busy: "The server is busy"
      case .diskFull: "The server's disk is full"
      }
    }

    /// The exit code of a command: 3 out of stock, 1 for every other refusal.
    package var exitCode: Int32 { self == .outOfStock ? 3 : 1 }
  }

  package let word: Word
  package let detail: String
  /// When the same request may be worth another try.
  package let retryAfter: Duration?

  package init(_ word: Word, _ detail: String, retryAfter: Duration? = nil) {
    self.word = word
    self.detail = detail
    self.retryAfter = retryAfter
  }

  /// The refusal of what a full disk has no room for.
  package init(diskFull why: String) {
    self.init(
      .diskFull, "\(StoreError.full(why))", retryAfter: Limits.diskRetryAfter)
  }

  package var description: String { detail }

  /// The word that stands for a status which the HTTP layer answers by itself.
  package static func word(forStatus status: Int) -> Word {
    Word.allCases.first { $0.status == status } ?? .failed
  }
}
