import Foundation

/// Where a server answers.
package enum Endpoint: Sendable {
  case tcp(port: UInt16)
  case unix(path: String)
}

package struct HTTPAnswer: Sendable {
  package let status: Int
  package let headers: [(name: String, value: String)]
  package let body: [UInt8]

  package var text: String { String(decoding: body, as: UTF8.self) }
  /// The body's value; null where it is no JSON.
  package var json: JSON { (try? JSON(text)) ?? .null }

  package func header(_ name: String) -> String? {
    headers.first { $0.name.lowercased() == name.lowercased() }?.value
  }
}

package struct ClientError: Error, CustomStringConvertible {
  package let description: String

  package init(_ what: String) { description = what }

  package static func system(_ what: String) -> ClientError {
    ClientError("\(what): \(String(cString: strerror(errno)))")
  }
}

/// A connection over a blocking socket, on which one request follows another.
package final class HTTPConnection {
  private let descriptor: Int32
  private var buffer: [UInt8] = []

  package init(_ endpoint: Endpoint) throws {
    switch endpoint {
    case .tcp(let port):
      descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = port.bigEndian
      address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
      try connect(&address)
    case .unix(let path):
      descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      try withUnsafeMutableBytes(of: &address.sun_path) { room in
        guard path.utf8.count < room.count else { throw ClientError("\(path) is too long") }
        room.copyBytes(from: path.utf8)
      }
      try connect(&address)
    }
  }

  deinit { close(descriptor) }

  private func connect<Address>(_ address: inout Address) throws {
    var limit = timeval(tv_sec: 60, tv_usec: 0)
    for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
      setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
    }
    let result = withUnsafeBytes(of: &address) { bytes in
      bytes.withMemoryRebound(to: sockaddr.self) {
        Glibc.connect(descriptor, $0.baseAddress, socklen_t(bytes.count))
      }
    }
    guard result == 0 else { throw ClientError.system("connect") }
  }

  package func send(
    _ method: String, _ target: String, headers: [(String, String)] = [], body: [UInt8]? = nil
  ) throws {
    var head = "\(method) \(target) HTTP/1.1\r\nHost: localhost\r\n"
    for (name, value) in headers { head += "\(name): \(value)\r\n" }
    if let body { head += "Content-Length: \(body.count)\r\n" }
    try write(Array(head.utf8) + [0x0D, 0x0A] + (body ?? []))
  }

  private func write(_ bytes: [UInt8]) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { throw ClientError.system("send") }
      rest = rest.dropFirst(count)
    }
  }

  package func receive() throws -> HTTPAnswer {
    let end = Array("\r\n\r\n".utf8)
    var headEnd = buffer.firstRange(of: end)
    while headEnd == nil {
      try fill()
      headEnd = buffer.firstRange(of: end)
    }
    let lines = String(decoding: buffer[..<headEnd!.lowerBound], as: UTF8.self)
      .components(separatedBy: "\r\n")
    buffer.removeFirst(headEnd!.upperBound)
    let words = lines[0].split(separator: " ")
    guard words.count > 1, let status = Int(words[1]) else {
      throw ClientError("no status line: \(lines[0])")
    }
    let headers = lines.dropFirst().map { line in
      let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      return (name: String(parts[0]), value: parts[1].trimmingCharacters(in: .whitespaces))
    }
    let length = headers.first { $0.name.lowercased() == "content-length" }.flatMap {
      Int($0.value)
    }
    while buffer.count < length ?? 0 { try fill() }
    let body = Array(buffer.prefix(length ?? 0))
    buffer.removeFirst(body.count)
    return HTTPAnswer(status: status, headers: headers, body: body)
  }

  private func fill() throws {
    var piece = [UInt8](repeating: 0, count: 64 * 1024)
    var count = recv(descriptor, &piece, piece.count, 0)
    // With a time limit a receipt is cut off when the process is stopped and goes on.
    while count < 0, errno == EINTR { count = recv(descriptor, &piece, piece.count, 0) }
    guard count >= 0 else { throw ClientError.system("receive") }
    guard count > 0 else { throw ClientError("the server closed the connection") }
    buffer += piece[..<count]
  }
}

extension Endpoint {
  /// Sends one request over a connection of its own.
  package func send(
    _ method: String, _ target: String, headers: [(String, String)] = [], body: [UInt8]? = nil
  ) throws -> HTTPAnswer {
    let connection = try HTTPConnection(self)
    try connection.send(method, target, headers: headers, body: body)
    return try connection.receive()
  }

  package func get(_ target: String) throws -> HTTPAnswer { try send("GET", target) }

  package func post(
    _ target: String, _ body: String = "", headers: [(String, String)] = []
  ) throws -> HTTPAnswer {
    try send("POST", target, headers: headers, body: Array(body.utf8))
  }

  /// Claims for a user. `more` are further members, as `"count": 2`.
  package func claim(
    _ pool: String, _ user: String, key: String? = nil, more: String = ""
  ) throws -> HTTPAnswer {
    try post(
      "/v1/pools/\(pool)/claims", #"{"user": "\#(user)"\#(more.isEmpty ? "" : ", " + more)}"#,
      headers: key.map { [("Idempotency-Key", $0)] } ?? [])
  }

  package func level(_ pool: String) throws -> JSON { try get("/v1/pools/\(pool)/level").json }

  /// A pool's runs, newest first.
  package func runs(_ pool: String) throws -> [JSON] {
    try get("/v1/runs?pool=\(pool)&limit=1000").json["runs"].elements
  }

  package func run(_ id: String) throws -> JSON { try get("/v1/runs/\(id)").json }

  /// Asks for a run and waits for its end.
  package func prefill(_ pool: String, count: Int? = nil) throws -> JSON {
    let answer = try post("/v1/pools/\(pool)/runs", count.map { #"{"count": \#($0)}"# } ?? "")
    guard answer.status == 202, let id = answer.json["run"].string else {
      throw ClientError("no run: \(answer.text)")
    }
    return try ended(id)
  }

  /// Waits for a run's end.
  package func ended(_ id: String) throws -> JSON {
    try eventually("the end of run \(id)") {
      let run = try run(id)
      return ["queued", "running"].contains(run["state"].string) ? nil : run
    }
  }
}
