import Foundation
import HTTPServer
import Testing

@Suite(.serialized) struct ListenerTests {
  private func started(_ listener: HTTPListener) throws -> HTTPServer {
    let server = try HTTPServer(configuration: testConfiguration([listener]), handler: echo)
    try server.start()
    return server
  }

  @Test func addressesAreRead() throws {
    #expect(try HTTPListener(parsing: "127.0.0.1:8420") == .tcp(host: "127.0.0.1", port: 8420))
    #expect(try HTTPListener(parsing: "localhost:0") == .tcp(host: "localhost", port: 0))
    #expect(try HTTPListener(parsing: "[::1]:80") == .tcp(host: "::1", port: 80))
    #expect(try HTTPListener(parsing: "unix:/a/b:c") == .unix(path: "/a/b:c"))
    for text in ["127.0.0.1:8420", "[::1]:80", "unix:x.sock"] {
      #expect(try HTTPListener(parsing: text).description == text)
    }
  }

  @Test(arguments: [
    "", "127.0.0.1", "127.0.0.1:", "127.0.0.1:+1", "a:70000", "::1:80", ":80", "unix:",
  ])
  func whatIsNoAddressIsRefused(_ text: String) throws {
    let error = try #require(throws: HTTPServerError.self) { try HTTPListener(parsing: text) }
    guard case .malformedAddress(text, _) = error else {
      Issue.record("\(error)")
      return
    }
  }

  @Test(arguments: ["0.0.0.0", "192.168.1.1", "::", "8.8.8.8", "::ffff:127.0.0.1", "fe80::1"])
  func addressesThatOthersCanReachAreRefused(_ host: String) {
    let listener = HTTPListener.tcp(host: host, port: 0)
    #expect(throws: HTTPServerError.notLoopback(listener.description)) { try started(listener) }
  }

  @Test func namesAreNotLookedUp() {
    #expect(throws: HTTPServerError.self) { try started(.tcp(host: "example.org", port: 0)) }
  }

  @Test func aPortInUseIsNamed() throws {
    let first = try started(.tcp(host: "localhost", port: 0))
    let taken = first.listeners[0]
    #expect(taken != .tcp(host: "localhost", port: 0))
    let error = #expect(throws: HTTPServerError.self) { try started(taken) }
    #expect(error == .addressInUse(taken.description))
    #expect(error?.description == "\(taken) is already in use")
    first.stop(drainFor: 0)
    let second = try started(taken)
    second.stop(drainFor: 0)
  }

  @Test func ipv6LoopbackIsServed() throws {
    do {
      let server = try started(.tcp(host: "::1", port: 0))
      #expect(server.listeners[0].description.hasPrefix("[::1]:"))
    } catch HTTPServerError.cannotListen(_, let code) {
      #expect(code == EADDRNOTAVAIL || code == EAFNOSUPPORT, "this machine has no IPv6")
    }
  }

  @Test func aServerStartsOnceAndNeedNotStart() throws {
    let server = try started(.tcp(host: "127.0.0.1", port: 0))
    #expect(throws: HTTPServerError.alreadyStarted) { try server.start() }
    server.stop(drainFor: 0)
    server.stop(drainFor: 0)
    #expect(server.listeners.isEmpty)
    let never = try HTTPServer(configuration: testConfiguration([]), handler: echo)
    never.stop(drainFor: 0)
  }

  @Test func whereOneListenerFailsNoneListens() throws {
    try withFolder { folder in
      let path = folder + "/s.sock"
      let server = try HTTPServer(
        configuration: testConfiguration([.unix(path: path), .tcp(host: "0.0.0.0", port: 0)]),
        handler: echo)
      #expect(throws: HTTPServerError.self) { try server.start() }
      #expect(!FileManager.default.fileExists(atPath: path))
    }
  }

  @Test func aUnixSocketIsPrivateAndRemovedAtTheEnd() throws {
    try withFolder { folder in
      let path = folder + "/s.sock"
      let peers = Box<HTTPPeer>()
      let server = try TestServer([.unix(path: path)]) { request, responder in
        peers.put(request.peer)
        echo(request, responder)
      }
      var status = stat()
      #expect(lstat(path, &status) == 0)
      #expect(status.st_mode == S_IFSOCK | 0o600)
      #expect(try RawClient(path: path).exchange(post("/", "u")).text == "POST / u")
      #expect(try peers.take() == .unix(user: getuid()))
      #expect(try server.client().exchange(get("/")).status == 200)
      #expect(try peers.take() == .loopback)
      server.server.stop(drainFor: 0)
      #expect(lstat(path, &status) != 0)
    }
  }

  @Test func aLongUnixPathIsServed() throws {
    try withFolder { folder in
      let deep = folder + "/" + String(repeating: "d", count: 150)
      try FileManager.default.createDirectory(atPath: deep, withIntermediateDirectories: true)
      let server = try started(.unix(path: deep + "/s.sock"))
      defer { server.stop(drainFor: 0) }
      let descriptor = open(deep, O_RDONLY | O_DIRECTORY)
      defer { close(descriptor) }
      let client = try RawClient(path: "/proc/self/fd/\(descriptor)/s.sock")
      #expect(try client.exchange(get("/")).status == 200)
      let name = String(repeating: "n", count: 120)
      #expect(throws: HTTPServerError.self) { try started(.unix(path: deep + "/" + name)) }
    }
  }

  @Test func aStaleSocketIsReplacedAndALiveOneIsNot() throws {
    try withFolder { folder in
      let path = folder + "/s.sock"
      let stale = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
      var address = unixAddress(path)
      let bound = withUnsafeBytes(of: &address) {
        bind(stale, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
      }
      #expect(bound == 0)
      close(stale)
      let server = try started(.unix(path: path))
      #expect(throws: HTTPServerError.addressInUse("unix:\(path)")) {
        try started(.unix(path: path))
      }
      #expect(try RawClient(path: path).exchange(get("/")).status == 200)
      server.stop(drainFor: 0)
      try Data("mine".utf8).write(to: URL(fileURLWithPath: path))
      #expect(throws: HTTPServerError.notASocket(path: path)) { try started(.unix(path: path)) }
    }
  }

  @Test func anotherServersFileIsNotRemoved() throws {
    try withFolder { folder in
      let path = folder + "/s.sock"
      let first = try started(.unix(path: path))
      unlink(path)
      let second = try started(.unix(path: path))
      first.stop(drainFor: 0)
      #expect(try RawClient(path: path).exchange(get("/")).status == 200)
      second.stop(drainFor: 0)
    }
  }
}
