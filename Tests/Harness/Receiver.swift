import Foundation

/// A program that pushes are sent to. It notes every request, checks its signature by itself, and
/// answers as the test has planned.
package struct Receiver {
  /// A request that it got.
  package struct Push {
    private let note: JSON

    fileprivate init(_ note: JSON) { self.note = note }

    package var path: String { note["path"].string ?? "" }
    package var body: String { note["body"].string ?? "" }
    package var json: JSON { (try? JSON(body)) ?? .null }
    /// Whether `webhook-signature` is what the receiver computed from the secret.
    package var isSigned: Bool { note["signed"] == .bool(true) }
    /// The receiver's clock, in seconds since the epoch.
    package var receivedAt: Double { note["at"].number ?? 0 }

    /// A field of the header, by its name in small letters.
    package func header(_ name: String) -> String { note["headers"][name].string ?? "" }

    package var id: String { header("webhook-id") }
    package var state: String { json["state"].string ?? "" }
  }

  private let workspace: Workspace
  package let url: String

  /// Starts it. `secret` is the key that pushes are signed with, and `plan` as in `answer`.
  package init(_ workspace: Workspace, secret: String, plan: String = "200") throws {
    self.workspace = workspace
    try workspace.write("receiver.py", Self.program)
    try workspace.write("receiver.key", secret)
    try workspace.write("plan", plan)
    let child = try workspace.start(["/usr/bin/env", "python3", "receiver.py"])
    let port = try eventually("the receiver's port") { () throws -> String? in
      if let status = child.ended {
        throw ClientError("the receiver ended with \(status): \(child.errors)")
      }
      return workspace.lines("receiver.port").first
    }
    url = "http://127.0.0.1:\(port)"
  }

  /// Sets what the next requests are answered with, a word each: a status, perhaps with `>` and a
  /// place to go, or `hang`, which answers nothing until there is another plan. The last word stays.
  package func answer(_ plan: String) throws {
    try workspace.write("plan.new", plan)
    guard rename("\(workspace.path)/plan.new", "\(workspace.path)/plan") == 0 else {
      throw ClientError.system("rename")
    }
  }

  /// What came so far.
  package func pushes() -> [Push] {
    // A last line without its end is still being written.
    workspace.read("receiver.log").split(separator: "\n", omittingEmptySubsequences: false)
      .dropLast().compactMap { try? Push(JSON(String($0))) }
  }

  /// Waits until so many have come.
  package func pushes(_ count: Int) throws -> [Push] {
    try eventually("\(count) pushes") {
      let pushes = pushes()
      return pushes.count >= count ? pushes : nil
    }
  }

  private static let program = """
    import base64, hashlib, hmac, http.server, json, os, threading, time

    lock = threading.Lock()
    secret = open("receiver.key", "rb").read()
    log = open("receiver.log", "a")

    def plan():
        return open("plan").read().split()

    def answer():
        with lock:
            words = plan()
            if len(words) > 1 and words[0] != "hang":
                with open("plan.rest", "w") as rest:
                    rest.write(" ".join(words[1:]))
                os.rename("plan.rest", "plan")
        if words[0] != "hang":
            return words[0]
        while plan()[0] == "hang":
            time.sleep(0.005)
        return answer()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def note(self):
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            signed = "%s.%s." % (headers.get("webhook-id"), headers.get("webhook-timestamp"))
            mac = hmac.new(secret, signed.encode() + body, hashlib.sha256).digest()
            expected = "v1," + base64.b64encode(mac).decode()
            with lock:
                log.write(json.dumps({
                    "path": self.path, "headers": headers, "body": body.decode(),
                    "signed": headers.get("webhook-signature") == expected, "at": time.time(),
                }) + "\\n")
                log.flush()

        def do_POST(self):
            self.note()
            status, _, place = answer().partition(">")
            try:
                self.send_response(int(status))
                if place:
                    self.send_header("Location", place)
                self.send_header("Content-Length", "0")
                self.end_headers()
            except OSError:
                pass

        do_GET = do_POST

        def log_message(self, *words):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    with open("port.new", "w") as port:
        port.write("%d\\n" % server.server_address[1])
    os.rename("port.new", "receiver.port")
    server.serve_forever()
    """
}
