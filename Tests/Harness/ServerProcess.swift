import Foundation

/// A running `larder serve`.
package struct ServerProcess: Sendable {
  package let child: ChildProcess
  package let port: UInt16
  package var http: Endpoint { .tcp(port: port) }
  package var url: String { "http://127.0.0.1:\(port)" }

  /// Waits until a server that was started tells its address and is ready.
  package init(_ child: ChildProcess) throws {
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
  package func stop() throws -> Int32 {
    child.signal(SIGTERM)
    return try child.wait()
  }

  /// kill -9, and waits for its end.
  package func kill() throws {
    child.signal(SIGKILL)
    _ = try child.wait()
  }
}
