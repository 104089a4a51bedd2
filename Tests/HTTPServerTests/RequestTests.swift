import Foundation
import HTTPServer
import Testing

@Suite(.serialized) struct RequestTests {
  /// What a handler sees of a request.
  private func seen(_ request: String) throws -> HTTPRequest {
    let box = Box<HTTPRequest>()
    let server = try TestServer { request, responder in
      box.put(request)
      responder.send(HTTPResponse(status: 204))
    }
    #expect(try server.client().exchange(request).status == 204)
    return try box.take()
  }

  @Test func anEncodedSlashStaysInItsSegment() throws {
    let request = try seen(get("/v1/users/a%2Fb%20c/claims"))
    #expect(request.path == "/v1/users/a%2Fb%20c/claims")
    #expect(request.segments == ["v1", "users", "a/b c", "claims"])
  }

  @Test(arguments: [
    ("/", []), ("/a", ["a"]), ("/a/", ["a", ""]), ("//a", ["", "a"]), ("/%e2%82%AC", ["€"]),
    ("/a+b", ["a+b"]), ("/..", [".."]), ("/a%3Fb", ["a?b"]),
  ])
  func segmentsAreDecodedOneByOne(_ path: String, _ segments: [String]) throws {
    #expect(try seen(get(path)).segments == segments)
  }

  @Test(arguments: ["/a%", "/a%4", "/a%zz", "/a%00b", "/%ff", "/%c0%af", "/%ed%a0%80"])
  func wrongEncodingGivesNoSegments(_ path: String) throws {
    let request = try seen(get(path))
    #expect(request.segments == nil)
    #expect(request.path == path)
  }

  @Test func rawBytesThatAreNoTextGiveNoSegments() throws {
    let box = Box<HTTPRequest>()
    let server = try TestServer { request, responder in
      box.put(request)
      responder.send(HTTPResponse(status: 204))
    }
    let client = try server.client()
    try client.send(
      Array("GET /a".utf8) + [0xFF] + Array(" HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8))
    #expect(try client.response()?.status == 204)
    #expect(try box.take().segments == nil)
  }

  @Test func queryItemsAreDecoded() throws {
    let request = try seen(get("/p?cursor=a%26b&limit=10&flag&plus=a+b&&x=1=2"))
    #expect(request.path == "/p")
    #expect(request.query == "cursor=a%26b&limit=10&flag&plus=a+b&&x=1=2")
    #expect(
      request.queryItems == [
        HTTPField("cursor", "a&b"), HTTPField("limit", "10"), HTTPField("flag", ""),
        HTTPField("plus", "a b"), HTTPField("x", "1=2"),
      ])
    #expect(try seen(get("/p?a=%zz")).queryItems == nil)
    #expect(try seen(get("/p")).queryItems == [])
    #expect(try seen(get("/p")).query == nil)
  }

  @Test func manyQueryItemsAreNoBurden() throws {
    let query = (0..<3000).map { "\($0)" }.joined(separator: "&")
    #expect(try seen(get("/p?\(query)")).queryItems?.count == 3000)
  }

  @Test func fieldsAreFoundInAnyCase() throws {
    let request = try seen(
      get("/", "Idempotency-KEY:  abc \r\nX-Two: 1\r\nx-two: 2\r\nX-Empty:\r\n"))
    #expect(request.header("idempotency-key") == "abc")
    #expect(request.header("X-TWO") == "1")
    #expect(request.headerValues("X-Two") == ["1", "2"])
    #expect(request.header("x-empty") == "")
    #expect(request.header("x-none") == nil)
  }

  @Test func anAbsoluteTargetIsItsPath() throws {
    #expect(try seen(get("http://example.org/a/b?c")).path == "/a/b")
    #expect(try seen(get("HTTP://example.org?c")).path == "/")
  }

  @Test func chunksAreJoined() throws {
    let request = try seen(
      "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: Chunked\r\n\r\n"
        + "5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\nTrailer: x\r\n\r\n")
    #expect(request.body == Array("hello world".utf8))
  }
}
