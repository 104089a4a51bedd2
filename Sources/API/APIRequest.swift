import HTTPServer
import Larder

/// A call of the API, whether it came over HTTP or from a command in the same process.
package struct APIRequest: Sendable {
  package var method: String
  /// The path's segments, decoded.
  package var segments: [String]
  package var query: [(name: String, value: String)] = []
  package var contentType: String?
  package var contentEncoding: String?
  /// Who calls: what keys are scoped to.
  package var principal = "local"
  /// Every `Idempotency-Key` field, as it stands in the header.
  package var idempotencyKeys: [String] = []
  package var body: [UInt8] = []
  /// Whether no other call seems to come meanwhile, so that it may wait for the disk.
  var isAlone = false

  package init(_ method: String, _ segments: [String]) {
    self.method = method
    self.segments = segments
  }

  /// The call that an HTTP request makes; a problem where its path or query is malformed.
  init(_ request: HTTPRequest) throws(Problem) {
    guard let segments = request.segments else {
      throw Problem(
        .badRequest, "the path is not percent-encoded UTF-8 without NUL: \(request.path)")
    }
    guard let items = request.queryItems else {
      throw Problem(.badRequest, "the query is not percent-encoded UTF-8 without NUL")
    }
    self.init(request.method, segments)
    query = items.map { ($0.name, $0.value) }
    contentType = request.header("Content-Type")
    contentEncoding = request.header("Content-Encoding")
    idempotencyKeys = request.headerValues("Idempotency-Key")
    body = request.body
    isAlone = request.isAlone
    #if MUTANTS
      if let principal = Mutant.principal(request.header(Mutant.principalField)) {
        self.principal = principal
      }
    #endif
  }

  /// Refuses query parameters that the call does not know, or that stand twice.
  func expectQuery(_ known: String..., repeatable: Set<String> = []) throws(Problem) {
    try expectQuery(known, repeatable: repeatable)
  }

  func expectQuery(_ known: [String], repeatable: Set<String> = []) throws(Problem) {
    var seen: Set<String> = []
    for (name, _) in query {
      guard known.contains(name) || repeatable.contains(name) else {
        throw Problem(.badRequest, "unknown query parameter \(name)")
      }
      guard seen.insert(name).inserted || repeatable.contains(name) else {
        throw Problem(.badRequest, "the query parameter \(name) stands twice")
      }
    }
  }

  func parameter(_ name: String) -> String? {
    query.first { $0.name == name }?.value
  }

  func limit(in range: ClosedRange<Int>) throws(Problem) -> Int? {
    guard let text = parameter("limit") else { return nil }
    guard let number = Int(text), range.contains(number) else {
      throw Problem(
        .badRequest,
        "limit must be a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  /// `limit` and `cursor` of a call that answers in pages.
  func page() throws(Problem) -> (limit: Int, cursor: Int64?) {
    let limit = try limit(in: Limits.pageSizes) ?? Limits.pageSize
    guard let text = parameter("cursor"), !text.isEmpty else { return (limit, nil) }
    guard let cursor = Int64(text, radix: 36), cursor > 0 else {
      throw Problem(.badRequest, "cursor must be one that an earlier page gave")
    }
    return (limit, cursor)
  }

  /// How a page's cursor is written.
  static func text(cursor: Int64?) -> String? {
    cursor.map { String($0, radix: 36) }
  }

  /// Refuses a body that says anything, and a query.
  func expectNothing(butQuery known: String...) throws(Problem) {
    try expectQuery(known)
    try expectBody("application/json")
    if !body.isEmpty { _ = try JSONBody(body) }
  }

  /// Refuses a body of another type than the given ones; none is taken as the first.
  func expectBody(_ types: String...) throws(Problem) {
    if let contentEncoding, contentEncoding.lowercased() != "identity" {
      throw Problem(
        .unsupportedType, "the body's Content-Encoding is \(contentEncoding): send it as it is")
    }
    guard let contentType, !types.contains(contentType) else { return }
    let type = Self.mediaType(contentType)
    guard types.contains(type) else {
      throw Problem(
        .unsupportedType,
        "the body's Content-Type is \(type); send \(types.joined(separator: " or ")), or none")
    }
  }

  /// The media type without its parameters and the blanks around it, in lower case.
  private static func mediaType(_ field: String) -> String {
    func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
    var type = field.utf8.prefix { $0 != UInt8(ascii: ";") }.drop(while: isBlank)
    while let last = type.last, isBlank(last) { type.removeLast() }
    return String(Substring(type)).lowercased()
  }
}
