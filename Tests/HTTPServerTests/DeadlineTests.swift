import Foundation
import HTTPServer
import Testing

@Suite(.serialized) struct DeadlineTests {
  private func limits(_ change: (inout HTTPLimits) -> Void) -> HTTPLimits {
    var limits = HTTPLimits()
    change(&limits)
    return limits
  }

  @Test func aSlowHeaderEndsWith408() throws {
    let server = try TestServer(limits: limits { $0.headerTime = 2000 }, handler: echo)
    let client = try server.client()
    try client.send("GET / HTTP/1.1\r\nHost: localhost\r\n")
    while !client.isReadable(within: 50) { try client.send("X-Drip: 1\r\n") }
    #expect(try client.response()?.status == 408)
  }

  @Test func aSlowSenderIsServedWithinTheTime() throws {
    let server = try TestServer(handler: echo)
    let client = try server.client()
    for request in [get("/"), post("/", "slow")] {
      // Byte by byte; the socket sends each at once.
      for byte in request.utf8 { try client.send([byte]) }
      #expect(try client.response()?.status == 200)
    }
  }

  @Test func aSlowHeaderOnAUsedConnectionEndsToo() throws {
    let server = try TestServer(limits: limits { $0.headerTime = 2000 }, handler: echo)
    let client = try server.client()
    #expect(try client.exchange(get("/")).status == 200)
    try client.send("GET / HTTP/1.1\r\n")
    #expect(try client.response()?.status == 408)
  }

  @Test func aConnectionThatSaysNothingIsClosed() throws {
    let server = try TestServer(limits: limits { $0.headerTime = 100 }, handler: echo)
    #expect(try server.client().readToEnd() == "")
  }

  @Test func aDrippingBodyMeetsTheDeadline() throws {
    let server = try TestServer(limits: limits { $0.transferTime = 200 }, handler: echo)
    let client = try server.client()
    try client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n")
    // Never idle for long, and yet it ends, long before the body is whole.
    var sent = 0
    while !client.isReadable(within: 5), sent < 60_000 {
      try client.send("x")
      sent += 1
    }
    #expect(sent < 60_000)
    #expect(try client.response()?.status == 408)
  }

  @Test func anIdleConnectionIsClosed() throws {
    let server = try TestServer(limits: limits { $0.idleTime = 100 }, handler: echo)
    let client = try server.client()
    #expect(try client.exchange(get("/")).status == 200)
    #expect(try client.readToEnd() == "")
  }

  @Test func aHandlerMayTakeLongerThanAllDeadlines() throws {
    let waiting = Box<Responder>()
    let server = try TestServer(
      limits: limits {
        $0.headerTime = 2000
        $0.transferTime = 100
        $0.idleTime = 100
      }, handler: { waiting.put($1) })
    let client = try server.client()
    try client.send(get("/"))
    let responder = try waiting.take()
    // Another connection that is closed by its deadline shows that this one's is past as well.
    #expect(try server.client().readToEnd() == "")
    responder.send(HTTPResponse(status: 200))
    #expect(try client.response()?.status == 200)
  }

  @Test func aReaderThatStopsIsCutOff() throws {
    var limits = limits { $0.transferTime = 200 }
    limits.bodyBytesInTime = 100_000_000
    let body = [UInt8](repeating: 1, count: 50_000_000)
    let server = try TestServer(limits: limits) { _, responder in
      responder.send(HTTPResponse(status: 200, body: body))
    }
    let client = try server.client()
    try client.send(get("/"))
    #expect(client.isReadable(within: 60_000))
    // The other connection's deadline began later than this one's.
    let other = try server.client()
    try other.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n")
    #expect(try other.response()?.status == 408)
    #expect(throws: RawClientError.self) { try client.response() }
  }
}
