import HTTPServer
import Larder

extension API {
  /// `POST /v1/pools/{pool}/claims`
  func claim(
    _ call: APIRequest, pool: String, _ answer: @escaping Route.Answer
  ) throws(Problem) {
    try claim(Self.claimRequest(call, pool: pool), isAlone: call.isAlone) { answer(.success($0)) }
  }

  /// Has a request decided.
  func claim(
    _ request: ClaimRequest, isAlone: Bool, _ answer: @escaping Answer
  ) throws(Problem) {
    let began = Stopwatch()
    guard let writer else { throw Self.readOnly }
    let (pool, count) = (request.pool, request.count)
    let accepted = writer.decide(.request(request), alone: isAlone) { [self] result in
      let (response, word) = respond(result, pool, count)
      // A pool that does not exist must not become a label: anybody could make as many as they like.
      let label = word == Problem.Word.unknownPool.rawValue ? "" : pool
      metrics.claimed(pool: label, result: word, took: began.seconds)
      answer(response)
    }
    if !accepted {
      metrics.claimed(pool: "", result: Problem.Word.busy.rawValue, took: 0)
      throw Self.busy("too many claims wait for the store")
    }
  }

  /// The answer to a request for so many items of a pool, and the word that the metrics have for it.
  private func respond(
    _ result: Result<ClaimOutcome, StoreError>, _ pool: String, _ count: Int
  ) -> (response: HTTPResponse, word: String) {
    let problem: Problem
    switch result {
    case .success(.granted(let claim)): return (respond(201, claim, located: true), "granted")
    case .success(.accepted(let claim)): return (respond(202, claim, located: true), "accepted")
    case .success(.repeated(let claim)):
      let isPending = claim.state == .pending
      return (respond(isPending ? 202 : 200, claim, located: isPending), "repeated")
    case .success(let refusal): problem = self.problem(of: refusal, pool, count)
    case .failure(let error): problem = Self.problem(error)
    }
    return (Documents.problem(problem), problem.word.rawValue)
  }

  private func problem(
    of outcome: ClaimOutcome, _ pool: String, _ count: Int
  ) -> Problem {
    switch outcome {
    case .outOfStock:
      let now = clock()
      let wait = engine?.expectedFill(of: pool).map { max($0 - now, .seconds(1)) }
      let missed = count == 1 ? "no item" : "fewer than \(count) items"
      return Problem(
        .outOfStock, "\(pool) has \(missed) to give",
        retryAfter: wait ?? Limits.unknownRetryAfter)
    case .keyReused:
      return Problem(.keyReused, "the same key was used before with another request")
    case .userLimit(let limit):
      return Problem(.userLimit, "a user may have at most \(limit) items of \(pool)")
    case .noHolds:
      return Problem(.badRequest, "\(pool) allows no holds")
    case .unknownPool:
      return Problem(.unknownPool, "there is no pool \(pool)")
    case .granted, .accepted, .repeated, .changed, .wrongState, .unknownClaim:
      return Problem(.failed, "the store decided what was not asked")
    }
  }

  /// An answer with a claim's body.
  func respond(_ status: Int, _ claim: Claim, located: Bool = false) -> HTTPResponse {
    let location = located ? "/v1/claims/" + claim.id : nil
    return Documents.json(status, location: location, room: claim.roomForJSON) {
      write(claim, to: &$0)
    }
  }

  func write(_ claim: Claim, to json: inout JSONWriter) {
    guard claim.state == .pending else { return claim.write(to: &json) }
    let now = clock()
    let expected = engine?.expectedFill(ofBackorderIn: claim.pool, at: now)
    claim.write(to: &json, expectedAt: expected.map { max($0, now) })
  }

  /// `POST /v1/claims/{claim}/confirm` and `/release`, and `DELETE /v1/claims/{claim}`
  func change(
    _ call: APIRequest, _ command: ClaimCommand, claim id: String,
    _ answer: @escaping Route.Answer
  ) throws(Problem) {
    try call.expectNothing()
    guard let writer else { throw Self.readOnly }
    let accepted = writer.decide(.change(id, command)) { [self] result in
      let response: Result<HTTPResponse, Problem>
      do throws(Problem) {
        response = .success(
          try respond(to: command, id, result.mapError(Self.problem).get()))
        metrics.changed(command, result: "done")
      } catch {
        response = .failure(error)
        metrics.changed(command, result: error.word.rawValue)
      }
      answer(response)
    }
    if !accepted {
      metrics.changed(command, result: Problem.Word.busy.rawValue)
      throw Self.busy("too many claims wait for the store")
    }
  }

