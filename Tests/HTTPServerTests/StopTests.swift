import Foundation
import HTTPServer
import Testing

@Suite(.serialized) struct StopTests {
  /// Stops on a thread of its own; the box gets a value when that is done.
  private func stopping(_ server: HTTPServer, drainFor seconds: Double) -> Box<Void> {
    let done = Box<Void>()
    Thread.detachNewThread {
      server.stop(drainFor: seconds)
      done.put(())
    }
    return done
  }

  /// However long a test takes to say what it has to say.
  private static var patient: HTTPLimits {
    var limits = HTTPLimits()
    limits.headerTime = 600_000
    limits.transferTime = 600_000
    return limits
  }

  @Test func aStopWaitsForOutstandingAnswers() throws {
    let waiting = Box<(HTTPRequest, Responder)>()
    let server = try TestServer(limits: Self.patient) { waiting.put(($0, $1)) }
    let clients = try (0..<20).map { _ in try server.client() }
    for (number, client) in clients.enumerated() { try client.send(post("/", "\(number)")) }
    let uploading = try server.client()
    try uploading.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nha")
    let idle = try server.client()
    try idle.send(get("/"))
    var requests = try waiting.takeAll(21)
    // The idle client had its answer before the stop.
    let first = try #require(requests.firstIndex { $0.0.method == "GET" })
    requests.remove(at: first).1.send(HTTPResponse(status: 204))
    #expect(try idle.response()?.status == 204)

    let done = stopping(server.server, drainFor: 60)
    #expect(eventually { (try? server.client()) == nil }, "nobody is accepted any more")
    #expect(try idle.response() == nil, "the idle connection is closed")
    try uploading.send("lf")
    try requests.append(waiting.take())
    for (request, responder) in requests {
      responder.send(HTTPResponse(status: 200, body: request.body))
    }
    for (number, client) in clients.enumerated() {
      let answer = try #require(try client.response())
      #expect(answer.text == "\(number)")
      #expect(answer.headers["connection"] == "close")
    }
    #expect(try uploading.response()?.text == "half")
    try done.take()
  }

  @Test func whatIsNotAnsweredInTimeBecomes503() throws {
    let waiting = Box<Responder>()
    let server = try TestServer { waiting.put($1) }
    let client = try server.client()
    try client.send(get("/"))
    let responder = try waiting.take()
    server.server.stop(drainFor: 0.05)
    #expect(try client.response()?.status == 503)
    #expect(try client.response() == nil)
    responder.send(HTTPResponse(status: 200))
  }

  @Test func requestsOfOneConnectionAreAnsweredWhileStopping() throws {
    let waiting = Box<Responder>()
    let server = try TestServer { waiting.put($1) }
    let client = try server.client()
    try client.send(get("/first"))
    let responder = try waiting.take()
    let done = stopping(server.server, drainFor: 60)
    #expect(eventually { (try? server.client()) == nil })
    responder.send(HTTPResponse(status: 201))
    #expect(try client.response()?.status == 201)
    #expect(try client.response() == nil)
    try done.take()
  }

  @Test func aThousandIdleConnectionsDoNotHoldAStop() throws {
    var files = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &files)
    files.rlim_cur = min(files.rlim_max, 4096)
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &files)
    let count = min(1000, (Int(files.rlim_cur) - 256) / 2)
    let server = try TestServer(limits: Self.patient, handler: echo)
    let clients = try (0..<count).map { _ in try server.client() }
    for client in clients.prefix(count / 2) {
      #expect(try client.exchange(get("/")).status == 200)
    }
    server.server.stop(drainFor: 60)
    for client in clients { #expect(try client.readToEnd() == "") }
  }

  @Test func aServerThatGoesAwayStops() throws {
    let path = NSTemporaryDirectory() + "http-\(UUID().uuidString.prefix(8)).sock"
    do {
      let server = try HTTPServer(
        configuration: testConfiguration([.unix(path: path)]), handler: echo)
      try server.start()
      #expect(try RawClient(path: path).exchange(get("/")).status == 200)
    }
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  @Test func manyStartsAndStopsUnderLoadLoseNothingAccepted() throws {
    for _ in 0..<20 {
      let waiting = Box<Responder>()
      let server = try TestServer(limits: Self.patient) { waiting.put($1) }
      let clients = try (0..<30).map { _ in try server.client() }
      for client in clients { try client.send(get("/")) }
      let responders = try waiting.takeAll(clients.count)
      let done = stopping(server.server, drainFor: 60)
      for responder in responders { responder.send(HTTPResponse(status: 200)) }
      for client in clients { #expect(try client.response()?.status == 200) }
      try done.take()
    }
  }
}
