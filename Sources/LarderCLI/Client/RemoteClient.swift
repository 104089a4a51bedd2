import API
import CCurl
import Glibc
import HTTPServer
import Larder

/// The API of a server, over TCP or a Unix socket.
final class RemoteClient: Client {
  private let handle: OpaquePointer
  private let base: String
  /// Holds the folder of a socket whose own path is too long.
  private var folder: Int32 = -1
  private let name: String

  /// What a socket's address holds in bytes; a longer path is reached through its folder.
  private static let longestSocketPath = 107
  /// Seconds in which a connection must stand.
  private static let connectTime = 5
  /// Seconds that a call may take in all, longer than the longest `?wait=`.
  private static let answerTime = 120

  /// - Parameter server: `http://HOST:PORT`, or `unix:PATH`.
  init(_ server: String) throws(CommandError) {
    curl_global_init(Int(CURL_GLOBAL_DEFAULT))
    guard let handle = curl_easy_init() else { throw .failed("libcurl can't be used") }
    self.handle = OpaquePointer(handle)
    name = server
    if server.hasPrefix("unix:") {
      base = "http://larder"
      let path = String(server.dropFirst("unix:".count))
      try useSocket(path)
    } else if server.hasPrefix("http://") {
      base = server.hasSuffix("/") ? String(server.dropLast()) : server
    } else {
      base = ""
      throw .usage("--server must be http://HOST:PORT or unix:PATH, not \(server)")
    }
  }

  private var curl: UnsafeMutableRawPointer { UnsafeMutableRawPointer(handle) }

  private func useSocket(_ path: String) throws(CommandError) {
    var short = path
    if path.utf8.count > Self.longestSocketPath, let slash = path.lastIndex(of: "/") {
      folder = open(String(path[...slash]), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
      guard folder >= 0 else {
        throw .failed("\(path) can't be reached: \(String(cString: strerror(errno)))")
      }
      short = "/proc/self/fd/\(folder)/\(path[path.index(after: slash)...])"
    }
    _ = ccurl_set_text(curl, CURLOPT_UNIX_SOCKET_PATH, short)
  }

  func close() {
    curl_easy_cleanup(curl)
    if folder >= 0 { Glibc.close(folder) }
  }

  func send(_ request: APIRequest, patiently: Bool) throws(CommandError) -> HTTPResponse {
    let received = Received()
    let pointer = Unmanaged.passUnretained(received).toOpaque()
    var headers: UnsafeMutablePointer<curl_slist>?
    defer { curl_slist_free_all(headers) }
    for key in request.idempotencyKeys {
      headers = curl_slist_append(headers, "Idempotency-Key: \(key)")
    }
    headers = curl_slist_append(headers, "Content-Type: \(request.contentType ?? "")")
    headers = curl_slist_append(headers, "Expect:")
    _ = ccurl_set_text(curl, CURLOPT_URL, base + Self.target(request))
    _ = ccurl_set_text(curl, CURLOPT_CUSTOMREQUEST, request.method)
    _ = ccurl_set_pointer(curl, CURLOPT_HTTPHEADER, headers)
    _ = ccurl_set_writer(curl, CURLOPT_WRITEFUNCTION, Received.takeBody)
    _ = ccurl_set_pointer(curl, CURLOPT_WRITEDATA, pointer)
    _ = ccurl_set_writer(curl, CURLOPT_HEADERFUNCTION, Received.takeHeader)
    _ = ccurl_set_pointer(curl, CURLOPT_HEADERDATA, pointer)
    _ = ccurl_set_number(curl, CURLOPT_CONNECTTIMEOUT, Self.connectTime)
    _ = ccurl_set_number(curl, CURLOPT_TIMEOUT, patiently ? 0 : Self.answerTime)
    // A proxy of the environment has no business between a command and its own machine.
    _ = ccurl_set_text(curl, CURLOPT_PROXY, "")
    let code = withExtendedLifetime(received) {
      request.body.withUnsafeBytes { body in
        let hasBody = request.method != "GET"
        _ = ccurl_set_number(curl, CURLOPT_POST, hasBody ? 1 : 0)
        if hasBody {
          _ = ccurl_set_number(curl, CURLOPT_POSTFIELDSIZE, body.count)
          _ = ccurl_set_pointer(curl, CURLOPT_POSTFIELDS, body.baseAddress)
        }
        return curl_easy_perform(curl)
      }
    }
    guard code == CURLE_OK else {
      throw .failed("\(name) can't be reached: \(String(cString: curl_easy_strerror(code)))")
    }
    var status = 0
    _ = ccurl_status(curl, &status)
    return HTTPResponse(status: status, headers: received.headers, body: received.body)
  }

  private static func target(_ request: APIRequest) -> String {
    let path = request.segments.map { "/" + encode($0) }.joined()
    guard !request.query.isEmpty else { return path }
    return path + "?"
      + request.query.map { encode($0.name) + "=" + encode($0.value) }.joined(separator: "&")
  }

  private static func encode(_ text: String) -> String {
    var encoded = ""
    for byte in text.utf8 {
      let scalar = Unicode.Scalar(byte)
      if scalar.properties.isAlphabetic && byte < 128 || (48...57).contains(byte)
        || "-._~".utf8.contains(byte)
      {
        encoded.unicodeScalars.append(scalar)
      } else {
        encoded += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
      }
    }
    return encoded
  }
}

/// What libcurl hands over of an answer.
private final class Received {
  var headers: [HTTPField] = []
  var body: [UInt8] = []

  static let takeBody:
    @convention(c) (
      UnsafeMutablePointer<CChar>?, Int, Int, UnsafeMutableRawPointer?
    ) -> Int = { bytes, size, count, pointer in
      guard let bytes, let pointer else { return 0 }
      let received = Unmanaged<Received>.fromOpaque(pointer).takeUnretainedValue()
      received.body += UnsafeRawBufferPointer(start: bytes, count: size * count)
      return size * count
    }

  static let takeHeader:
    @convention(c) (
      UnsafeMutablePointer<CChar>?, Int, Int, UnsafeMutableRawPointer?
    ) -> Int = { bytes, size, count, pointer in
      guard let bytes, let pointer else { return 0 }
      let received = Unmanaged<Received>.fromOpaque(pointer).takeUnretainedValue()
      let line = String(
        decoding: UnsafeRawBufferPointer(start: bytes, count: size * count), as: UTF8.self)
      let parts = line.split(separator: ":", maxSplits: 1)
      if parts.count == 2 {
        let value = parts[1].drop { $0 == " " }.prefix { !$0.isNewline }
        received.headers.append(HTTPField(String(parts[0]), String(value)))
      }
      return size * count
    }
}
