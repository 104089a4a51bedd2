import Glibc

/// A loopback connection of a client that sends much: one request after the other, blocking.
final class LightConnection {
  struct Answer {
    let status: Int
    let body: [UInt8]
  }

  /// Why there is no answer. Whether the request was carried out nobody knows.
  struct NoAnswer: Error {
    let why: String
  }

  private let descriptor: Int32
  private var buffer = [UInt8](repeating: 0, count: 16 * 1024)
  private var filled = 0

  /// Nil if nobody listens there.
  init?(port: UInt16, patience seconds: Int) {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return nil }
    var limit = timeval(tv_sec: seconds, tv_usec: 0)
    let size = socklen_t(MemoryLayout<timeval>.size)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
    var on: Int32 = 1
    setsockopt(
      descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let connected = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    // A failing initializer runs deinit once all is set, which closes it.
    if connected != 0 { return nil }
  }

  /// The connection ends with a reset, and what was not sent is dropped.
  func resetAtClose() {
    var off = linger(l_onoff: 1, l_linger: 0)
    setsockopt(
      descriptor, SOL_SOCKET, SO_LINGER, &off, socklen_t(MemoryLayout<linger>.size))
  }

  /// Whether the other side has closed it.
  var isClosed: Bool {
    var byte: UInt8 = 0
    let count = recv(descriptor, &byte, 1, Int32(MSG_DONTWAIT) | Int32(MSG_PEEK))
    return count == 0 || count < 0 && errno != EAGAIN
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  func send(_ request: [UInt8]) throws(NoAnswer) {
    var sent = 0
    while sent < request.count {
      let count = request.withUnsafeBytes {
        Glibc.send(
          descriptor, $0.baseAddress! + sent, request.count - sent, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { throw NoAnswer(why: "send: \(String(cString: strerror(errno)))") }
      sent += count
    }
  }

  func receive() throws(NoAnswer) -> Answer {
    var head = headEnd(from: 0)
    while head == nil {
      let before = filled
      try fill()
      head = headEnd(from: max(0, before - 3))
    }
    let bodyStart = head! + 4
    guard let status = number(at: 9), let length = contentLength(before: bodyStart) else {
      throw NoAnswer(why: "no answer of HTTP")
    }
    while filled < bodyStart + length { try fill() }
    let body = Array(buffer[bodyStart..<(bodyStart + length)])
    filled = 0
    return Answer(status: status, body: body)
  }

  private func fill() throws(NoAnswer) {
    if filled == buffer.count { buffer += [UInt8](repeating: 0, count: buffer.count) }
    let count = buffer.withUnsafeMutableBytes {
      recv(descriptor, $0.baseAddress! + filled, $0.count - filled, 0)
    }
    guard count > 0 else {
      throw NoAnswer(why: count == 0 ? "closed" : "receive: \(String(cString: strerror(errno)))")
    }
    filled += count
  }

  /// Where the empty line begins that ends the header.
  private func headEnd(from start: Int) -> Int? {
    buffer.withUnsafeBytes { bytes -> Int? in
      var at = start
      while filled - at >= 4, let found = memchr(bytes.baseAddress! + at, 0x0D, filled - at - 3) {
        if memcmp(found, "\r\n\r\n", 4) == 0 {
          return UnsafeRawPointer(found) - bytes.baseAddress!
        }
        at = UnsafeRawPointer(found) - bytes.baseAddress! + 1
      }
      return nil
    }
  }

  private func contentLength(before end: Int) -> Int? {
    let name = "content-length:"
    return buffer.withUnsafeBytes { bytes -> Int? in
      var at = 0
      while at < end - name.utf8.count {
        let line = bytes.baseAddress! + at
        if strncasecmp(line.assumingMemoryBound(to: CChar.self), name, name.utf8.count) == 0 {
          return number(at: at + name.utf8.count)
        }
        guard let next = memchr(line, 0x0A, end - at) else { return nil }
        at = UnsafeRawPointer(next) - bytes.baseAddress! + 1
      }
      return nil
    }
  }

  private func number(at start: Int) -> Int? {
    var at = start
    while at < filled, buffer[at] == 0x20 { at += 1 }
    var value: Int?
    while at < filled, (0x30...0x39).contains(buffer[at]) {
      value = (value ?? 0) * 10 + Int(buffer[at] - 0x30)
      at += 1
    }
    return value
  }
}
