import Synchronization
import Testing

@testable import HTTPServer

/// Each limit of the server from both sides. Those of times are in `DeadlineTests`, those of
/// connections and waiting requests in `RefusalTests`.
@Suite(.serialized) struct LimitTests {
  @Test func aHeaderHasSoManyBytes() throws {
    let limit = HTTPLimits().headerBytes
    let server = try TestServer(handler: echo)
    for (bytes, status) in [(limit - 1, 200), (limit, 200), (limit + 1, 431)] {
      let long = String(repeating: "a", count: bytes - get("/").utf8.count)
      let answer = try server.client().exchange(get("/\(long)"))
      #expect(answer.status == status, "\(bytes) bytes")
    }
  }

  @Test func aHeaderHasSoManyFields() throws {
    let limit = HTTPLimits().headerFields
    let server = try TestServer(handler: echo)
    for (fields, status) in [(limit - 1, 200), (limit, 200), (limit + 1, 431)] {
      // One of them is Host.
      let more = (1..<fields).map { "X-\($0): 1\r\n" }.joined()
      #expect(try server.client().exchange(get("/", more)).status == status, "\(fields) fields")
    }
  }

  @Test func aBodyHasSoManyBytesHoweverItIsSent() throws {
    let limit = 1000
    let server = try TestServer(bodyLimit: limit, handler: echo)
    for (bytes, status) in [(limit - 1, 200), (limit, 200), (limit + 1, 413)] {
      let body = String(repeating: "x", count: bytes)
      #expect(try server.client().exchange(post("/", body)).status == status, "\(bytes) bytes")
      let head = "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
      // In two pieces: what counts is all of them.
      let chunked =
        head + "1f4\r\n\(body.prefix(500))\r\n"
        + "\(String(bytes - 500, radix: 16))\r\n\(body.dropFirst(500))\r\n0\r\n\r\n"
      #expect(try server.client().exchange(chunked).status == status, "\(bytes) bytes in chunks")
    }
  }

  @Test func theTimeOfABodyGrowsWithItsLengthAlone() {
    let limits = HTTPLimits()
    let (free, rate) = (limits.bodyBytesInTime, limits.transferRate)
    #expect(limits.time(forBytes: 0) == limits.transferTime)
    #expect(limits.time(forBytes: free) == limits.transferTime)
    #expect(limits.time(forBytes: free + rate - 1) == limits.transferTime)
    #expect(limits.time(forBytes: free + rate) == limits.transferTime + 1000)
    #expect(limits.time(forBytes: 8 * 1024 * 1024) == limits.transferTime + 127_000)
  }

  /// Whether the server hangs up on a client that goes on with an upload that was refused.
  private func hangsUp(_ limits: HTTPLimits, pieces: Int, of bytes: Int) throws -> Bool {
    let server = try TestServer(limits: limits, bodyLimit: 10, handler: echo)
    let client = try server.client()
    try client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999\r\n\r\n")
    #expect(try client.response()?.status == 413)
    let piece = [UInt8](repeating: 1, count: bytes)
    for _ in 0..<pieces {
      do { try client.send(piece) } catch { return true }
    }
    return false
  }

  @Test func aRefusedUploadIsReadForSoManyBytesAndSoLong() throws {
    var limits = HTTPLimits()
    limits.lingerBytes = 10_000_000
    limits.lingerTime = 60_000
    #expect(try !hangsUp(limits, pieces: 9, of: 1_000_000))
    #expect(try hangsUp(limits, pieces: 100, of: 1_000_000))
    limits.lingerTime = 100
    #expect(try hangsUp(limits, pieces: 9_999_999, of: 1))
  }

  // MARK: - Memory over all connections

