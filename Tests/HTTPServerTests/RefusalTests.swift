import Foundation
import HTTPServer
import Testing

@Suite(.serialized) struct RefusalTests {
  /// The answer to one request on a server whose handler must not be reached.
  private func refusal(_ request: String, bodyLimit: Int = 64 * 1024) throws -> RawResponse {
    // A slow test shall still be able to send all of what is refused.
    var limits = HTTPLimits()
    limits.lingerTime = 60_000
    let server = try TestServer(limits: limits, bodyLimit: bodyLimit) { request, responder in
      Issue.record("the handler was reached")
      echo(request, responder)
    }
    let client = try server.client()
    let answer = try client.exchange(request)
    #expect(answer.headers["connection"] == "close")
    #expect(try client.readToEnd() == "")
    return answer
  }

  private func refused(_ status: Int, _ fields: String, _ body: String = "") throws {
    let answer = try refusal("POST / HTTP/1.1\r\nHost: localhost\r\n\(fields)\r\n\(body)")
    #expect(answer.status == status)
    #expect(answer.text.hasPrefix("\(status) "))
  }

  @Test func ambiguousLengthsAreRefused() throws {
    let chunks = "3\r\nabc\r\n0\r\n\r\n"
    try refused(400, "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", chunks)
    try refused(400, "Content-Length: 3\r\ntransfer-encoding: chunked\r\n", chunks)
    try refused(400, "Content-Length: 3\r\nContent-Length: 3\r\n", "abc")
    try refused(400, "Content-Length: 3\r\ncontent-length: 30\r\n", "abc")
    try refused(400, "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", chunks)
    try refused(501, "Transfer-Encoding: gzip, chunked\r\n", chunks)
    try refused(501, "Transfer-Encoding: identity\r\n")
  }

