import API
import Larder

extension Command {
  private static let user = Option(name: "--user", value: "U", help: "who gets the items; required")
  private static let count = Option(name: "--count", value: "N", help: "how many items (default 1)")
  private static let key = Option(
    name: "--key", value: "K", help: "the same key gives the same items again")
  private static let hold = Option(
    name: "--hold", value: "10m", help: "hold the items instead of claiming them")
  private static let match = Option(
    name: "--match", value: "k=v", help: "only items with this attribute", isRepeatable: true)
  private static let minRemaining = Option(
    name: "--min-remaining", value: "1h", help: "only items that keep for so long")
  private static let onMiss = Option(
    name: "--on-miss", value: "reject|backorder", help: "what to do when the pool is out of stock")

  static let claim = Command(
    name: "claim", arguments: "POOL --user U", summary: "claims items for a user",
    notes: "Prints the payloads, a line each. Exit code 3: out of stock.",
    options: [user, count, key, hold, match, minRemaining, onMiss]
  ) { context throws(CommandError) in
    let arguments = context.arguments
    let pool = try arguments.single("POOL")
    guard let name = arguments.value(user), !name.isEmpty else {
      throw .usage("--user is missing")
    }
    for option in [hold, minRemaining] {
      if let text = arguments.value(option), DurationText.parse(text) == nil {
        throw .usage("\(option.name) must be a duration such as 90s, 10m or 1h30m, not \(text)")
      }
    }
    var request = APIRequest("POST", ["v1", "pools", pool, "claims"])
    if let key = arguments.value(key) {
      // In a header they would end it, or begin another one.
      guard !key.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
      else { throw .usage("--key can't hold control characters") }
      request.idempotencyKeys = [quoted(key)]
    }
    let count = try arguments.integer(count, in: Limits.claimCount)
    var matches: [(String, String)] = []
    for text in arguments.values(match) {
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2 else { throw .usage("--match must be NAME=VALUE, not \(text)") }
      matches.append((String(parts[0]), String(parts[1])))
    }
    request.body = JSONWriter.text { json in
      json.object {
        $0.member("user", name)
        if let count { $0.member("count", count) }
        if let hold = arguments.value(hold) { $0.member("hold", hold) }
        if !matches.isEmpty {
          $0.object("match") { json in
            for (name, value) in matches { json.member(text: name, value) }
          }
        }
        if let span = arguments.value(minRemaining) { $0.member("min_remaining", span) }
        if let onMiss = arguments.value(onMiss) { $0.member("on_miss", onMiss) }
      }
    }
    let client = try context.writingClient(for: .claiming)
    defer { client.close() }
    let body = try client.call(request)
    if context.wantsJSON {
      Terminal.output(body + [0x0A])
    } else {
      for item in JSONNode(body)?["items"]?.elements ?? [] {
        Terminal.output((item["payload"]?.text ?? "null") + "\n")
      }
    }
    return 0
  }

  /// A key as a quoted string, which any text can stand in.
  private static func quoted(_ key: String) -> String {
    "\"" + key.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
  }

  private static let ofUser = Option(name: "--user", value: "U", help: "only this user's claims")
  private static let ofPool = Option(name: "--pool", value: "P", help: "only claims of this pool")

  static let claims = Command(
    name: "claims", arguments: "[--user U] [--pool P]", summary: "lists who has what, newest first",
    notes: "Payloads are shown with --json only.", options: [ofUser, ofPool]
  ) { context throws(CommandError) in
    try context.arguments.expect(atMost: 0)
    let user = context.arguments.value(ofUser)
    var request = APIRequest(
      "GET", user.map { ["v1", "users", $0, "claims"] } ?? ["v1", "claims"])
    if let pool = context.arguments.value(ofPool) { request.query = [("pool", pool)] }
    let client = try context.readingClient()
    defer { client.close() }
    let pages = Pages(client: client, request: request, list: "claims")
    if context.wantsJSON {
      Terminal.output(try pages.joined() + [0x0A])
      return 0
    }
    var table = Table([
      ("CLAIM", .left), ("POOL", .left), ("USER", .left), ("STATE", .left), ("ITEMS", .right),
      ("CLAIMED AT", .left),
    ])
    try pages.forEach { claim in
      table.add([
        claim["claim"]?.plain ?? "", claim["pool"]?.plain ?? "", claim["user"]?.plain ?? "",
        claim["state"]?.plain ?? "", "\(claim["items"]?.elements.count ?? 0)",
        claim["claimed_at"]?.plain ?? "",
      ])
    }
    Terminal.output(table.text)
    return 0
  }
}
