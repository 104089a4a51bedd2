import CLinux
import Glibc
import Lock

/// An HTTP/1.1 server on loopback addresses and Unix sockets, with one thread of its own.
///
/// Syntax that libmicrohttpd refuses by itself (a request line that is none, a header beyond its
/// memory, a Content-Length that is no number, a broken chunk) gets the right status, but an answer
/// in libmicrohttpd's words; all other errors are made by `Configuration.errorResponse`.
package final class HTTPServer: Sendable {
  /// Called on the loop thread for each whole request; it must not block. It answers through the
  /// responder at once or later, from any thread.
  package typealias Handler = @Sendable (HTTPRequest, Responder) -> Void

  /// How a server is set up.
  package struct Configuration: Sendable {
    /// Where to listen, one or several.
    package var listeners: [HTTPListener]
    /// What a client may cost.
    package var limits: HTTPLimits
    /// How many bytes of body the method and path (as it came, percent-encoded) may have. Called on
    /// the loop thread.
    package var bodyLimit: @Sendable (_ method: String, _ path: String) -> Int
    /// Makes the answers that are the server's own: 400, 403, 408, 413, 421, 431, 500, 501 and 503.
    /// Called on the loop thread.
    package var errorResponse: @Sendable (_ status: Int, _ detail: String) -> HTTPResponse

    /// A configuration with its parts; bodies of up to 64 KiB unless said otherwise.
    package init(
      listeners: [HTTPListener], limits: HTTPLimits = HTTPLimits(),
      bodyLimit: @escaping @Sendable (_ method: String, _ path: String) -> Int = { _, _ in
        64 * 1024
      },
      errorResponse: @escaping @Sendable (_ status: Int, _ detail: String) -> HTTPResponse
    ) {
      self.listeners = listeners
      self.limits = limits
      self.bodyLimit = bodyLimit
      self.errorResponse = errorResponse
    }
  }

  private enum State {
    case new
    case running(thread: pthread_t, listeners: [HTTPListener])
    case stopped
  }

  private let configuration: Configuration
  private let handler: Handler
  private let answers: AnswerQueue
  private let state = Lock(State.new)

  /// A server that does not listen yet. Throws `cannotStart`.
  package init(
    configuration: Configuration, handler: @escaping Handler
  ) throws(HTTPServerError) {
    self.configuration = configuration
    self.handler = handler
    answers = try AnswerQueue()
  }

  deinit { stop(drainFor: 0) }

  /// Binds all listeners and starts to serve. Either all of them listen afterwards, or it throws
  /// and none does.
  package func start() throws(HTTPServerError) {
    try state.withLock { state throws(HTTPServerError) in
      guard case .new = state else { throw .alreadyStarted }
      let loop = try Loop(configuration: configuration, answers: answers, handler: handler)
      do throws(HTTPServerError) {
        for listener in configuration.listeners { try loop.add(ListeningSocket(listener)) }
        let bound = loop.daemons.map(\.socket.listener)
        state = .running(thread: try Self.startThread(loop), listeners: bound)
      } catch {
        loop.abandon()
        throw error
      }
    }
  }

  /// Where the server listens, with the ports that the system chose; empty when it does not run.
  package var listeners: [HTTPListener] {
    state.withLock { state in
      if case .running(_, let listeners) = state { listeners } else { [] }
    }
  }

  /// Stops accepting, gives the requests in progress so many seconds, then closes everything.
  ///
  /// Returns when the server's thread has ended; at once if it does not run. Answers that wait for
  /// their handler after that time become 503. Not to be called on the loop thread.
  package func stop(drainFor seconds: Double) {
    let thread: pthread_t? = state.withLock { state in
      defer { state = .stopped }
      if case .running(let thread, _) = state { return thread } else { return nil }
    }
    guard let thread else { return }
    answers.requestStop(drainTime: Int64(clamping: Int((max(0, min(seconds, 1e9)) * 1000))))
    pthread_join(thread, nil)
  }

  private static func startThread(_ loop: Loop) throws(HTTPServerError) -> pthread_t {
    // Signals are for the program's other threads; SIGPIPE is none of them, a send fails instead.
    var all = sigset_t()
    var before = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }

    let context = Unmanaged.passRetained(loop)
    var thread = pthread_t()
    let code = pthread_create(
      &thread, nil,
      { context in
        clinux_name_thread("http")
        Unmanaged<Loop>.fromOpaque(context!).takeRetainedValue().run()
        return nil
      }, context.toOpaque())
    guard code == 0 else {
      context.release()
      throw .cannotStart(code: code)
    }
    return thread
  }
}