  @Test func anOldClientCannotSendChunks() throws {
    let answer = try refusal("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    #expect(answer.status == 400)
  }

  @Test(arguments: ["abc", "-1", "1, 1", "0x10", ""])
  func aLengthThatIsNoNumberIsRefused(_ length: String) throws {
    let server = try TestServer(handler: echo)
    let client = try server.client()
    try client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(length)\r\n\r\nabc")
    #expect(try client.response()?.status == 400)
  }

  @Test func malformedFieldsAreRefused() throws {
    try refused(400, "Content-Length : 3\r\n", "abc")
    try refused(400, "X-Control: a\u{1}b\r\n")
    try refused(400, "Host: twice\r\n")
    #expect(try refusal("GET / HTTP/1.1\r\n\r\n").status == 400)
    #expect(try refusal(get("nowhere")).status == 400)
    #expect(try refusal(get("/a b")).status == 400)
    #expect(try refusal("G@T / HTTP/1.1\r\nHost: localhost\r\n\r\n").status == 400)
  }

  @Test func nonsenseIsRefusedOrCutOff() throws {
    let server = try TestServer(handler: echo)
    for nonsense in ["nonsense\r\n\r\n", "GET / HTTP/3.0\r\n\r\n", "\u{16}\u{3}\u{1}\r\n\r\n"] {
      let client = try server.client()
      try client.send(nonsense)
      #expect([nil, 400, 505].contains(try client.response()?.status))
      #expect(try client.readToEnd() == "")
    }
    #expect(try server.client().exchange(get("/")).status == 200)
  }

  @Test func tooLongHeadersAreRefused() throws {
    let long = String(repeating: "a", count: 17 * 1024)
    #expect(try refusal(get("/", "X-Long: \(long)\r\n")).status == 431)
    #expect(try refusal(get("/\(long)")).status == 431)
    let fields = (0..<64).map { "X-\($0): 1\r\n" }.joined()
    #expect(try refusal(get("/", fields)).status == 431)
  }

  @Test func headersUpToTheLimitAreAccepted() throws {
    let server = try TestServer(handler: echo)
    let field = String(repeating: "a", count: 200)
    let fields = (0..<63).map { "X-\($0): \(field)\r\n" }.joined()
    let filler = String(repeating: "b", count: 16 * 1024 - get("/", fields).utf8.count)
    #expect(try server.client().exchange(get("/\(filler)", fields)).status == 200)
    let client = try server.client()
    for _ in 0..<3 {
      #expect(try client.exchange(get("/", fields)).status == 200)
    }
  }

  @Test func headersBeyondAllMemoryAreRefused() throws {
    let server = try TestServer(handler: echo)
    for request in [
      get("/", "X-Huge: \(String(repeating: "a", count: 500_000))\r\n"),
      get("/\(String(repeating: "a", count: 500_000))"),
    ] {
      let client = try server.client()
      try client.send(request)
      let status = try #require(try client.response()).status
      #expect(status == 431 || status == 414)
    }
  }

  @Test func aDeclaredLengthOverTheLimitIsRefusedAndTheClientCanReadIt() throws {
    let body = String(repeating: "x", count: 5_000_000)
    let answer = try refusal(post("/", body), bodyLimit: 1000)
    #expect(answer.status == 413)
    #expect(answer.text == "413 the body is longer than 1000 bytes")
    #expect(try refusal(post("/", "abc"), bodyLimit: 2).status == 413)
  }

  @Test func chunksOverTheLimitAreRefusedAndTheClientCanReadIt() throws {
    let chunk = "10000\r\n\(String(repeating: "x", count: 0x10000))\r\n"
    let request =
      "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
      + String(repeating: chunk, count: 40) + "0\r\n\r\n"
    let answer = try refusal(request, bodyLimit: 100_000)
    #expect(answer.status == 413)
    #expect(answer.text == "413 the body is longer than 100000 bytes")
  }

  @Test func aBodyOfExactlyTheLimitIsAccepted() throws {
    let server = try TestServer(bodyLimit: 300_000, handler: echo)
    let body = String(repeating: "x", count: 300_000)
    #expect(try server.client().exchange(post("/", body)).text == "POST / \(body)")
  }

  @Test func brokenChunksAreRefused() throws {
    let server = try TestServer(handler: echo)
    let client = try server.client()
    try client.send(
      "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n")
    #expect(try client.response()?.status == 400)
  }

  @Test func expectContinueIsAnsweredBeforeTheBody() throws {
    let server = try TestServer(bodyLimit: 10, handler: echo)
    let client = try server.client()
    let head = "POST / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: "
    try client.send(head + "5\r\n\r\n")
    #expect(try client.response()?.status == 100)
    try client.send("hello")
    #expect(try client.response()?.text == "POST / hello")
    try client.send(head + "11\r\n\r\n")
    #expect(try client.response()?.status == 413)
  }

  @Test func moreWaitingRequestsThanTheLimitAreRefused() throws {
    var limits = HTTPLimits()
    limits.pendingRequests = 1
    let waiting = Box<Responder>()
    let server = try TestServer(limits: limits) { waiting.put($1) }
    let first = try server.client()
    try first.send(get("/"))
    let responder = try waiting.take()
    let second = try server.client()
    #expect(try second.exchange(get("/")).status == 503)
    responder.send(HTTPResponse(status: 200))
    #expect(try first.response()?.status == 200)
    try second.send(get("/"))
    try waiting.take().send(HTTPResponse(status: 201))
    #expect(try second.response()?.status == 201)
  }

  @Test func moreConnectionsThanTheLimitAreRefused() throws {
    var limits = HTTPLimits()
    limits.connections = 2
    let server = try TestServer(limits: limits, handler: echo)
    let clients = [try server.client(), try server.client()]
    for client in clients { #expect(try client.exchange(get("/")).status == 200) }
    #expect(try server.client().readToEnd().hasPrefix("HTTP/1.1 503 "))
    clients[0].close()
    #expect(
      eventually { (try? server.client().exchange(get("/")).status) == 200 },
      "a place that became free is given again")
  }
}
