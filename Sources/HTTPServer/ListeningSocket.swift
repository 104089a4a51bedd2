import CLinux
import Glibc

/// A socket that listens, and what must be undone when it no longer should.
struct ListeningSocket {
  /// The descriptor, not blocking.
  let descriptor: Int32
  /// Where it really listens: the port is the bound one.
  let listener: HTTPListener
  /// The file that the bind made, so that only that one is removed.
  private let file: (device: UInt, inode: UInt)?

  /// Binds and listens. Throws what `HTTPServerError` says of addresses.
  init(_ listener: HTTPListener) throws(HTTPServerError) {
    switch listener {
    case .tcp(let host, let port): try self.init(host: host, port: port, asked: listener)
    case .unix(let path): try self.init(path: path, asked: listener)
    }
  }

  /// Closes the socket, unless libmicrohttpd did, and removes its file.
  func close() {
    removeFile()
    _ = Glibc.close(descriptor)
  }

  /// Removes the file of a Unix socket, if it is still the one that was bound.
  func removeFile() {
    guard case .unix(let path) = listener, let file, let found = Self.status(path) else { return }
    if found.st_dev == file.device, found.st_ino == file.inode { unlink(path) }
  }
}

// MARK: - TCP

extension ListeningSocket {
  private init(host: String, port: UInt16, asked: HTTPListener) throws(HTTPServerError) {
    let number = host == "localhost" ? "127.0.0.1" : host
    if var address = Self.ipv4(number, port: port) {
      guard Self.isLoopback(address.sin_addr) else { throw .notLoopback(asked.description) }
      let descriptor = try Self.bound(AF_INET, &address, asked: asked)
      self.init(descriptor: descriptor, host: number, port: Self.boundPort(descriptor))
    } else if var address = Self.ipv6(number, port: port) {
      guard Self.isLoopback(address.sin6_addr) else { throw .notLoopback(asked.description) }
      let descriptor = try Self.bound(AF_INET6, &address, asked: asked)
      self.init(descriptor: descriptor, host: number, port: Self.boundPort(descriptor))
    } else {
      throw .malformedAddress(asked.description, reason: "the host is no IP address")
    }
  }

  private init(descriptor: Int32, host: String, port: UInt16) {
    self.descriptor = descriptor
    self.listener = .tcp(host: host, port: port)
    self.file = nil
  }

  private static func ipv4(_ host: String, port: UInt16) -> sockaddr_in? {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    return inet_pton(AF_INET, host, &address.sin_addr) == 1 ? address : nil
  }

  private static func ipv6(_ host: String, port: UInt16) -> sockaddr_in6? {
    var address = sockaddr_in6()
    address.sin6_family = sa_family_t(AF_INET6)
    address.sin6_port = port.bigEndian
    return inet_pton(AF_INET6, host, &address.sin6_addr) == 1 ? address : nil
  }

  /// Whether it is a name or an address by which nobody but this machine is meant.
  static func isLoopback(_ host: some StringProtocol) -> Bool {
    let host = String(host)
    if host == "127.0.0.1" || host == "localhost" || host.lowercased() == "localhost" {
      return true
    }
    if let address = ipv4(host, port: 0) { return isLoopback(address.sin_addr) }
    return ipv6(host, port: 0).map { isLoopback($0.sin6_addr) } ?? false
  }

  private static func isLoopback(_ address: in_addr) -> Bool {
    UInt32(bigEndian: address.s_addr) >> 24 == 127
  }

  private static func isLoopback(_ address: in6_addr) -> Bool {
    withUnsafeBytes(of: address) { $0.dropLast().allSatisfy { $0 == 0 } && $0.last == 1 }
  }

  private static func bound<Address>(
    _ family: Int32, _ address: inout Address, asked: HTTPListener
  ) throws(HTTPServerError) -> Int32 {
    let descriptor = try opened(family, asked: asked)
    var yes: Int32 = 1
    let size = socklen_t(MemoryLayout<Int32>.size)
    // A port in TIME_WAIT after a restart may be taken again; one that somebody listens on not.
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, size)
    if family == AF_INET6 {
      setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &yes, size)
    }
    try bindAndListen(descriptor, &address, asked: asked)
    return descriptor
  }

  private static func boundPort(_ descriptor: Int32) -> UInt16 {
    var address = sockaddr_in6()
    var size = socklen_t(MemoryLayout<sockaddr_in6>.size)
    _ = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) }
    }
    // The port stands at the same place in both families.
    return UInt16(bigEndian: address.sin6_port)
  }
}

