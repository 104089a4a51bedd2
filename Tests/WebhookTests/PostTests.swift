import Engine
import Foundation
import HTTPServer
import Larder
import Testing

@testable import Webhook

@Suite struct PostTests {
  private let now = Instant(milliseconds: 1_700_000_000_999)

  /// Posts once and gives what came of it.
  private func post(
    _ delivery: Delivery = push(), to url: String, key: String = "k", within time: Duration? = nil
  ) throws -> WebhookResult {
    try withFolder { folder in
      var bounds = WebhookPoster.Bounds()
      bounds.total = time ?? patience
      let webhook = WebhookSpec(url: url, secret: writeKey(key, in: folder))
      return WebhookPoster(bounds: bounds).post(delivery, to: webhook, at: now)
    }
  }

  private func reason(_ result: WebhookResult) -> String? {
    if case .failed(let why) = result { why } else { nil }
  }

  // MARK: - What is sent

  @Test func aPostIsTheExactBodyAndItsSignature() throws {
    let receiver = try Receiver()
    let url = receiver.url + "?tenant=a%20b&x"
    #expect(try post(to: url, key: "top secret\n") == .accepted)
    let got = try #require(receiver.wait(for: 1).first)
    #expect(got.method == "POST" && got.path == "/hooks/larder" && got.query == "tenant=a%20b&x")
    #expect(got.contentType == "application/json")
    #expect(got.id == "push-1" && got.timestamp == "1700000000")
    #expect(got.text == push().body)
    #expect(got.expect == nil && got.authorization == nil && got.cookie == nil)
    // Computed with Python's hmac over what the receiver got.
    #expect(got.signature == "v1,OD9qtXIDYvEvtqRBPqit8QTzO6OGlA8thy4gJn2OWoo=")
  }

  @Test(arguments: [("k\n\n", "k\n"), ("\nk", "\nk"), ("k\r\n", "k\r")])
  func theKeyIsTheFileLessItsLastNewline(file: String, key: String) throws {
    let receiver = try Receiver()
    #expect(try post(to: receiver.url, key: file) == .accepted)
    let got = try #require(receiver.wait(for: 1).first)
    let expected = WebhookSignature.header(
      id: "push-1", timestamp: 1_700_000_000, body: got.body, key: Array(key.utf8))
    #expect(got.signature == expected)
  }

  @Test(arguments: [0, 1, 1_000_000])
  func aBodyOfAnyLengthComesWhole(length: Int) throws {
    let receiver = try Receiver()
    let letters: [Character] = ["a", "ß", "\u{0}", "\n", "\""]
    let body = String((0..<length).map { letters[$0 % letters.count] })
    #expect(try post(push(body: body), to: receiver.url) == .accepted)
    #expect(receiver.wait(for: 1).first?.text == body)
  }

  // MARK: - What ends a push

  @Test(arguments: [200, 201, 202, 204, 299])
  func any2xxIsAccepted(status: Int) throws {
    let receiver = try Receiver { _, _ in HTTPResponse(status: status) }
    #expect(try post(to: receiver.url) == .accepted)
  }

  @Test(arguments: [400, 401, 404, 410, 429, 500, 503, 599])
  func anErrorIsAFailure(status: Int) throws {
    let receiver = try Receiver { _, _ in HTTPResponse(status: status) }
    #expect(try post(to: receiver.url) == .failed("the host answered \(status)"))
  }

  @Test(arguments: [300, 301, 302, 303, 304, 307, 308])
  func noRedirectIsFollowed(status: Int) throws {
    let other = try Receiver()
    let location = other.url
    let receiver = try Receiver { _, _ in
      HTTPResponse(status: status, headers: [HTTPField("Location", location)])
    }
    let result = try post(to: receiver.url)
    #expect(result == .failed("the host answered \(status): redirects are not followed"))
    #expect(receiver.wait(for: 1).count == 1)
    #expect(other.pushes.change { $0.count } == 0)
  }

  @Test func aHostThatDoesNotAnswerFailsThePost() throws {
    let receiver = try Receiver { _, _ in nil }
    let result = try post(to: receiver.url, within: .seconds(5))
    #expect(result == .failed("the host did not answer in time"))
    #expect(receiver.wait(for: 1).count == 1)
  }

  @Test func aRefusedConnectionFailsThePost() throws {
    let receiver = try RawReceiver(isListening: false)
    let why = try #require(reason(try post(to: receiver.url)))
    #expect(why.hasSuffix("(Connection refused)"), "\(why)")
  }

  @Test(arguments: ["", "HTTP/1.1 200", "SSH-2.0-x\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n"])
  func aHostThatHangsUpFailsThePost(answer: String) throws {
    let receiver = try RawReceiver { connection in
      var buffer = [UInt8](repeating: 0, count: 4096)
      _ = recv(connection, &buffer, buffer.count, 0)
      return send(connection, answer, answer.utf8.count, Int32(MSG_NOSIGNAL))
    }
    let why = try #require(reason(try post(to: receiver.url)))
    #expect(why.hasPrefix("the post failed: "), "\(why)")
    #expect(receiver.finish() == answer.utf8.count)
  }

  @Test(arguments: [
    ("HTTP/1.1 200 OK\r\n\r\n", WebhookResult.accepted),
    ("HTTP/1.1 500 No\r\n\r\n", .failed("the host answered 500")),
    ("HTTP/1.1 200 OK\r\n", .accepted),
    ("HTTP/1.1 103 Early Hints\r\n", .failed("the host's answer is longer than 65536 bytes")),
  ])
  func anAnswerWithoutAnEndIsCutOff(head: String, expected: WebhookResult) throws {
    let receiver = try RawReceiver {
      RawReceiver.flood($0, head: head, filling: "X-Filling: of some length to speak of\r\n")
    }
    #expect(try post(to: receiver.url) == expected)
    // What was sent and not read waits in the sockets' buffers.
    let sent = try #require(receiver.finish())
    #expect(sent < 1 << 26)
  }

