import Foundation

/// A running `larder serve`.
struct ServerProcess: Sendable {
  let child: ChildProcess
  let port: UInt16
  var http: Endpoint { .tcp(port: port) }
  var url: String { "http://127.0.0.1:\(port)" }

  /// Waits until a server that was started tells its address and is ready.
  init(_ child: ChildProcess) throws {
    self.child = child
    let port = try eventually("the server's address") { () throws -> UInt16? in
      if let status = child.ended {
        throw ClientError("serve ended with \(status): \(child.errors)")
      }
      guard let match = child.errors.firstMatch(of: /serves .* on 127\.0\.0\.1:(\d+) and unix:/)
      else { return nil }
      return UInt16(match.1)
    }
    self.port = port
    try eventually("readiness") { try Endpoint.tcp(port: port).get("/readyz").status == 200 }
  }

  /// SIGTERM, and its exit code.
  @discardableResult
  func stop() throws -> Int32 {
    child.signal(SIGTERM)
    return try child.wait()
  }

  /// kill -9, and waits for its end.
  func kill() throws {
    child.signal(SIGKILL)
    _ = try child.wait()
  }
}
