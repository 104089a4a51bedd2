import HTTPServer
import Testing

/// What a web page can have a browser on this machine send.
@Suite(.serialized) struct WebPageTests {
  private func status(_ host: String, _ fields: String = "", method: String = "POST") throws -> Int
  {
    let server = try TestServer(handler: echo)
    return try server.client().exchange(
      "\(method) / HTTP/1.1\r\nHost: \(host)\r\nContent-Length: 2\r\n\(fields)\r\n{}"
    ).status
  }

  @Test(arguments: [
    "https://news.example", "http://localhost", "http://localhost:3000", "https://localhost:8420",
    "http://127.0.0.1:8420", "http://localhost:8420/", "http://localhost:8420.news.example", "null",
    "", "file://", "http://localhost:8420, http://news.example",
  ])
  func aPageOfAnotherOriginIsRefused(_ origin: String) throws {
    #expect(try status("localhost:8420", "Origin: \(origin)\r\n") == 403)
    #expect(try status("localhost:8420", "origin: \(origin)\r\n", method: "GET") == 403)
  }

  @Test func aPageOfTheServersOwnIsNot() throws {
    #expect(try status("localhost:8420", "Origin: http://localhost:8420\r\n") == 200)
    #expect(try status("[::1]:8420", "Origin: http://[::1]:8420\r\n") == 200)
    #expect(try status("LOCALHOST", "Origin: http://localhost\r\n") == 200)
    let two = "Origin: http://localhost\r\nOrigin: http://news.example\r\n"
    #expect(try status("localhost", two) == 403)
  }

  @Test(arguments: [
    "news.example", "news.example:8420", "localhost.news.example", "127.0.0.1.news.example", "x",
    "localhost.", "192.168.1.1", "0.0.0.0", "[::2]:8420", "[::]", "::1", "127.1", "127.0.0.1:80:80",
    "", "user@localhost", "[localhost", "2130706433",
  ])
  func aNameThatMayBeSomebodysIsRefused(_ host: String) throws {
    #expect(try status(host) == 421)
    #expect(try status(host, "Origin: http://\(host)\r\n") == 421)
  }

  @Test(arguments: [
    "localhost", "localhost:1", "LocalHost:8420", "127.0.0.1", "127.0.0.1:8420", "127.9.9.9:80",
    "[::1]", "[::1]:8420",
  ])
  func namesOfThisMachineAreAccepted(_ host: String) throws {
    #expect(try status(host) == 200)
  }

  @Test func aClientWithoutAHostIsNoBrowser() throws {
    let server = try TestServer(handler: echo)
    #expect(try server.client().exchange("GET / HTTP/1.0\r\n\r\n").status == 200)
    let page = "GET / HTTP/1.0\r\nOrigin: http://localhost\r\n\r\n"
    #expect(try server.client().exchange(page).status == 403)
  }

  @Test func aUnixSocketHasNoPages() throws {
    try withFolder { folder in
      let path = folder + "/s.sock"
      let server = try TestServer([.unix(path: path)], handler: echo)
      let request = "GET / HTTP/1.1\r\nHost: larder\r\nOrigin: http://news.example\r\n\r\n"
      #expect(try RawClient(path: path).exchange(request).status == 200)
      #expect(try server.client().exchange(request).status == 421)
    }
  }
}
