import Foundation
import HTTPServer
import Testing

/// A server on a free port, whose own errors are `status detail` as plain text.
final class TestServer {
  let server: HTTPServer
  let port: UInt16

  init(
    _ more: [HTTPListener] = [], limits: HTTPLimits = HTTPLimits(), bodyLimit: Int = 64 * 1024,
    handler: @escaping HTTPServer.Handler
  ) throws {
    server = try HTTPServer(
      configuration: testConfiguration(
        [.tcp(host: "127.0.0.1", port: 0)] + more, limits: limits, bodyLimit: bodyLimit),
      handler: handler)
    try server.start()
    guard case .tcp(_, let port) = server.listeners[0] else { throw RawClientError("no port") }
    self.port = port
  }

  deinit { server.stop(drainFor: 0) }

  func client() throws -> RawClient { try RawClient(port: port) }
}

func testConfiguration(
  _ listeners: [HTTPListener], limits: HTTPLimits = HTTPLimits(), bodyLimit: Int = 64 * 1024
) -> HTTPServer.Configuration {
  HTTPServer.Configuration(
    listeners: listeners, limits: limits, bodyLimit: { _, _ in bodyLimit },
    errorResponse: { status, detail in
      HTTPResponse(status: status, contentType: "text/plain", text: "\(status) \(detail)")
    })
}

/// Answers with the method, the path and the body.
@Sendable func echo(_ request: HTTPRequest, _ responder: Responder) {
  let head = "\(request.method) \(request.path) "
  responder.send(HTTPResponse(status: 200, body: Array(head.utf8) + request.body))
}

struct NothingCame: Error {}

/// What handlers leave for the test's thread.
final class Box<Value: Sendable>: @unchecked Sendable {
  // Sendable by its lock.
  private let condition = NSCondition()
  private var values: [Value] = []

  func put(_ value: Value) {
    condition.withLock { values.append(value) }
    condition.broadcast()
  }

  /// The next value, as soon as there is one; fails after a minute.
  func take() throws -> Value {
    let end = Date(timeIntervalSinceNow: 60)
    condition.lock()
    defer { condition.unlock() }
    while values.isEmpty {
      guard condition.wait(until: end) else { throw NothingCame() }
    }
    return values.removeFirst()
  }

  func takeAll(_ count: Int) throws -> [Value] { try (0..<count).map { _ in try take() } }
}

/// Repeats until it holds; fails after a minute.
func eventually(_ holds: () -> Bool) -> Bool {
  let end = Date(timeIntervalSinceNow: 60)
  while Date() < end {
    if holds() { return true }
    sched_yield()
  }
  return false
}

/// A folder of its own, removed at the end.
func withFolder(_ body: (String) throws -> Void) throws {
  let folder = NSTemporaryDirectory() + "http-" + UUID().uuidString.prefix(8)
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: folder) }
  try body(folder)
}
