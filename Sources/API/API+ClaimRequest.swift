import Larder

extension API {
  /// What a call of `POST /v1/pools/{pool}/claims` asks for.
  static func claimRequest(
    _ call: APIRequest, pool: String
  ) throws(Problem) -> ClaimRequest {
    try call.expectQuery()
    try call.expectBody("application/json")
    let body = try JSONBody(
      call.body, known: "user", "count", "hold", "match", "min_remaining", "on_miss")
    guard let user = try body.string("user") else {
      throw Problem(.badRequest, "\"user\" is missing")
    }
    try checkUser(user)
    var request = ClaimRequest(pool: pool, principal: call.principal, user: user)
    request.key = try idempotencyKey(call.idempotencyKeys)
    request.count = try body.integer("count", in: Limits.claimCount) ?? 1
    request.hold = try body.duration("hold")
    if request.hold == .zero { throw Problem(.badRequest, "\"hold\" must be longer than 0s") }
    request.match = try body.match("match")
    request.minRemaining = try body.duration("min_remaining")
    request.onMiss = try body.word("on_miss")
    return request
  }

  static func checkUser(_ user: String) throws(Problem) {
    var text = user
    guard (1...Limits.userBytes).contains(user.utf8.count),
      !text.withUTF8({ bytes in bytes.contains(0) })
    else {
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
}