  @Test func bodiesInMemoryAreBoundedTogether() throws {
    var limits = HTTPLimits()
    limits.uploadBytes = 1000
    let waiting = Box<Responder>()
    let server = try TestServer(limits: limits) { waiting.put($1) }
    func begin(_ bytes: Int) throws -> RawClient {
      let client = try server.client()
      try client.send(post("/", String(repeating: "x", count: bytes)))
      return client
    }
    let first = try begin(600)
    let responder = try waiting.take()
    // With another 400 it is just as much as there may be.
    let second = try begin(400)
    let other = try waiting.take()
    let refused = try #require(try begin(1).response())
    #expect(refused.status == 503 && refused.text == "503 too much is being uploaded")
    #expect(refused.headers["connection"] == "close")
    let empty = try server.client()
    try empty.send(get("/"))
    try waiting.take().send(HTTPResponse(status: 204))
    #expect(try empty.response()?.status == 204, "what has no body goes on")

    responder.send(HTTPResponse(status: 200))
    #expect(try first.response()?.status == 200)
    let third = try begin(600)
    try waiting.take().send(HTTPResponse(status: 201))
    #expect(try third.response()?.status == 201)
    other.send(HTTPResponse(status: 202))
    #expect(try second.response()?.status == 202)
  }

  @Test func aBodyThatNeverEndsIsForgottenWithItsConnection() throws {
    var limits = HTTPLimits()
    limits.uploadBytes = 1000
    let server = try TestServer(limits: limits, handler: echo)
    let half = try server.client()
    try half.send(
      "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000\r\n\r\n"
        + String(repeating: "x", count: 600))
    let body = String(repeating: "x", count: 500)
    #expect(eventually { (try? server.client().exchange(post("/", body)).status) == 503 })
    half.close()
    #expect(eventually { (try? server.client().exchange(post("/", body)).status) == 200 })
  }

  /// Gives as many bytes as the body says, and counts the calls.
  private final class Giver: Sendable {
    let calls = Atomic(0)

    @Sendable func give(_ request: HTTPRequest, _ responder: Responder) {
      calls.wrappingAdd(1, ordering: .relaxed)
      let count = request.query.flatMap { Int($0) } ?? 0
      responder.send(HTTPResponse(status: 200, body: [UInt8](repeating: 1, count: count)))
    }
  }

  /// Far more than sockets have room for.
  private static let large = 20_000_000

  @Test func answersThatNobodyReadsStopNewRequests() throws {
    var limits = HTTPLimits()
    limits.answerBytes = Self.large
    let giver = Giver()
    let server = try TestServer(limits: limits, handler: giver.give)
    let lazy = try server.client()
    try lazy.send(get("/?\(Self.large)"))
    #expect(lazy.isReadable(within: 60_000))
    let before = giver.calls.load(ordering: .relaxed)
    for request in [get("/"), post("/", "{}")] {
      let refused = try server.client().exchange(request)
      #expect(refused.status == 503 && refused.text == "503 too many answers are not read")
    }
    #expect(giver.calls.load(ordering: .relaxed) == before, "nothing was done for them")
    #expect(try lazy.response()?.body.count == Self.large, "who is late gets all of it")
    #expect(eventually { (try? server.client().exchange(get("/")).status) == 200 })
  }

  @Test func whatWasReadForAnAnswerTooManyIsDroppedAndWhatWasDoneIsTold() throws {
    var limits = HTTPLimits()
    limits.answerBytes = Self.large + 1000
    let giver = Giver()
    let server = try TestServer(limits: limits, handler: giver.give)
    let lazy = try server.client()
    try lazy.send(get("/?\(Self.large)"))
    #expect(lazy.isReadable(within: 60_000))
    for (bytes, status) in [(999, 200), (1000, 200), (1001, 503)] {
      #expect(try server.client().exchange(get("/?\(bytes)")).status == status, "\(bytes) bytes")
    }
    #expect(try server.client().exchange(post("/?1001", "{}")).status == 200)
    lazy.close()
    #expect(eventually { (try? server.client().exchange(get("/?1001")).status) == 200 })
    // One alone may be as long as it is.
    #expect(
      try server.client().exchange(get("/?\(limits.answerBytes + 1)")).body.count
        == limits.answerBytes + 1)
  }
}
