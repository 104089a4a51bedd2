import Engine
import Foundation
import HTTPServer
import Larder
import Testing

@testable import API

/// Waiting for claims over HTTP.
extension WaitTests {
  /// The names of this process's threads.
  private static func threads() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").compactMap { id in
      FileManager.default.contents(atPath: "/proc/self/task/\(id)/comm").map {
        String(decoding: $0, as: UTF8.self).trimmingCharacters(in: .newlines)
      }
    }
  }

  private static func allowFiles() -> Int {
    var files = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &files)
    files.rlim_cur = min(files.rlim_max, 4096)
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &files)
    return Int(files.rlim_cur)
  }

  @Test func aThousandWaitOnOneServerAndOneTransactionAnswersThemAll() throws {
    let bench = try Bench()
    let server = try TestServer(bench)
    // Both ends of each connection are this process's.
    let count = min(1000, (Self.allowFiles() - 256) / 2)
    let ids = (0..<count / 2).map { bench.backorder(user: "\($0)") }
    let connections = try (0..<count).map { index in
      let connection = try Connection(port: server.port)
      try connection.get("/v1/claims/\(ids[index / 2])?wait=60s")
      return connection
    }
    #expect(eventually { bench.api.waiters.count == count })
    let threads = try Self.threads()
    // Other tests may have one as well.
    let waits = threads.count { $0 == "claim-waits" }
    #expect((1..<10).contains(waits) && threads.count < 100, "\(threads)")
    #expect(connections.allSatisfy { !$0.isReadable })
    bench.fill()
    for (index, connection) in connections.enumerated() {
      let id = ids[index / 2]
      let (status, body) = try connection.answer()
      #expect(status == 200 && body.contains("\"claim\":\"\(id)\""))
      #expect(body.contains("\"state\":\"claimed\"") && body.contains("secret of \(id)"))
    }
    #expect(bench.api.waiters.count == 0)
  }

  @Test func theServersOwnDeadlinesEndNoWait() throws {
    let bench = try Bench()
    var limits = HTTPLimits()
    limits.headerTime = 2000
    limits.transferTime = 2000
    limits.idleTime = 2000
    let server = try TestServer(bench, limits: limits)
    let id = bench.backorder()
    let connection = try Connection(port: server.port)
    let began = ContinuousClock.now
    try connection.get("/v1/claims/\(id)?wait=4s")
    let (status, body) = try connection.answer()
    #expect(status == 200 && body.contains(#""state":"pending""#))
    #expect(ContinuousClock.now - began >= .seconds(4))
  }

  @Test(arguments: [true, false])
  func whoGoesAwayFreesItsPlaceAndDisturbsNobody(_ abruptly: Bool) throws {
    let bench = try Bench()
    let server = try TestServer(bench)
    let id = bench.backorder()
    let stays = try Connection(port: server.port)
    try stays.get("/v1/claims/\(id)?wait=60s")
    for span in ["5s", "60s"] {
      let gone = try (0..<20).map { _ in try Connection(port: server.port) }
      for connection in gone { try connection.get("/v1/claims/\(id)?wait=\(span)") }
      #expect(eventually { bench.api.waiters.count == 21 })
      for connection in gone { connection.end(abruptly: abruptly) }
      if span == "60s" { bench.fill() }
      #expect(eventually { bench.api.waiters.count == (span == "60s" ? 0 : 1) })
    }
    #expect(try stays.answer().body.contains(#""state":"claimed""#))
    let next = try Connection(port: server.port)
    try next.get("/v1/claims/\(id)?wait=60s")
    #expect(try next.answer().status == 200)
    // Connections whose clients are gone are closed, or the stop would wait for them.
    let began = ContinuousClock.now
    server.http.stop(drainFor: 60)
    #expect(ContinuousClock.now - began < .seconds(60))
  }

  @Test func aStopWaitsForNobodyWhoWaits() throws {
    let bench = try Bench()
    let server = try TestServer(bench)
    let id = bench.backorder()
    let connections = try (0..<50).map { _ in try Connection(port: server.port) }
    for connection in connections { try connection.get("/v1/claims/\(id)?wait=60s") }
    #expect(eventually { bench.api.waiters.count == 50 })
    bench.api.stopWaiting()
    let began = ContinuousClock.now
    server.http.stop(drainFor: 60)
    #expect(ContinuousClock.now - began < .seconds(60))
    for connection in connections {
      let (status, body) = try connection.answer()
      #expect(status == 200 && body.contains(#""state":"pending""#))
    }
  }
}
