/// A claim as a load client asks for it, as often as it likes.
struct LoadRequest {
  let pool: String
  let user: String
  /// The header's key.
  let header: String?
  let count: Int
  let holds: Bool
  let backorders: Bool
  /// Named only to servers that let tests do so.
  var principal: String?

  init(
    pool: String, user: String, key: String?, count: Int = 1, holds: Bool = false,
    backorders: Bool = false
  ) {
    self.pool = pool
    self.user = user
    header = key
    self.count = count
    self.holds = holds
    self.backorders = backorders
  }

  /// The same again as it was recorded.
  init(_ operation: Operation) {
    self.init(
      pool: operation.pool, user: operation.user, key: operation.key == "" ? nil : operation.key,
      count: operation.count, holds: operation.fingerprint.contains("hold"),
      backorders: operation.fingerprint.contains("wait"))
  }

  /// What binds the claim.
  var key: String? { header ?? (pool == LoadPools.tickets ? "" : nil) }

  var fingerprint: String { "count \(count)\(holds ? ", hold" : "")\(backorders ? ", wait" : "")" }

  private var body: String {
    var text = #"{"user":"\#(user)""#
    if count != 1 { text += #","count":\#(count)"# }
    if holds { text += #","hold":"5m""# }
    if backorders { text += #","on_miss":"backorder""# }
    return text + "}"
  }

  var bytes: [UInt8] {
    HTTPText.request(
      "POST", "/v1/pools/\(pool)/claims",
      headers: (header.map { "Idempotency-Key: \($0)\r\n" } ?? "")
        + (principal.map { "Larder-Test-Principal: \($0)\r\n" } ?? ""), body: body)
  }

  /// The same key with another body.
  var changed: LoadRequest {
    LoadRequest(pool: pool, user: user, key: header, count: count + 1, holds: holds)
  }
}

enum HTTPText {
  static func request(
    _ method: String, _ target: String, headers: String = "", body: String? = nil
  ) -> [UInt8] {
    var text = "\(method) \(target) HTTP/1.1\r\nHost: localhost\r\n\(headers)"
    if let body { text += "Content-Length: \(body.utf8.count)\r\n" }
    return Array("\(text)\r\n\(body ?? "")".utf8)
  }
}