  @Test func anAnswerHasSoManyBytes() {
    let limit = Limits.webhookAnswerBytes
    let size = AnswerSize(limit: limit)
    let pointer = Unmanaged.passUnretained(size).toOpaque()
    withExtendedLifetime(size) {
      #expect(AnswerSize.take(nil, 1, limit - 1, pointer) == limit - 1)
      #expect(AnswerSize.take(nil, 1, 1, pointer) == 1)
      #expect(AnswerSize.take(nil, 1, 1, pointer) == 0, "which ends the transfer")
    }
  }

  @Test func aKeptConnectionThatIsGoneIsMadeAnew() throws {
    try withFolder { folder in
      let poster = WebhookPoster(bounds: Bench.patient)
      let key = writeKey("k", in: folder)
      let first = try Receiver()
      let webhook = WebhookSpec(url: first.url, secret: key)
      #expect(poster.post(push("a"), to: webhook, at: now) == .accepted)
      #expect(poster.post(push("b"), to: webhook, at: now) == .accepted)
      first.stop()
      let second = try Receiver(port: first.port)
      #expect(poster.post(push("c"), to: webhook, at: now) == .accepted)
      #expect(second.wait(for: 1).map(\.id) == ["c"])
    }
  }

  // MARK: - What is refused

  @Test(arguments: [
    "", "none", "127.0.0.1:80/", "//127.0.0.1/", "ftp://127.0.0.1/", "file:///etc/passwd",
    "gopher://127.0.0.1/", "httpx://127.0.0.1/", "http:/127.0.0.1", " http://127.0.0.1/",
    "http://127.0.0.1/\u{0}",
  ])
  func onlyHTTPAndHTTPSAreURLs(url: String) throws {
    let expected = "the webhook's URL is neither http:// nor https://"
    #expect(try post(to: url) == .failed(expected))
  }

  @Test func aSchemeMayBeInCapitals() throws {
    let receiver = try Receiver()
    #expect(try post(to: "HTTP" + receiver.url.dropFirst(4)) == .accepted)
  }

  @Test func withoutAGoodKeyFileNothingIsSent() throws {
    let receiver = try Receiver()
    try withFolder { folder in
      let fifo = "\(folder)/fifo"
      mkfifo(fifo, 0o400)
      let long = String(repeating: "k", count: Limits.secretBytes + 1)
      for (path, word) in [
        ("\(folder)/none", "can't be opened: No such file"), (folder, "not a regular file"),
        (fifo, "not a regular file"), (writeKey("key-text", in: folder, mode: 0o644), "chmod 0400"),
        (writeKey("key-text", in: folder, mode: 0o440), "mode 0440"),
        (writeKey("\n", in: folder), "is empty"), (writeKey(long, in: folder), "is longer than"),
      ] {
        let webhook = WebhookSpec(url: receiver.url, secret: path)
        let why = try #require(
          reason(WebhookPoster(bounds: Bench.patient).post(push(), to: webhook, at: now)))
        #expect(why.hasPrefix("the webhook's secret in \(path)") && why.contains(word), "\(why)")
        #expect(!why.contains("key-text"))
      }
      let webhook = WebhookSpec(url: receiver.url, secret: writeKey("k", in: folder, mode: 0o600))
      #expect(
        WebhookPoster(bounds: Bench.patient).post(push("last"), to: webhook, at: now) == .accepted)
    }
    #expect(receiver.wait(for: 1).map(\.id) == ["last"])
  }

  @Test func theLogLearnsNothingOfBodyKeyAndURL() throws {
    let receiver = try Receiver { index, _ in index == 0 ? HTTPResponse(status: 500) : nil }
    let elsewhere = try Receiver { _, _ in
      HTTPResponse(status: 302, headers: [HTTPField("Location", "http://moved.example/secret-4")])
    }
    let refusing = try RawReceiver(isListening: false)
    for authority in [
      "127.0.0.1:\(receiver.port)", "127.0.0.1:\(receiver.port)", "127.0.0.1:\(elsewhere.port)",
      "127.0.0.1:\(refusing.port)", "[::bad", "127.0.0.1:99999", "a b",
    ] {
      let url = "http://user:secret-1@\(authority)/x?token=secret-2"
      let why = try #require(
        reason(
          try post(
            push(body: #""secret-3""#), to: url, key: "secret-5", within: .seconds(5))))
      #expect(!why.contains("secret") && !why.contains("user") && !why.contains("token"), "\(why)")
    }
    let got = try #require(receiver.wait(for: 2).first)
    #expect(got.authorization?.hasPrefix("Basic ") == true)
  }

  // MARK: - Cancelling

  @Test func aHangingPostIsCutOffWhenCancelled() throws {
    let receiver = try Receiver { _, _ in nil }
    try withFolder { folder in
      var bounds = WebhookPoster.Bounds()
      bounds.total = .seconds(600)
      let poster = WebhookPoster(bounds: bounds)
      let webhook = WebhookSpec(url: receiver.url, secret: writeKey("k", in: folder))
      let now = now
      let result = Mailbox<WebhookResult?>(nil)
      let thread = WorkThread("post") {
        let value = poster.post(push(), to: webhook, at: now)
        result.change { $0 = value }
      }
      #expect(receiver.wait(for: 1).count == 1)
      poster.cancel()
      #expect(result.take(within: patience) { $0 } == .cancelled)
      thread.join()
      #expect(poster.post(push(), to: webhook, at: now) == .cancelled)
    }
    #expect(receiver.pushes.change { $0.count } == 1)
  }
}
