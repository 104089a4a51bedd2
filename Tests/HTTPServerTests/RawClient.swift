import Foundation
import Testing

/// What came back for one request.
struct RawResponse: Equatable {
  var status: Int
  var headers: [String: String]
  var body: [UInt8]
  var text: String { String(decoding: body, as: UTF8.self) }
}

struct RawClientError: Error, CustomStringConvertible {
  let description: String
  init(_ what: String) { description = "\(what): \(String(cString: strerror(errno)))" }
}

/// A client that sends exactly the bytes it is told to, over a blocking socket. A read that takes
/// longer than a minute fails.
final class RawClient {
  let descriptor: Int32
  private var buffer: [UInt8] = []

  init(port: UInt16, host: String = "127.0.0.1") throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    inet_pton(AF_INET, host, &address.sin_addr)
    try connect(&address)
  }

  init(path: String) throws {
    descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = unixAddress(path)
    try connect(&address)
  }

  private func connect<Address>(_ address: inout Address) throws {
    var limit = timeval(tv_sec: 60, tv_usec: 0)
    setsockopt(
      descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    let result = withUnsafeBytes(of: &address) {
      Glibc.connect(
        descriptor, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
    }
    if result != 0 {
      let error = RawClientError("connect")
      close()
      throw error
    }
  }

  private var isClosed = false
  func close() {
    if !isClosed { Glibc.close(descriptor) }
    isClosed = true
  }

  deinit { close() }

  /// Closes with a reset instead of a normal end.
  func reset() {
    var option = linger(l_onoff: 1, l_linger: 0)
    setsockopt(
      descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    close()
  }

  func halfClose() { shutdown(descriptor, Int32(SHUT_WR)) }

  func send(_ text: String) throws { try send(Array(text.utf8)) }

  func send(_ bytes: [UInt8]) throws {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { throw RawClientError("send") }
      sent += count
    }
  }

  /// Whether something can be read within so many milliseconds.
  func isReadable(within milliseconds: Int32) -> Bool {
    var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return Glibc.poll(&poll, 1, milliseconds) > 0
  }

  /// Reads more into the buffer; false at the end.
  private func fill() throws -> Bool {
    var piece = [UInt8](repeating: 0, count: 64 * 1024)
    var count = recv(descriptor, &piece, piece.count, 0)
    // With a time limit a receipt is cut off when the process is stopped and goes on.
    while count < 0, errno == EINTR { count = recv(descriptor, &piece, piece.count, 0) }
    guard count >= 0 else { throw RawClientError("recv") }
    buffer += piece[..<count]
    return count > 0
  }

  /// All that comes until the end.
  func readToEnd() throws -> String {
    while try fill() {}
    defer { buffer = [] }
    return String(decoding: buffer, as: UTF8.self)
  }

  /// The next response; nil at the end.
  func response(toHead: Bool = false) throws -> RawResponse? {
    let blank = Array("\r\n\r\n".utf8)
    var end: Int?
    while true {
      end = buffer.indices.first { buffer[$0...].starts(with: blank) }
      if end != nil { break }
      guard try fill() else { return nil }
    }
    let lines = String(decoding: buffer[..<end!], as: UTF8.self).components(separatedBy: "\r\n")
    var response = RawResponse(
      status: Int(lines[0].split(separator: " ")[1])!, headers: [:], body: [])
    for line in lines.dropFirst() {
      let colon = line.firstIndex(of: ":")!
      response.headers[line[..<colon].lowercased()] = line[line.index(after: colon)...]
        .trimmingCharacters(in: .whitespaces)
    }
    let length = toHead ? 0 : Int(response.headers["content-length"] ?? "0")!
    let start = end! + blank.count
    while buffer.count < start + length {
      guard try fill() else { throw RawClientError("end in the body") }
    }
    response.body = Array(buffer[start..<start + length])
    buffer.removeFirst(start + length)
    return response
  }

  func exchange(_ request: String) throws -> RawResponse {
    try send(request)
    return try #require(try response())
  }
}

func unixAddress(_ path: String) -> sockaddr_un {
  var address = sockaddr_un()
  address.sun_family = sa_family_t(AF_UNIX)
  withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
  return address
}

func get(_ target: String, _ more: String = "") -> String {
  "GET \(target) HTTP/1.1\r\nHost: localhost\r\n\(more)\r\n"
}

func post(_ target: String, _ body: String, _ more: String = "") -> String {
  "POST \(target) HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(body.utf8.count)\r\n\(more)\r\n\(body)"
}
