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
    name: "--match", value: "k=v", help: "only items with this attribute; may be repeated",
    isRepeatable: true)
  private static let minRemaining = Option(
    name: "--min-remaining", value: "1h", help: "only items that keep for so long")
  private static let onMiss = Option(
    name: "--on-miss", value: "reject|backorder", help: "what to do when the pool is out of stock")

  static let claim = Command(
    name: "claim", arguments: "POOL --user U", summary: "claims items for a user",
    notes: """
      Prints the payloads, a line each. Exit code 3: out of stock. The value of --match is the number,
      true, false or quoted string that it is as JSON, and a text otherwise: size=3 is a number,
      size='"3"' and zone=A are texts. A claim that is pending or held is told of on standard error,
      with its id.
      """,
    options: [user, count, key, hold, match, minRemaining, onMiss]
  ) { context throws(CommandError) in
    let arguments = context.arguments
    let pool = try arguments.single("POOL")
    guard let name = arguments.value(user), !name.isEmpty else {
      throw .usage("--user is missing")
    }
    _ = try arguments.duration(minRemaining)
    if try arguments.duration(hold) == .zero { throw .usage("--hold must be longer than 0s") }
    let miss = try arguments.word(onMiss, of: ClaimPolicy.OnMiss.allCases)
    var request = APIRequest("POST", ["v1", "pools", pool, "claims"])
    if let key = arguments.value(key) {
      // In a header they would end it, or begin another one.
      guard !key.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
      else { throw .usage("--key can't hold control characters") }
      request.idempotencyKeys = [quoted(key)]
    }
    let count = try arguments.integer(count, in: Limits.claimCount)
    let matches = try matches(arguments)
    request.body = JSONWriter.text { json in
      json.object {
        $0.member("user", name)
        if let count { $0.member("count", count) }
        if let hold = arguments.value(hold) { $0.member("hold", hold) }
        if !matches.isEmpty {
          $0.object("match") { json in
            for (name, value) in matches { json.member(text: name, raw: value) }
          }
        }
        if let span = arguments.value(minRemaining) { $0.member("min_remaining", span) }
        if let miss { $0.member("on_miss", miss.rawValue) }
      }
    }
    let client = try context.writingClient(for: .changing)
    defer { client.close() }
    let body = try client.call(request)
    if context.wantsJSON {
      Terminal.output(body + [0x0A])
    } else {
      let claim = JSONNode(body)
      for item in claim?["items"]?.elements ?? [] {
        Terminal.output((item["payload"]?.text ?? "null") + "\n")
      }
      if let claim, let text = whatNext(claim) {
        Terminal.error("larder claim: \(Terminal.printable(text))\n")
      }
    }
    return 0
  }

  /// What the payloads alone do not say of a claim, and how to go on; nil where they say all.
  private static func whatNext(_ claim: JSONNode) -> String? {
    let id = claim["claim"]?.plain ?? ""
    switch claim["state"]?.string {
    case "claimed", nil: return nil
    case "pending":
      let place = claim["position"].map { " at position \($0.plain)" } ?? ""
      let time = claim["expected_at"].map { ", expected at \($0.plain)" } ?? ""
      return "claim \(id) is pending\(place)\(time): wait for it with "
        + "GET /v1/claims/\(id)?wait=60s, or give it up with `larder cancel \(id)`"
    case "held":
      let end = claim["hold_expires_at"].map { " until \($0.plain)" } ?? ""
      return "claim \(id) is held\(end): `larder confirm \(id)` keeps it, "
        + "`larder release \(id)` gives it back"
    case let state?:
      return "claim \(id) is \(state)"
    }
  }

  /// The names and JSON values of `--match`.
  private static func matches(
    _ arguments: Arguments
  ) throws(CommandError) -> [(name: String, value: String)] {
    var matches: [(name: String, value: String)] = []
    for text in arguments.values(match) {
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2 else { throw .usage("--match must be NAME=VALUE, not \(text)") }
      let name = String(parts[0])
      guard !matches.contains(where: { $0.name == name }) else {
        throw .usage("--match names \(name) twice")
      }
      matches.append((name, json(ofMatched: String(parts[1]))))
    }
    return matches
  }

  /// A text that is a JSON number, true, false or string, as it is; any other as a JSON string.
  private static func json(ofMatched text: String) -> String {
    var text = text
    let value = text.withUTF8 { bytes -> JSONValue? in
      let value = try? JSONReader.value(of: bytes)
      return value?.range == bytes.indices ? value : nil
    }
    switch value?.kind {
    case .number, .bool, .string: return text
    case .object, .array, .null, nil:
      return String(decoding: JSONWriter.text { $0.string(text) }, as: UTF8.self)
    }
  }

  /// A key as a quoted string, which any text can stand in.
  private static func quoted(_ key: String) -> String {
    "\"" + key.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
  }
}
