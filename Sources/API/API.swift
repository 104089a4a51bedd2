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
  let waiters: Waiters

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
    let waiters = Waiters(readers: readers, clock: clock)
    self.waiters = waiters
    writer?.observeResolved { waiters.resolved($0) }
  }

  /// From now on no call waits for a claim: those that do are answered with the claim as it is. To
  /// be called before the server stops, which would have to wait for them.
  package func stopWaiting() { waiters.stop() }

  /// Ends what works for the calls. To be called when no more come, before the readers stop.
  package func close() { waiters.close() }

  private static let routes: [Route] = [
    Route("POST", "v1/pools/*/claims") { api, call, names, answer throws(Problem) in
      try api.claim(call, pool: names[0], answer)
    },
    Route("GET", "v1/claims") { api, call, _, answer throws(Problem) in
      try api.listClaims(call, answer)
    },
    Route("GET", "v1/claims/*") { api, call, names, answer throws(Problem) in
      try api.readClaim(call, id: names[0], answer)
    },
    Route("POST", "v1/claims/*/confirm", change(.confirm)),
    Route("POST", "v1/claims/*/release", change(.release)),
    Route("DELETE", "v1/claims/*", change(.cancel)),
    Route("DELETE", "v1/users/*/claims") { api, call, names, answer throws(Problem) in
      try api.forgetClaims(call, user: names[0], answer)
    },
    Route("GET", "v1/users/*/claims") { api, call, names, answer throws(Problem) in
      try api.listClaims(call, user: names[0], answer)
    },
    Route("POST", "v1/pools/*/items") { api, call, names, answer throws(Problem) in
      try api.putItems(call, pool: names[0], answer)
    },
    Route("GET", "v1/pools/*/items/*") { api, call, names, answer throws(Problem) in
      try api.readItem(call, pool: names[0], key: names[1], answer)
    },
    Route("GET", "v1/levels") { api, call, _, answer throws(Problem) in
      try api.listLevels(call, answer)
    },
    Route("GET", "v1/pools/*/level") { api, call, names, answer throws(Problem) in
      try api.readLevel(call, pool: names[0], answer)
    },
    Route("GET", "v1/pools/*/demand") { api, call, names, answer throws(Problem) in
      try api.readDemand(call, pool: names[0], answer)
    },
    Route("POST", "v1/pools/*/demand") { api, call, names, answer throws(Problem) in
      try api.importDemand(call, pool: names[0], answer)
    },
    Route("GET", "v1/pools/*/misses") { api, call, names, answer throws(Problem) in
      try api.readMisses(call, pool: names[0], answer)
    },
    Route("GET", "v1/waste") { api, call, _, answer throws(Problem) in
      try api.readWaste(call, answer)
    },
    Route("GET", "v1/pools/*/waste") { api, call, names, answer throws(Problem) in
      try api.readWaste(call, pool: names[0], answer)
    },
    Route("GET", "v1/pools/*/plan") { api, call, names, answer throws(Problem) in
      try api.readPlan(call, pool: names[0], answer)
    },
    Route("GET", "v1/runs") { api, call, _, answer throws(Problem) in
      try api.listRuns(call, answer)
    },
    Route("GET", "v1/runs/*") { api, call, names, answer throws(Problem) in
      try api.readRun(call, id: names[0], answer)
    },
    Route("POST", "v1/pools/*/runs") { api, call, names, answer throws(Problem) in
      try api.startRun(call, pool: names[0], answer)
    },
    Route("POST", "v1/pools/*/recall") { api, call, names, answer throws(Problem) in
      try api.recall(call, pool: names[0], answer)
    },
    Route("POST", "v1/purge") { api, call, _, answer throws(Problem) in
      try api.purge(call, answer)
    },
    Route("POST", "v1/pools/*/pause", command(.pause)),
    Route("POST", "v1/pools/*/resume", command(.resume)),
    Route("POST", "v1/pools/*/breaker/reset", command(.resetBreaker)),
    Route("GET", "livez") { api, _, _, answer in answer(.success(api.health.live())) },
    Route("GET", "readyz") { api, _, _, answer in answer(.success(api.health.ready())) },
    Route("GET", "metrics") { api, _, _, answer throws(Problem) in try api.readMetrics(answer) },
  ]

  private static func command(_ command: PoolCommand) -> Route.Call {
    { api, call, names, answer throws(Problem) in
      try api.perform(command, call, pool: names[0], answer)
    }
  }

  private static func change(_ command: ClaimCommand) -> Route.Call {
    { api, call, names, answer throws(Problem) in
      try api.change(call, command, claim: names[0], answer)
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
    var known: [String] = []
    for route in Self.routes {
      guard let names = route.match(request.segments) else { continue }
      guard route.method == request.method else {
        known.append(route.method)
        continue
      }
      do throws(Problem) {
        try route.call(self, request, names, reply)
      } catch {
        reply(.failure(error))
      }
      return
    }
    guard known.isEmpty else { return answer(Self.methodNotAllowed(request.method, known)) }
    reply(.failure(Problem(.notFound, "there is nothing at this path")))
  }

  private static func methodNotAllowed(_ method: String, _ known: [String]) -> HTTPResponse {
    let allowed = known.sorted() + (known.contains("GET") ? ["HEAD"] : [])
    var response = Documents.problem(
      Problem(
        .methodNotAllowed, "\(method) is not known here: use \(allowed.joined(separator: " or "))"))
    response.headers.append(HTTPField("Allow", allowed.joined(separator: ", ")))
    return response
  }

  /// Answers a request that came over HTTP.
  package func handle(_ request: HTTPRequest, _ responder: Responder) {
    do throws(Problem) {
      if let claim = PlainClaim.request(of: request) {
        return try self.claim(claim, isAlone: request.isAlone) { responder.send($0) }
      }
      handle(try APIRequest(request)) { responder.send($0) }
    } catch {
      responder.send(Documents.problem(error))
    }
  }

  /// The answer to what the HTTP server refuses by itself.
  package static func refusal(status: Int, detail: String) -> HTTPResponse {
    let word = Problem.word(forStatus: status)
    let retryAfter: Duration? = status == 503 ? Limits.busyRetryAfter : nil
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

  /// Reads levels, of all pools or of those that are named, with what the disk allows.
  func readLevels(
    _ names: [String]?, _ answer: @escaping Route.Answer,
    respond: @escaping @Sendable ([PoolStatus], Disk, Instant) throws(Problem) -> HTTPResponse
  ) throws(Problem) {
    let now = clock()
    try read(
      { [writer] (store) throws(StoreError) in
        // Where nobody writes here, what is free tells most of it.
        let disk = writer?.disk ?? Disk(store.space())
        var levels = try store.pools(names, at: now)
        for index in levels.indices { levels[index].disk = disk.why }
        return (levels, disk)
      }, answer
    ) { (levels, disk) throws(Problem) in try respond(levels, disk, now) }
  }

  /// Writes to the store and answers with what `respond` makes of it.
  ///
  /// - Parameter filling: the items that are stored, which is refused while filling has stopped.
  func write<Value: Sendable>(
    filling: StoreWriter.Filling? = nil,
    _ work: @escaping @Sendable (any Store, Instant) throws(StoreError) -> Value,
    _ answer: @escaping Route.Answer,
    respond: @escaping @Sendable (Value) throws(Problem) -> HTTPResponse
  ) throws(Problem) {
    guard let writer else { throw Self.readOnly }
    let accepted = writer.submit(filling: filling, work) { result in
      Self.conclude(result, answer, respond)
    }
    if !accepted { throw Self.busy("too many calls wait for the store") }
  }

  /// Writes to the store in slices with claims between them, and goes on with what they did in all.
  func writeInSlices(
    of size: Int, limit: Int = .max, _ answer: @escaping Route.Answer,
    _ work: @escaping StoreWriter.SliceOfWork,
    then: @escaping @Sendable (Piece) throws(Problem) -> Void
  ) throws(Problem) {
    guard let writer else { throw Self.readOnly }
    let accepted = writer.submit(inSlicesOf: size, limit: limit, work) { result in
      do throws(Problem) {
        try then(result.mapError(Self.problem).get())
      } catch {
        answer(.failure(error))
      }
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

  /// Answers with a page of rows in the member `list`, of one pool or of all.
  ///
  /// - Parameter filters: query parameters besides, which `read` looks at.
  func readPage<Row: Sendable>(
    _ call: APIRequest, _ list: StaticString, filters: [String] = [],
    _ answer: @escaping Route.Answer,
    of read:
      @escaping @Sendable (
        _ store: any StoreReader, _ pool: String?, _ before: Int64?, _ limit: Int
      ) throws(StoreError) -> Page<Row>,
    write: @escaping @Sendable (Row, inout JSONWriter) -> Void
  ) throws(Problem) {
    try call.expectQuery(["pool", "cursor", "limit"] + filters)
    let pool = call.parameter("pool")
    let (limit, cursor) = try call.page()
    let now = clock()
    try self.read(
      { (store) throws(StoreError) in
        if let pool, try store.pools([pool], at: now).isEmpty { throw .unknownPool(pool) }
        return try read(store, pool, cursor, limit)
      }, answer
    ) { page in
      Documents.json(200) { json in
        json.object {
          $0.array(list) { json in page.rows.forEach { write($0, &json) } }
          $0.member("cursor", APIRequest.text(cursor: page.cursor))
        }
      }
    }
  }

  static func problem(_ error: StoreError) -> Problem {
    switch error {
    case .unknownPool(let pool): Problem(.unknownPool, "there is no pool \(pool)")
    case .full(let why): Problem(diskFull: why)
    case .unknownCommit: busy("\(error)")
    case .damaged: busy("the store is damaged, and the server ends")
    default: Problem(.failed, "\(error)")
    }
  }

  static func busy(_ detail: String) -> Problem {
    Problem(.busy, detail, retryAfter: Limits.busyRetryAfter)
  }

  static let readOnly = Problem(.failed, "this process only reads the store")
}
