import HTTPServer
import Larder

extension API {
  /// `POST /v1/pools/{pool}/claims`
  func claim(
    _ call: APIRequest, pool: String, _ answer: @escaping Route.Answer
  ) throws(Problem) {
    let began = ContinuousClock.now
    let request = try Self.claimRequest(call, pool: pool)
    guard let writer else { throw Self.readOnly }
    let accepted = writer.claim(request) { [self] result in
      let response = result.mapError(Self.problem).flatMap { respond(to: request, $0) }
      let word: String
      switch response {
      case .success(let response): word = response.status == 201 ? "granted" : "repeated"
      case .failure(let problem): word = problem.word.rawValue
      }
      // A pool that does not exist must not become a label: anybody could make as many as they like.
      let label = word == Problem.Word.unknownPool.rawValue ? "" : pool
      metrics.claimed(pool: label, result: word, took: ContinuousClock.now - began)
      answer(response)
    }
    if !accepted {
      metrics.claimed(pool: "", result: Problem.Word.busy.rawValue, took: .zero)
      throw Self.busy("too many claims wait for the store")
    }
  }

  private func respond(
    to request: ClaimRequest, _ outcome: ClaimOutcome
  ) -> Result<HTTPResponse, Problem> {
    switch outcome {
    case .granted(let claim), .accepted(let claim):
      let location = HTTPField("Location", "/v1/claims/\(claim.id)")
      return .success(
        Documents.json(201, headers: [location]) { claim.write(to: &$0) })
    case .repeated(let claim), .changed(let claim):
      return .success(Documents.json(200) { claim.write(to: &$0) })
    case .outOfStock:
      let now = clock()
      let wait = engine?.expectedFill(of: request.pool).map { max($0 - now, .seconds(1)) }
      return .failure(
        Problem(
          .outOfStock, "\(request.pool) has fewer than \(request.count) items to give",
          retryAfter: wait ?? Limits.unknownRetryAfter))
    case .keyReused:
      return .failure(
        Problem(.keyReused, "the same key was used before with another request"))
    case .userLimit(let limit):
      return .failure(
        Problem(.userLimit, "a user may have at most \(limit) items of \(request.pool)"))
    case .unknownPool:
      return .failure(Problem(.unknownPool, "there is no pool \(request.pool)"))
    case .noHolds:
      return .failure(Problem(.badRequest, "\(request.pool) allows no holds"))
    case .wrongState(let state):
      return .failure(Problem(.wrongState, "the claim is \(state.rawValue)"))
    case .unknownClaim:
      return .failure(Problem(.unknownClaim, "there is no such claim"))
    }
  }

  private static func claimRequest(
    _ call: APIRequest, pool: String
  ) throws(Problem) -> ClaimRequest {
    try call.expectQuery()
    try call.expectBody("application/json")
    let body = try JSONBody(
      call.body, known: "user", "count", "hold", "match", "min_remaining", "on_miss")
    for name in ["hold", "match"] where body.has(name) {
      throw Problem(.badRequest, "\"\(name)\" is not supported yet")
    }
    guard let user = try body.string("user") else {
      throw Problem(.badRequest, "\"user\" is missing")
    }
    try checkUser(user)
    var request = ClaimRequest(pool: pool, user: user)
    request.key = try idempotencyKey(call.idempotencyKeys)
    request.count = try body.integer("count", in: Limits.claimCount) ?? 1
    request.minRemaining = try body.duration("min_remaining")
    request.onMiss = try body.word("on_miss")
    return request
  }

  static func checkUser(_ user: String) throws(Problem) {
    guard (1...Limits.userBytes).contains(user.utf8.count), !user.utf8.contains(0) else {
      throw Problem(
        .badRequest, "a user is 1 to \(Limits.userBytes) bytes of UTF-8 without NUL")
    }
  }

  /// The key, quoted as the header's draft standard has it, or bare.
  private static func idempotencyKey(_ fields: [String]) throws(Problem) -> String? {
    guard let field = fields.first else { return nil }
    guard fields.count == 1 else {
      throw Problem(.badRequest, "Idempotency-Key stands more than once")
    }
    let key = field.hasPrefix("\"") ? unquote(field) : field
    guard let key, (1...Limits.idempotencyKeyBytes).contains(key.utf8.count) else {
      throw Problem(
        .badRequest,
        "Idempotency-Key must be 1 to \(Limits.idempotencyKeyBytes) bytes, bare or in quotes")
    }
    return key
  }

  /// The text of a quoted string, with `\"` and `\\` as its only escapes; nil if it is none.
  private static func unquote(_ field: String) -> String? {
    var text = String.UnicodeScalarView()
    var rest = field.unicodeScalars.dropFirst()
    while let scalar = rest.popFirst() {
      switch scalar {
      case "\"": return rest.isEmpty ? String(text) : nil
      case "\\":
        guard let escaped = rest.popFirst(), escaped == "\"" || escaped == "\\" else { return nil }
        text.append(escaped)
      default: text.append(scalar)
      }
    }
    return nil
  }

  /// `GET /v1/claims/{claim}`. No claim of this version is pending, so `wait` never waits.
  func readClaim(
    _ call: APIRequest, id: String, _ answer: @escaping Route.Answer
  ) throws(Problem) {
    try call.expectQuery("wait")
    if let text = call.parameter("wait") {
      guard let wait = DurationText.parse(text), wait <= Limits.wait else {
        throw Problem(
          .badRequest,
          "wait must be a duration of at most \(DurationText.format(Limits.wait)), such as 30s")
      }
    }
    try read({ (store) throws(StoreError) in try store.claim(id) }, answer) {
      (claim) throws(Problem) in
      guard let claim else { throw Problem(.unknownClaim, "there is no claim \(id)") }
      return Documents.json(200) { claim.write(to: &$0) }
    }
  }

  /// `GET /v1/users/{user}/claims`, and `GET /v1/claims` over all users.
  func listClaims(
    _ call: APIRequest, user: String? = nil, _ answer: @escaping Route.Answer
  ) throws(Problem) {
    if let user { try Self.checkUser(user) }
    try readPage(call, "claims", answer) { (store, pool, cursor, limit) throws(StoreError) in
      try store.claims(user: user, pool: pool, before: cursor, limit: limit)
    } write: {
      $0.write(to: &$1)
    }
  }
}
