import HTTPServer
import Testing

@Suite(.serialized) struct AloneTests {
  private func server() throws -> TestServer {
    try TestServer { request, responder in
      let text = request.isAlone ? "alone" : "one of many"
      responder.send(HTTPResponse(status: 200, body: Array(text.utf8)))
    }
  }

  @Test func aClientIsAloneAfterSomeRequestsInARow() throws {
    let server = try server()
    let client = try server.client()
    let answers = try (0..<5).map { try client.exchange(post("/", "\($0)")).text }
    #expect(answers == ["one of many", "one of many", "one of many", "alone", "alone"])
    // Another one comes, and goes.
    #expect(try server.client().exchange(post("/", "")).text == "one of many")
    #expect(try client.exchange(post("/", "")).text == "one of many")
  }

  @Test func nobodyIsAloneWhileAnotherRequestWaits() throws {
    let waiting = Box<Responder>()
    let server = try TestServer { request, responder in
      guard request.path != "/wait" else { return waiting.put(responder) }
      let text = request.isAlone ? "alone" : "one of many"
      responder.send(HTTPResponse(status: 200, body: Array(text.utf8)))
    }
    let other = try server.client()
    try other.send(post("/wait", ""))
    let responder = try waiting.take()
    let client = try server.client()
    for _ in 0..<6 { #expect(try client.exchange(post("/", "")).text == "one of many") }
    responder.send(HTTPResponse(status: 200, body: []))
    #expect(try other.response()?.status == 200)
    #expect(try client.exchange(post("/", "")).text == "alone")
  }
}