// MARK: - Unix sockets

extension ListeningSocket {
  private init(path: String, asked: HTTPListener) throws(HTTPServerError) {
    let (name, folder) = try Self.shortName(path, asked: asked)
    defer { if folder >= 0 { Glibc.close(folder) } }
    var address = Self.unixAddress(name)
    try Self.removeStale(path, &address, asked: asked)

    let descriptor = try Self.opened(AF_UNIX, asked: asked)
    // Linux gives the file the socket's own mode: nobody else can connect in between, and the
    // umask, which all threads share, stays as it is.
    fchmod(descriptor, 0o600)
    try Self.bindAndListen(descriptor, &address, asked: asked)
    chmod(path, 0o600)
    let status = Self.status(path)
    self.descriptor = descriptor
    self.listener = asked
    self.file = status.map { (device: $0.st_dev, inode: $0.st_ino) }
  }

  /// What a Unix address holds, without the NUL at its end.
  private static let longestName = 107

  /// The path itself, or a shorter one through its folder's descriptor (to be closed if not -1).
  private static func shortName(
    _ path: String, asked: HTTPListener
  ) throws(HTTPServerError) -> (String, folder: Int32) {
    guard path.utf8.count > longestName else { return (path, -1) }
    guard let slash = path.lastIndex(of: "/") else {
      throw .cannotListen(asked.description, code: ENAMETOOLONG)
    }
    let folder = open(String(path[...slash]), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard folder >= 0 else { throw .cannotListen(asked.description, code: errno) }
    let name = "/proc/self/fd/\(folder)/\(path[path.index(after: slash)...])"
    guard name.utf8.count <= longestName else {
      Glibc.close(folder)
      throw .cannotListen(asked.description, code: ENAMETOOLONG)
    }
    return (name, folder)
  }

  private static func unixAddress(_ name: String) -> sockaddr_un {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name.utf8) }
    return address
  }

  /// Removes a socket file on which nobody answers. Two servers that do this at once could remove
  /// each other's file: the caller holds a lock of its own.
  private static func removeStale(
    _ path: String, _ address: inout sockaddr_un, asked: HTTPListener
  ) throws(HTTPServerError) {
    guard let found = status(path) else { return }
    guard found.st_mode & S_IFMT == S_IFSOCK else { throw .notASocket(path: path) }
    let probe = try opened(AF_UNIX, asked: asked)
    defer { Glibc.close(probe) }
    let answered = withUnsafeAddress(&address) { connect(probe, $0, $1) } == 0
    // EAGAIN: its backlog is full, so somebody is there. ECONNREFUSED: nobody is.
    guard !answered, errno == ECONNREFUSED else { throw .addressInUse(asked.description) }
    guard unlink(path) == 0 || errno == ENOENT else {
      throw .cannotListen(asked.description, code: errno)
    }
  }

  private static func status(_ path: String) -> stat? {
    var found = stat()
    return lstat(path, &found) == 0 ? found : nil
  }
}

// MARK: - Both

extension ListeningSocket {
  private static func opened(
    _ family: Int32, asked: HTTPListener
  ) throws(HTTPServerError) -> Int32 {
    let flags = SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
    let descriptor = socket(family, Int32(SOCK_STREAM.rawValue | flags), 0)
    guard descriptor >= 0 else { throw .cannotListen(asked.description, code: errno) }
    return descriptor
  }

  private static func bindAndListen<Address>(
    _ descriptor: Int32, _ address: inout Address, asked: HTTPListener
  ) throws(HTTPServerError) {
    let done =
      withUnsafeAddress(&address) { bind(descriptor, $0, $1) } == 0
      && listen(descriptor, SOMAXCONN) == 0
    guard !done else { return }
    let code = errno
    Glibc.close(descriptor)
    if code == EADDRINUSE { throw .addressInUse(asked.description) }
    throw .cannotListen(asked.description, code: code)
  }

  private static func withUnsafeAddress<Address>(
    _ address: inout Address, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
  ) -> Int32 {
    withUnsafeBytes(of: &address) { bytes in
      body(
        bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self),
        socklen_t(MemoryLayout<Address>.size))
    }
  }
}
