import HTTPServer
import Testing

/// Headers that could be read in another way than libmicrohttpd reads them.
@Suite(.serialized) struct HostileHeaderTests {
  private func refused(_ request: String) throws {
    let server = try TestServer { request, responder in
      Issue.record("the handler was reached with \(request.path)")
      echo(request, responder)
    }
    let client = try server.client()
    try client.send(request)
    let answer = try #require(try client.response())
    try #require(answer.status == 400)
    #expect(try client.readToEnd() == "", "nothing that follows it is answered")
  }

  @Test(arguments: [
    "GET /a\0b HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET /a\0?b HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET /a?b\0c HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET /a?\0 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET /\0 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "G\0T / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET / HTTP/1.1\0\r\nHost: localhost\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: localhost\0.example\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\0\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: localhost\r\nX: \0\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\0\0Y: b\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\0\0Y\0b\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\0\0\0\0\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: localhost\r\nX\0Y: a\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: localhost\r\nX\0: a\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: localhost\r\n\0X: a\r\n\r\nGET /next HTTP/1.1\r\nHost: localhost\r\n\r\n",
  ])
  func aNULIsRefused(_ request: String) throws { try refused(request) }

  @Test(arguments: [
    "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\r\n\tb\r\nY: c\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\r\n \r\nY: c\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b: c\r\n\r\n",
    "GET / HTTP/1.1\r\n Host: localhost\r\nHost: localhost\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: localhost\r\nX: a\r\n Content-Length: 9\r\nContent-Length: 1\r\n\r\na",
    "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
  ])
  func aFoldedLineIsRefused(_ request: String) throws { try refused(request) }

  @Test(arguments: [
    "GET / HTTP/1.1\nHost: localhost\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: localhost\nX: a\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\r\n\n",
    "GET  / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET /  HTTP/1.1\r\nHost: localhost\r\n\r\n",
  ])
  func otherEndsOfPartsAreRefused(_ request: String) throws { try refused(request) }

  @Test func whatIsPlainIsAccepted() throws {
    let server = try TestServer(handler: echo)
    let client = try server.client()
    for request in [
      get("/"), get("/?"), get("/?a"), get("/a?b=c&d", "Cookie: a=b; c=d\r\n"),
      get("/", "X-Empty:\r\nX-Blank: \t \r\nX-Tight:a\r\nX-Wide:  a \t\r\nX-High: \u{E9}\r\n"),
      "GET / HTTP/1.0\r\n\r\n", "\r\n\r\n" + get("/"),
    ] {
      // One request a connection, and all of them on one that stays.
      #expect(try server.client().exchange(request).status == 200, "\(request)")
      if !request.contains("1.0") { #expect(try client.exchange(request).status == 200) }
    }
    // Two at once, the second of which does not begin where the connection's memory does.
    try client.send(get("/first") + post("/second", "body"))
    #expect(try client.response()?.text == "GET /first ")
    #expect(try client.response()?.text == "POST /second body")
  }
}
