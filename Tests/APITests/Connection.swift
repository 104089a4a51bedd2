import Foundation
import HTTPServer

@testable import API

struct ConnectionError: Error {
  var code = errno
}

/// A client's connection over a blocking socket.
final class Connection {
  private let descriptor: Int32
  private var isOpen = true

  init(port: UInt16) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var limit = timeval(tv_sec: 60, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    let result = withUnsafeBytes(of: &address) { bytes in
      bytes.withMemoryRebound(to: sockaddr.self) {
        connect(descriptor, $0.baseAddress, socklen_t(bytes.count))
      }
    }
    guard result == 0 else { throw ConnectionError() }
  }

  deinit { if isOpen { close(descriptor) } }

  /// Ends the connection; with a reset if `abruptly`.
  func end(abruptly: Bool) {
    if abruptly {
      var option = linger(l_onoff: 1, l_linger: 0)
      setsockopt(
        descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }
    close(descriptor)
    isOpen = false
  }

  func get(_ target: String) throws {
    try write("GET \(target) HTTP/1.1\r\nHost: localhost\r\n\r\n")
  }

  func post(_ target: String, _ body: String) throws {
    let length = "Content-Length: \(body.utf8.count)\r\n"
    try write("POST \(target) HTTP/1.1\r\nHost: localhost\r\n\(length)\r\n\(body)")
  }

  private func write(_ text: String) throws {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let sent = rest.withUnsafeBytes {
        send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard sent > 0 else { throw ConnectionError() }
      rest = rest.dropFirst(sent)
    }
  }

  /// Whether something has come.
  var isReadable: Bool {
    var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return Foundation.poll(&poll, 1, 0) > 0
  }

  /// The answer's status and body.
  func answer() throws -> (status: Int, body: String) {
    var text = ""
    while true {
      if let end = text.range(of: "\r\n\r\n"),
        let field = text[..<end.lowerBound].firstMatch(of: /(?i)content-length: (\d+)/),
        let length = Int(field.1), text[end.upperBound...].utf8.count >= length
      {
        let status = text.split(separator: " ").dropFirst().first.flatMap { Int($0) }
        return (status ?? 0, String(text[end.upperBound...]))
      }
      var piece = [UInt8](repeating: 0, count: 4096)
      var count = recv(descriptor, &piece, piece.count, 0)
      // With a time limit a receipt is cut off when the process is stopped and goes on.
      while count < 0, errno == EINTR { count = recv(descriptor, &piece, piece.count, 0) }
      guard count > 0 else { throw ConnectionError() }
      text += String(decoding: piece[..<count], as: UTF8.self)
    }
  }
}

/// A server of a bench's API on a free port.
final class TestServer {
  let http: HTTPServer
  let port: UInt16

  init(_ bench: Bench, limits: HTTPLimits = HTTPLimits()) throws {
    let api = bench.api
    http = try HTTPServer(
      configuration: HTTPServer.Configuration(
        listeners: [.tcp(host: "127.0.0.1", port: 0)], limits: limits,
        errorResponse: { API.refusal(status: $0, detail: $1) })
    ) { api.handle($0, $1) }
    try http.start()
    guard case .tcp(_, let port) = http.listeners[0] else { throw ConnectionError() }
    self.port = port
  }

  deinit { http.stop(drainFor: 0) }
}
