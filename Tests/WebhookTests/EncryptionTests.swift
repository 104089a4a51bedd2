import Foundation
import Larder
import Testing

@testable import Webhook

/// Hosts over TLS, whose certificates are made for the test.
@Suite struct EncryptionTests {
  private static let server = """
    import http.server, ssl, sys
    class Handler(http.server.BaseHTTPRequestHandler):
      def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200 if body == b"hello" else 400)
        self.send_header("content-length", "0")
        self.end_headers()
      def log_message(self, *_): pass
    class Quiet(http.server.HTTPServer):
      def handle_error(self, *_): pass
    server = Quiet(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    server.socket = context.wrap_socket(server.socket, server_side=True)
    print(server.server_port, flush=True)
    server.serve_forever()
    """

  /// Serves over TLS with a certificate that it signed itself, for a name of its subject.
  private func withServer(
    for subject: String,
    _ body: (_ port: String, _ certificate: String, _ key: String) throws ->
      Void
  ) throws {
    try withFolder { folder in
      let (certificate, keyFile) = ("\(folder)/certificate.pem", "\(folder)/private.pem")
      let making = Process()
      making.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      making.arguments = [
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
        "-nodes", "-days", "2", "-subj", "/CN=receiver", "-addext", "subjectAltName=\(subject)",
        "-keyout", keyFile, "-out", certificate,
      ]
      making.standardError = FileHandle.nullDevice
      try making.run()
      making.waitUntilExit()
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments = ["python3", "-c", Self.server, certificate, keyFile]
      let output = Pipe()
      process.standardOutput = output
      try process.run()
      defer {
        // The mask of the thread that started it may keep SIGTERM from it.
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
      }
      let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
      let port = line.trimmingCharacters(in: .whitespacesAndNewlines)
      #expect(!port.isEmpty)
      try body(port, certificate, writeKey("k", in: folder))
    }
  }

  private func post(to url: String, key: String, trusting authorities: String?) -> WebhookResult {
    var bounds = WebhookPoster.Bounds()
    bounds.total = patience
    bounds.connect = patience
    bounds.authorities = authorities
    return WebhookPoster(bounds: bounds).post(
      push(body: "hello"), to: WebhookSpec(url: url, secret: key),
      at: Instant(seconds: 1_700_000_000))
  }

  @Test func onlyATrustedCertificateIsPostedTo() throws {
    try withServer(for: "IP:127.0.0.1") { port, certificate, key in
      let url = "https://127.0.0.1:\(port)/"
      #expect(post(to: url, key: key, trusting: certificate) == .accepted)
      guard case .failed(let why) = post(to: url, key: key, trusting: nil) else {
        Issue.record("a certificate that nobody vouches for was trusted")
        return
      }
      #expect(why.contains("self-signed certificate"), "\(why)")
    }
  }

  @Test func aCertificateOfAnotherNameIsRefused() throws {
    try withServer(for: "DNS:other.example") { port, certificate, key in
      let result = post(to: "https://127.0.0.1:\(port)/", key: key, trusting: certificate)
      guard case .failed(let why) = result else {
        Issue.record("a certificate of another host was trusted")
        return
      }
      #expect(why.hasPrefix("the post failed: "), "\(why)")
    }
  }
}
