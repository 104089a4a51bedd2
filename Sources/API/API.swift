import Engine
import HTTPServer
import Larder

/// The calls of the API, over HTTP and from commands in the same process. No call blocks its
/// caller's thread: answers come from the store's and the engine's threads.
package final class API: Sendable {
  package typealias Answer = @Sendable (HTTPResponse) -> Void

  let writer: StoreWriter?
  let readers: StoreReaders
  let engine: Engine?
  let health: Health
  let metrics: Metrics
  let clock: @Sendable () -> Instant

  /// - Parameters:
  ///   - writer: nil where this process only reads the store.
  ///   - engine: nil where this process starts no runs.
  package init(
    writer: StoreWriter?, readers: StoreReaders, engine: Engine?, health: Health = Health(),
    metrics: Metrics = Metrics(), clock: @escaping @Sendable () -> Instant = Instant.now
  ) {
    self.writer = writer
    self.readers = readers
    self.engine = engine
    self.health = health
    self.metrics = metrics
    self.clock = clock
  }

  private static let routes: [Route] = [
    Route(
      "v1/pools/*/claims",
      [
        "POST": { api, request, parameters, answer throws(Problem) in
          try api.claim(request, pool: parameters[0], answer)
        }
      ]),
    Route(
      "v1/claims",
      [
        "GET": { api, request, _, answer throws(Problem) in
          try api.listClaims(request, answer)
        }
      ]),
    Route(
      "v1/claims/*",
      [
        "GET": { api, request, parameters, answer throws(Problem) in
          try api.readClaim(request, id: parameters[0], answer)
        }
      ]),
    Route(
      "v1/users/*/claims",
      [
        "GET": { api, request, parameters, answer throws(Problem) in
          try api.listClaims(request, user: parameters[0], answer)
        }
      ]),
    Route(
      "v1/pools/*/items",
      [
        "POST": { api, request, parameters, answer throws(Problem) in
          try api.putItems(request, pool: parameters[0], answer)
        }
      ]),
    Route(
      "v1/pools/*/items/*",
      [
        "GET": { api, request, parameters, answer throws(Problem) in
          try api.readItem(request, pool: parameters[0], key: parameters[1], answer)
        }
      ]),
    Route(
      "v1/levels",
      [
        "GET": { api, request, _, answer throws(Problem) in
          try api.listLevels(request, answer)
        }
      ]),
    Route(
      "v1/pools/*/level",
      [
        "GET": { api, request, parameters, answer throws(Problem) in
          try api.readLevel(request, pool: parameters[0], answer)
        }
      ]),
    Route(
      "v1/runs",
      [
        "GET": { api, request, _, answer throws(Problem) in
          try api.listRuns(request, answer)
        }
      ]),
    Route(
      "v1/runs/*",
      [
        "GET": { api, request, parameters, answer throws(Problem) in
          try api.readRun(request, id: parameters[0], answer)
        }
      ]),
    Route(
      "v1/pools/*/runs",
      [
        "POST": { api, request, parameters, answer throws(Problem) in
          try api.startRun(request, pool: parameters[0], answer)
        }
      ]),
    Route("v1/pools/*/pause", ["POST": command(.pause)]),
    Route("v1/pools/*/resume", ["POST": command(.resume)]),
    Route("v1/pools/*/breaker/reset", ["POST": command(.resetBreaker)]),
    Route("livez", ["GET": { api, _, _, answer in answer(.success(api.health.live())) }]),
    Route("readyz", ["GET": { api, _, _, answer in answer(.success(api.health.ready())) }]),
    Route(
      "metrics",
      [
        "GET": { api, _, _, answer throws(Problem) in
          try api.readMetrics(answer)
        }
      ]),
  ]

  private static func command(_ command: PoolCommand) -> Route.Call {
    { api, request, parameters, answer throws(Problem) in
      try api.perform(command, request, pool: parameters[0], answer)
    }
  }

  /// Answers a call.
  package func handle(_ request: APIRequest, _ answer: @escaping Answer) {
    let reply: Route.Answer = { result in
      switch result {
      case .success(let response): answer(response)
      case .failure(let problem): answer(Documents.problem(problem))
      }
    }
    for route in Self.routes {
      guard let parameters = route.match(request.segments) else { continue }
      guard let call = route.calls[request.method] else {
        answer(Self.methodNotAllowed(request.method, route))
        return
      }
      do throws(Problem) {
        try call(self, request, parameters, reply)
      } catch {
        reply(.failure(error))
      }
      return
    }
    reply(.failure(Problem(.notFound, "there is nothing at this path")))
  }

  private static func methodNotAllowed(_ method: String, _ route: Route) -> HTTPResponse {
    var allowed = route.calls.keys.sorted()
    if allowed.contains("GET") { allowed.append("HEAD") }
    var response = Documents.problem(
      Problem(
        .methodNotAllowed, "\(method) is not known here: use \(allowed.joined(separator: " or "))"))
    response.headers.append(HTTPField("Allow", allowed.joined(separator: ", ")))
    return response
  }

  /// Answers a request that came over HTTP.
  package func handle(_ request: HTTPRequest, _ responder: Responder) {
    do throws(Problem) {
      handle(try APIRequest(request)) { responder.send($0) }
    } catch {
      responder.send(Documents.problem(error))
    }
  }

  /// The answer to what the HTTP server refuses by itself.
  package static func refusal(status: Int, detail: String) -> HTTPResponse {
    let word = Problem.word(forStatus: status)
    let retryAfter: Duration? = status == 503 ? .seconds(1) : nil
    return Documents.problem(Problem(word, detail, retryAfter: retryAfter), status: status)
  }

  /// How long a body may be, by method and path.
  package static func bodyLimit(method: String, path: String) -> Int {
    let isItems = method == "POST" && path.hasPrefix("/v1/pools/") && path.hasSuffix("/items")
    return isItems ? Limits.itemsBodyBytes : Limits.bodyBytes
  }

  // MARK: - Reaching the store

  /// Reads the store and answers with what `respond` makes of it.
  func read<Value: Sendable>(
    _ work: @escaping @Sendable (any StoreReader) throws(StoreError) -> Value,
    _ answer: @escaping Route.Answer,
    respond: @escaping @Sendable (Value) throws(Problem) -> HTTPResponse
  ) throws(Problem) {
    let accepted = readers.read(work) { result in
      Self.conclude(result, answer, respond)
    }
    if !accepted { throw Self.busy("too many calls wait for the store") }
  }

  /// Writes to the store and answers with what `respond` makes of it.
  func write<Value: Sendable>(
    _ work: @escaping @Sendable (any Store, Instant) throws(StoreError) -> Value,
    _ answer: @escaping Route.Answer,
    respond: @escaping @Sendable (Value) throws(Problem) -> HTTPResponse
  ) throws(Problem) {
    guard let writer else { throw Self.readOnly }
    let accepted = writer.submit(work) { result in
      Self.conclude(result, answer, respond)
    }
    if !accepted { throw Self.busy("too many calls wait for the store") }
  }

  private static func conclude<Value>(
    _ result: Result<Value, StoreError>, _ answer: Route.Answer,
    _ respond: (Value) throws(Problem) -> HTTPResponse
  ) {
    do throws(Problem) {
      switch result {
      case .success(let value): answer(.success(try respond(value)))
      case .failure(let error): throw problem(error)
      }
    } catch {
      answer(.failure(error))
    }
  }

  static func problem(_ error: StoreError) -> Problem {
    switch error {
    case .unknownPool(let pool): Problem(.unknownPool, "there is no pool \(pool)")
    case .full, .unknownCommit: busy("\(error)")
    default: Problem(.failed, "\(error)")
    }
  }

  static func busy(_ detail: String) -> Problem {
    Problem(.busy, detail, retryAfter: .seconds(1))
  }

  static let readOnly = Problem(.failed, "this process only reads the store")
}
