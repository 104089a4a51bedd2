import Foundation
import Harness
import Lock
import Testing

@Suite struct StopTests {
  @Test func aStopLeavesNoClaimUnanswered() throws {
    try Workspace.with { workspace in
      try workspace.declare("codes", "claims: {per_user: 0}")
      let lines = String(repeating: "{\"payload\": 1}\n", count: 5000)
      #expect(try workspace.larder("put", "codes", input: lines).status == 0)
      let server = try workspace.serve()
      let answered = Lock<Set<String>>([])
      Thread.detachNewThread {
        _ = try? eventually("claims") { answered.withLock { $0.count } >= 100 }
        server.child.signal(SIGTERM)
      }
      _ = try atOnce(8) { client in
        let connection = try HTTPConnection(server.http)
        while true {
          do {
            try connection.send(
              "POST", "/v1/pools/codes/claims", body: Array(#"{"user": "u-\#(client)"}"#.utf8))
            let answer = try connection.receive()
            guard answer.status == 201 else { return }
            let claim = answer.json["claim"].string ?? ""
            _ = answered.withLock { $0.insert(claim) }
          } catch {
            return
          }
        }
      }
      #expect(try server.child.wait() == 0)
      let kept = try workspace.larder("claims", "--json").json["claims"].elements
      #expect(Set(kept.compactMap { $0["claim"].string }) == answered.withLock { $0 })
    }
  }

  @Test func aStoreHasOneServer() throws {
    try Workspace.with { workspace in
      let server = try workspace.serve()
      let second = try workspace.larder("serve", "--listen", "127.0.0.1:0")
      #expect(second.status == 1)
      #expect(second.errors.contains("is served by another process"))
      // By another name it is the same store.
      try FileManager.default.createSymbolicLink(
        atPath: workspace.path + "/link.db", withDestinationPath: workspace.store)
      let linked = try workspace.larder(
        "serve", "--listen", "127.0.0.1:0", "--store", "sqlite:link.db")
      #expect(linked.status == 1)
      #expect(try server.http.get("/readyz").status == 200)
    }
  }

  @Test func aPortInUseIsRefused() throws {
    try Workspace.with { workspace in
      let server = try workspace.serve()
      let second = try workspace.larder(
        "serve", "--listen", "127.0.0.1:\(server.port)", "--store", "sqlite:other.db")
      #expect(second.status == 1)
      #expect(second.errors.contains("127.0.0.1:\(server.port)"))
    }
  }

  @Test func aServerListensOnLoopbackOnly() throws {
    try Workspace.with { workspace in
      for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:8420"] {
        let refused = try workspace.larder("serve", "--listen", address)
        #expect(refused.status == 1, "\(address)")
        #expect(refused.errors.contains("loopback"), "\(refused.errors)")
      }
      for address in ["nonsense", "127.0.0.1:99999", "127.0.0.1:", ":80", "unix:", "::1:80"] {
        #expect(try workspace.larder("serve", "--listen", address).status == 2, "\(address)")
      }
      #expect(try workspace.larder("serve", "--producers", "0").status == 2)
    }
  }

  @Test func aServerListensOnAUnixSocketToo() throws {
    try Workspace.with { workspace in
      let socket = workspace.path + "/api.sock"
      let child = try workspace.start(
        [try Workspace.binary(), "serve", "--listen", "unix:\(socket)"])
      let endpoint = Endpoint.unix(path: socket)
      try eventually("readiness") {
        #expect(child.ended == nil)
        return (try? endpoint.get("/readyz"))?.status == 200
      }
      #expect(try workspace.socket.get("/livez").status == 200)
      #expect(try workspace.mode("api.sock") == 0o600)
      #expect(try workspace.mode("larder.db.sock") == 0o600)
      #expect(try workspace.mode("larder.db") == 0o600)
      let levels = try workspace.larder("levels", "--server", "unix:\(socket)", "--json")
      #expect(levels.status == 0)
      child.signal(SIGINT)
      #expect(try child.wait() == 0)
      // Nothing is in the next server's way.
      #expect(try workspace.serve().http.get("/readyz").status == 200)
    }
  }
}
