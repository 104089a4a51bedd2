import Glibc

/// Where a server listens.
package enum HTTPListener: Sendable, Equatable, CustomStringConvertible {
  /// A loopback address (a number, or `localhost` for 127.0.0.1) and a port; 0 is any free one.
  case tcp(host: String, port: UInt16)
  /// A Unix socket of mode 0600.
  case unix(path: String)

  /// Reads `127.0.0.1:8420`, `[::1]:8420`, `localhost:8420` or `unix:PATH`.
  ///
  /// Throws `malformedAddress`. Whether the address is loopback is decided when it is bound.
  package init(parsing text: String) throws(HTTPServerError) {
    if text.hasPrefix("unix:") {
      let path = String(text.dropFirst("unix:".count))
      guard !path.isEmpty, !path.utf8.contains(0) else {
        throw .malformedAddress(text, reason: "the path is empty or has a NUL")
      }
      self = .unix(path: path)
      return
    }
    guard let colon = text.lastIndex(of: ":") else {
      throw .malformedAddress(text, reason: "expected HOST:PORT or unix:PATH")
    }
    let digits = text[text.index(after: colon)...]
    guard digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let port = UInt16(digits) else {
      throw .malformedAddress(text, reason: "the port is not a number from 0 to 65535")
    }
    var host = text[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = host.dropFirst().dropLast()
    } else if host.contains(":") {
      throw .malformedAddress(text, reason: "an IPv6 address needs brackets, as [::1]:8420")
    }
    guard !host.isEmpty else {
      throw .malformedAddress(text, reason: "the host is missing; use 127.0.0.1 for this machine")
    }
    self = .tcp(host: String(host), port: port)
  }

  /// The address as `init(parsing:)` reads it.
  package var description: String {
    switch self {
    case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    case .unix(let path): "unix:\(path)"
    }
  }
}