  private func respond(
    to command: ClaimCommand, _ id: String, _ outcome: ClaimOutcome
  ) throws(Problem) -> HTTPResponse {
    switch outcome {
    case .changed(let claim): return respond(200, claim)
    case .wrongState(let state):
      throw Problem(
        .wrongState,
        "the claim is \(state.rawValue): \(command.rawValue) is for a claim that is "
          + command.from.rawValue)
    case .unknownClaim: throw Self.unknownClaim(id)
    default: throw Problem(.failed, "the store decided what was not asked")
    }
  }

  static func unknownClaim(_ id: String) -> Problem {
    Problem(.unknownClaim, "there is no claim \(id)")
  }

  /// `GET /v1/claims/{claim}`, with `wait` as soon as it is no longer pending.
  func readClaim(
    _ call: APIRequest, id: String, _ answer: @escaping Route.Answer
  ) throws(Problem) {
    try call.expectQuery("wait")
    var wait = Duration.zero
    if let text = call.parameter("wait") {
      guard let span = DurationText.parse(text), span <= Limits.wait else {
        throw Problem(
          .badRequest,
          "wait must be a duration of at most \(DurationText.format(Limits.wait)), such as 30s")
      }
      wait = span
    }
    let respond = { @Sendable [self] (claim: Claim?) throws(Problem) -> HTTPResponse in
      guard let claim else { throw Self.unknownClaim(id) }
      return self.respond(200, claim)
    }
    // Without a writer nobody here would tell that the claim was resolved.
    guard wait > .zero, writer != nil else {
      let now = clock()
      return try read(
        { (store) throws(StoreError) in try store.claim(id, at: now) }, answer, respond: respond)
    }
    try waiters.wait(for: id, atMost: wait) { result in
      answer(Result { () throws(Problem) in try respond(result.get()) })
    }
  }

  /// Whether the call asks for claims that lost items to a recall: of a pool, and by nothing else.
  private func recalledFilter(
    _ call: APIRequest, _ user: String?, _ state: ClaimState?
  ) throws(Problem) -> Bool {
    guard let text = call.parameter("recalled") else { return false }
    guard text == "true", call.parameter("pool") != nil, user == nil, state == nil else {
      throw Problem(
        .badRequest, "recalled must be true, with a pool, and without a user and a state")
    }
    return true
  }

  /// `GET /v1/users/{user}/claims`, and `GET /v1/claims` over all users.
  func listClaims(
    _ call: APIRequest, user: String? = nil, _ answer: @escaping Route.Answer
  ) throws(Problem) {
    if let user { try Self.checkUser(user) }
    var state: ClaimState?
    if let text = call.parameter("state") {
      let known = ClaimState.allCases.filter { $0 != .forgotten }
      state = known.first { $0.rawValue == text }
      guard state != nil else {
        let words = known.map(\.rawValue).joined(separator: ", ")
        throw Problem(.badRequest, "state must be one of \(words)")
      }
    }
    let isRecalled = try recalledFilter(call, user, state)
    let now = clock()
    try readPage(call, "claims", filters: ["state", "recalled"], answer) {
      [state] (store, pool, cursor, limit) throws(StoreError) in
      if isRecalled, let pool {
        return try store.claimsRecalled(in: pool, before: cursor, limit: limit, at: now)
      }
      return try store.claims(
        user: user, pool: pool, state: state, before: cursor, limit: limit, at: now)
    } write: { [self] claim, json in
      write(claim, to: &json)
    }
  }

  /// `DELETE /v1/users/{user}/claims`
  func forgetClaims(
    _ call: APIRequest, user: String, _ answer: @escaping Route.Answer
  ) throws(Problem) {
    try Self.checkUser(user)
    try call.expectNothing(butQuery: "limit")
    let limit = try call.limit(in: Limits.pageSizes) ?? Limits.pageSize
    try writeInSlices(of: Limits.forgetSlice, limit: limit, answer) {
      (store, now, _, limit) throws(StoreError) in
      try store.forget(user: user, at: now, limit: limit)
    } then: { progress in
      answer(.success(Documents.deleted(progress)))
    }
  }
}
