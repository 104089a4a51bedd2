import Engine
import Foundation
import HTTPServer
import Larder
import Webhook

/// How long a condition is waited for before a test fails.
let patience = Duration.seconds(60)

struct TestError: Error {
  let what: String
  init(_ what: String) { self.what = what }
}

/// A receiver of pushes on a free port of loopback.
final class Receiver: Sendable {
  struct Push: Sendable {
    var id: String
    var timestamp: String
    var signature: String
    var contentType: String?
    var expect: String?
    var method: String
    var path: String
    var query: String?
    var authorization: String?
    var cookie: String?
    var body: [UInt8]
    var text: String { String(decoding: body, as: UTF8.self) }
  }

  /// What a push is answered with; nil leaves it unanswered until the receiver goes away.
  typealias Script = @Sendable (_ index: Int, _ push: Push) -> HTTPResponse?

  let pushes = Mailbox<[Push]>([])
  private let unanswered = Mailbox<[Responder]>([])
  private let server: HTTPServer
  let port: UInt16

  init(port: UInt16 = 0, _ script: @escaping Script = { _, _ in HTTPResponse(status: 204) }) throws
  {
    let pushes = pushes
    let unanswered = unanswered
    server = try HTTPServer(
      configuration: HTTPServer.Configuration(
        listeners: [.tcp(host: "127.0.0.1", port: port)], bodyLimit: { _, _ in 16 << 20 },
        errorResponse: { status, _ in HTTPResponse(status: status) })
    ) { request, responder in
      let push = Push(
        id: request.header("webhook-id") ?? "",
        timestamp: request.header("webhook-timestamp") ?? "",
        signature: request.header("webhook-signature") ?? "",
        contentType: request.header("content-type"), expect: request.header("expect"),
        method: request.method, path: request.path, query: request.query,
        authorization: request.header("authorization"), cookie: request.header("cookie"),
        body: request.body)
      // The loop's thread alone adds pushes. Whoever sees one must find its responder.
      let response = script(pushes.change { $0.count }, push)
      if response == nil { unanswered.change { $0.append(responder) } }
      pushes.change { $0.append(push) }
      if let response { responder.send(response) }
    }
    try server.start()
    guard case .tcp(_, let bound)? = server.listeners.first else { throw TestError("no port") }
    self.port = bound
  }

  deinit { stop() }

  func stop() {
    unanswered.change { $0 = [] }
    server.stop(drainFor: 0)
  }

  /// Answers all that was left unanswered.
  func answerAll(_ status: Int) {
    for responder in unanswered.change({ list in
      defer { list = [] }
      return list
    }) {
      responder.send(HTTPResponse(status: status))
    }
  }

  var url: String { "http://127.0.0.1:\(port)/hooks/larder" }

  /// The pushes, once there are so many; those that there are after a minute.
  func wait(for count: Int) -> [Push] {
    pushes.take(within: patience) { $0.count >= count ? $0 : nil } ?? pushes.change { $0 }
  }
}

/// Listens for one connection, and does with it as it is told on a thread of its own.
final class RawReceiver: Sendable {
  private let listener: Int32
  let port: UInt16
  /// What `body` gave.
  private let outcome = Mailbox<Int?>(nil)

  /// - Parameter isListening: without, connections are refused.
  init(isListening: Bool = true, _ body: @escaping @Sendable (Int32) -> Int = { _ in 0 }) throws {
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let listener = listener
    let isBound = withUnsafeMutableBytes(of: &address) { bytes in
      let pointer = bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self)
      return bind(listener, pointer, size) == 0 && getsockname(listener, pointer, &size) == 0
    }
    guard isBound else { throw TestError("bind") }
    port = UInt16(bigEndian: address.sin_port)
    guard isListening else { return }
    guard listen(listener, 1) == 0 else { throw TestError("listen") }
    let outcome = outcome
    Thread.detachNewThread {
      let connection = accept(listener, nil, nil)
      let value = body(connection)
      close(connection)
      outcome.change { $0 = value }
    }
  }

  deinit { close(listener) }

  var url: String { "http://127.0.0.1:\(port)/" }
  func finish() -> Int? { outcome.take(within: patience) { $0 } }

  /// Reads a request's first piece, answers with the head, and goes on with the filling until the
  /// other side has enough: the bytes that it took.
  static func flood(_ connection: Int32, head: String, filling: String) -> Int {
    var buffer = [UInt8](repeating: 0, count: 4096)
    _ = recv(connection, &buffer, buffer.count, 0)
    var piece = Array(head.utf8)
    let more = Array(String(repeating: filling, count: 64).utf8)
    var sent = 0
    while sent < 1 << 30 {
      let count = send(connection, piece, piece.count, Int32(MSG_NOSIGNAL))
      if count <= 0 { break }
      sent += count
      piece = more
    }
    return sent
  }
}

/// A folder of its own, removed at the end.
func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
  let folder = NSTemporaryDirectory() + "webhook-" + UUID().uuidString.prefix(8)
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: folder) }
  return try body(folder)
}

/// Writes a key file and gives its path.
func writeKey(_ text: String, in folder: String, mode: mode_t = 0o400) -> String {
  let path = "\(folder)/key-\(UUID().uuidString.prefix(8))"
  _ = FileManager.default.createFile(atPath: path, contents: Data(text.utf8))
  chmod(path, mode)
  return path
}

func push(
  _ id: String = "push-1", pool: String = "tickets", claim: String = "claim-1",
  body: String = #"{"claim":"claim-1","name":"Zoë"}"#, attempts: Int = 0
) -> Delivery {
  Delivery(id: id, pool: pool, claim: claim, body: body, attempts: attempts)
}
