import Foundation
import Glibc
import Harness

extension Phase {
  /// Clients that reset their connections, send slowly or never, or all want one key, beside good
  /// ones.
  package static func hostileClients(seconds: Double, slowBodies: Bool = true) -> Phase {
    Phase("hostile clients") { context in
      try tryStore(context, seed: context.seed, auditing: 100) { arena, tally in
        guard try arena.start() else { throw ClientError("the server was killed") }
        let port = arena.target.wait()!.port
        let end = ContinuousClock.now + .seconds(seconds)
        let began = monotonicNow()
        let slow = try atOnce(4) { index -> [String] in
          switch index {
          case 0: try reset(port, until: end)
          case 1: try neverRead(port, until: end)
          case 2: return try sendSlowly(port, header: true)
          default: if slowBodies { return try sendSlowly(port, header: false) }
          }
          return []
        }
        arena.recorder.record(unread(since: began))
        tally.violations += slow.joined().map { Violation(.server, .other, $0) }
        tally.violations += try wantOneKey(arena, port).map { Violation(.i1, .doubled, $0) }
      }
    }
  }

  private static let request = HTTPText.request(
    "POST", "/v1/pools/\(LoadPools.codes)/claims", headers: "Idempotency-Key: hostile\r\n",
    body: #"{"user":"hostile"}"#)

  /// What the history has of those requests: they all have one key, and nobody read an answer.
  private static func unread(since began: Int64) -> Operation {
    let request = LoadRequest(pool: LoadPools.codes, user: "hostile", key: "hostile")
    return Operation(
      .claim, client: 199, invoked: began, completed: monotonicNow(), pool: request.pool,
      user: request.user, key: request.key, fingerprint: request.fingerprint, outcome: .info)
  }

  /// Breaks the connection off at any byte of the request, with a reset.
  private static func reset(_ port: UInt16, until end: ContinuousClock.Instant) throws {
    var length = 0
    while ContinuousClock.now < end {
      length = (length + 7) % (request.count + 1)
      guard let connection = LightConnection(port: port, patience: 10) else { continue }
      try? connection.send(Array(request.prefix(length)))
      connection.resetAtClose()
    }
  }

  /// Sends requests and reads no answer.
  private static func neverRead(_ port: UInt16, until end: ContinuousClock.Instant) throws {
    while ContinuousClock.now < end {
      guard let connection = LightConnection(port: port, patience: 1) else { continue }
      for _ in 0..<200 {
        guard (try? connection.send(request)) != nil else { break }
      }
    }
  }

  /// Sends a byte now and then: the whole request has a deadline, whatever comes meanwhile.
  private static func sendSlowly(_ port: UInt16, header: Bool) throws -> [String] {
    guard let connection = LightConnection(port: port, patience: 60) else {
      return ["a slow sender was refused"]
    }
    let deadline: Double = header ? 5 : 35
    let began = ContinuousClock.now
    var bytes = Array("POST /v1/pools/codes/claims HTTP/1.1\r\nHost: localhost\r\n".utf8)
    if !header { bytes += Array("Content-Length: 60000\r\n\r\n".utf8) }
    try? connection.send(bytes)
    let filler = [UInt8](repeating: UInt8(ascii: "x"), count: 1)
    while (try? connection.send(filler)) != nil {
      usleep(50_000)
      if connection.isClosed { break }
      if ContinuousClock.now - began > .seconds(deadline + 10) {
        return ["a sender of \(header ? "a header" : "a body") was not cut off in time"]
      }
    }
    return []
  }

  /// 64 clients at once want the same key: they get one claim.
  private static func wantOneKey(_ arena: Arena, _ port: UInt16) throws -> [String] {
    let recorder = arena.recorder
    let target = arena.target
    _ = try atOnce(64) { index in
      let client = LoadClient(
        200 + index, target: target, recorder: recorder, shared: LoadShared(seed: 1), seed: 1)
      for round in 1...20 {
        client.claim(
          LoadRequest(pool: LoadPools.codes, user: "mob-\(round)", key: "key-\(round)"))
      }
    }
    var claims: [String: Set<String>] = [:]
    for operation in recorder.snapshot().operations
    where operation.user.hasPrefix("mob-") && operation.outcome == .ok {
      claims[operation.user, default: []].formUnion(operation.claims.map(\.id))
    }
    return claims.filter { $0.value.count > 1 }.map { "\($0.key) has claims \($0.value)" }
  }
}
