import Foundation
import Testing

@testable import HTTPServer

@Suite(.serialized) struct ExchangeTests {
  @Test func aBodyComesBack() throws {
    let server = try TestServer(handler: echo)
    let answer = try server.client().exchange(post("/a/b?c=d", "hello"))
    #expect(answer.status == 200)
    #expect(answer.text == "POST /a/b hello")
    #expect(answer.headers["date"] != nil)
  }

  @Test func aConnectionServesManyRequestsInOrder() throws {
    let server = try TestServer(handler: echo)
    let client = try server.client()
    for number in 0..<50 {
      #expect(try client.exchange(post("/", "\(number)")).text == "POST / \(number)")
    }
    try client.send((0..<200).map { post("/pipelined", "\($0)") }.joined())
    for number in 0..<200 {
      #expect(try client.response()?.text == "POST /pipelined \(number)")
    }
  }

  @Test func lateAnswersReachTheirOwnClients() throws {
    let waiting = Box<(HTTPRequest, Responder)>()
    var limits = HTTPLimits()
    limits.headerTime = 600_000
    let server = try TestServer(limits: limits) { waiting.put(($0, $1)) }
    let count = 300
    let worker = Thread {
      // In another order than they came.
      for _ in 0..<2 {
        for (request, responder) in (try? waiting.takeAll(count / 2).reversed()) ?? [] {
          responder.send(HTTPResponse(status: 200, body: request.body))
        }
      }
    }
    worker.start()
    let clients = try (0..<count).map { _ in try server.client() }
    for (number, client) in clients.enumerated() { try client.send(post("/", "body-\(number)")) }
    for (number, client) in clients.enumerated() {
      #expect(try client.response()?.text == "body-\(number)")
    }
  }

  @Test func lateAnswersKeepThePipelineInOrder() throws {
    let waiting = Box<(HTTPRequest, Responder)>()
    let server = try TestServer { waiting.put(($0, $1)) }
    let client = try server.client()
    try client.send((0..<20).map { post("/", "\($0)") }.joined())
    for number in 0..<20 {
      let (request, responder) = try waiting.take()
      responder.send(HTTPResponse(status: 200, body: request.body))
      #expect(try client.response()?.text == "\(number)")
    }
  }

  @Test func aDroppedResponderAnswers500() throws {
    let waiting = Box<Responder>()
    let server = try TestServer { request, responder in
      if request.path == "/later" { waiting.put(responder) }
    }
    let client = try server.client()
    #expect(try client.exchange(get("/now")).status == 500)
    try client.send(get("/later"))
    _ = try waiting.take()
    #expect(try client.response()?.status == 500)
  }

  @Test func onlyTheFirstAnswerCounts() throws {
    let server = try TestServer { _, responder in
      responder.send(HTTPResponse(status: 201))
      responder.send(HTTPResponse(status: 202))
    }
    let client = try server.client()
    #expect(try client.exchange(get("/")).status == 201)
    #expect(try client.exchange(get("/")).status == 201)
  }

  @Test func aHandlerMayAnswerAnEarlierRequest() throws {
    let earlier = Box<Responder>()
    let arrived = Box<Void>()
    let server = try TestServer { request, responder in
      if request.path == "/wait" {
        earlier.put(responder)
        return arrived.put(())
      }
      try? earlier.take().send(HTTPResponse(status: 201))
      responder.send(HTTPResponse(status: 202))
    }
    let first = try server.client()
    try first.send(get("/wait"))
    try arrived.take()
    #expect(try server.client().exchange(get("/go")).status == 202)
    #expect(try first.response()?.status == 201)
  }

  @Test func aHalfClosedClientGetsItsLateAnswer() throws {
    let waiting = Box<Responder>()
    let server = try TestServer { waiting.put($1) }
    let client = try server.client()
    try client.send(get("/"))
    client.halfClose()
    let responder = try waiting.take()
    // Another connection's exchange shows that the loop has seen what there was to see.
    let other = try server.client()
    try other.send(get("/"))
    try waiting.take().send(HTTPResponse(status: 200))
    #expect(try other.response()?.status == 200)
    responder.send(HTTPResponse(status: 201))
    #expect(try client.response()?.status == 201)
  }

  @Test func headIsAnsweredLikeGetWithoutABody() throws {
    let server = try TestServer { request, responder in
      #expect(request.method == "GET")
      responder.send(HTTPResponse(status: 200, body: Array("four".utf8)))
    }
    let client = try server.client()
    try client.send("HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    let head = try #require(try client.response(toHead: true))
    #expect(head.headers["content-length"] == "4")
    #expect(try client.exchange(get("/")).text == "four")
  }

  @Test func anOldClientIsServedAndClosed() throws {
    let server = try TestServer(handler: echo)
    let client = try server.client()
    try client.send("GET /old HTTP/1.0\r\n\r\n")
    let text = try client.readToEnd()
    #expect(text.hasPrefix("HTTP/1.1 200 "))
    #expect(text.hasSuffix("GET /old "))
  }

  @Test func aLongAnswerArrivesWhole() throws {
    let body = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
    let server = try TestServer { _, responder in
      responder.send(HTTPResponse(status: 200, body: body))
    }
    let client = try server.client()
    try client.send(get("/"))
    #expect(try client.response()?.body == body)
  }

  @Test func aFieldIsSentIfItIsOne() {
    for byte: UInt8 in 0..<0x80 {
      for place in 0..<20 {
        var text = Array(repeating: Unicode.Scalar("a"), count: 20)
        text[place] = Unicode.Scalar(byte)
        var string = String.UnicodeScalarView()
        string.append(contentsOf: text)
        let isLineEnd = [0, 0x0A, 0x0D].contains(byte)
        #expect(HTTPField("Name", String(string)).isSendable == !isLineEnd)
        let isName = byte > 0x20 && byte != UInt8(ascii: ":")
        #expect(HTTPField(String(string), "value").isSendable == isName)
      }
    }
    #expect(!HTTPField("", "value").isSendable && !HTTPField("Name", "").isSendable)
    #expect(HTTPField("Name", "é😀").isSendable)
  }

  @Test func answersCannotSmuggleHeaderFields() throws {
    let server = try TestServer { _, responder in
      responder.send(
        HTTPResponse(
          status: 200,
          headers: [
            HTTPField("X-Bad", "a\r\nX-Evil: b"), HTTPField("Content-Length", "77"),
            HTTPField("X-Good", "c"),
          ]))
    }
    let answer = try server.client().exchange(get("/"))
    #expect(answer.headers["x-bad"] == nil)
    #expect(answer.headers["x-evil"] == nil)
    #expect(answer.headers["content-length"] == "0")
    #expect(answer.headers["x-good"] == "c")
  }

  @Test func anAnswerWithoutAValidStatusIs500() throws {
    let server = try TestServer { _, responder in responder.send(HTTPResponse(status: 1000)) }
    #expect(try server.client().exchange(get("/")).status == 500)
  }

  @Test func aResetInTheMiddleHarmsNobodyElse() throws {
    let waiting = Box<Responder>()
    let server = try TestServer { request, responder in
      if request.path == "/wait" { waiting.put(responder) } else { echo(request, responder) }
    }
    let uploading = try server.client()
    try uploading.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf")
    uploading.reset()
    let gone = try server.client()
    try gone.send(get("/wait"))
    let responder = try waiting.take()
    gone.reset()
    responder.send(HTTPResponse(status: 200, body: [UInt8](repeating: 0, count: 1_000_000)))
    #expect(try server.client().exchange(get("/after")).text == "GET /after ")
  }
}
