import Larder
import Testing

@testable import API
@testable import HTTPServer

/// What is read from a call's bytes at once is what the reader of all calls makes of it.
@Suite struct PlainClaimTests {
  private func call(
    _ body: [UInt8], method: String = "POST", target: [UInt8] = Array("/v1/pools/p/claims".utf8),
    fields: [(String, String)] = []
  ) -> HTTPRequest {
    var packed: [UInt8] = []
    for (name, value) in fields {
      for part in [name, value] {
        withUnsafeBytes(of: UInt32(part.utf8.count)) { packed += $0 }
      }
      packed += Array(name.utf8) + Array(value.utf8)
    }
    return HTTPRequest(
      method: method, isHead: false, target: target, fields: PackedFields(bytes: packed),
      body: body, peer: .loopback)
  }

  /// The request that the call makes by the reader of all calls; nil where it is refused or another call.
  private func read(_ call: HTTPRequest) -> ClaimRequest? {
    guard let whole = try? APIRequest(call), whole.method == "POST",
      let names = Route("POST", "v1/pools/*/claims", { _, _, _, _ in }).match(whole.segments)
    else { return nil }
    return try? API.claimRequest(whole, pool: names[0])
  }

  @Test(arguments: [
    #"{"user":"u"}"#, " {\t\"user\" :\r\n\"u\" } \n", #"{"count":1000,"user":"u"}"#,
    #"{"user":"a b/c@d.e+\#u{7F}'"}"#,
    #"{"user":"u","count":2,"hold":"10m","min_remaining":"0s","on_miss":"backorder"}"#,
    #"{"on_miss":"reject","user":"u","min_remaining":"1h30m"}"#,
  ])
  func usualCallsAreReadAtOnce(_ body: String) throws {
    let fields: [[(String, String)]] = [
      [], [("Host", "localhost"), ("content-TYPE", "application/json")],
      [("Idempotency-Key", "k-1"), ("X-Idempotency", "other")],
      [("idempotency-key", "\"two words\""), ("Content-Length", "5"), ("Accept-Encoding", "gzip")],
    ]
    for fields in fields {
      let call = call(Array(body.utf8), fields: fields)
      let plain = try #require(PlainClaim.request(of: call))
      #expect(plain == read(call))
    }
  }

  @Test func whateverTheBytesAreBothReadersAgree() {
    var calls = RandomCalls()
    var plain = 0
    var left = 0
    for _ in 0..<60_000 {
      let made = calls.next()
      let call = call(made.body, method: made.method, target: made.target, fields: made.fields)
      let whole = read(call)
      if let request = PlainClaim.request(of: call) {
        plain += 1
        #expect(request == whole, "\(made)")
      } else if whole != nil {
        left += 1
      }
    }
    // Both ways were gone often.
    #expect(plain > 5000 && left > 1000, "\(plain) at once, \(left) by the reader of all")
  }

  @Test func namesAndUsersHaveTheSameBounds() {
    for size in [0, 1, Limits.userBytes, Limits.userBytes + 1] {
      let call = call(Array(#"{"user":"\#(String(repeating: "u", count: size))"}"#.utf8))
      #expect(PlainClaim.request(of: call) == read(call))
    }
    for size in [0, 1, Limits.idempotencyKeyBytes, Limits.idempotencyKeyBytes + 1] {
      let key = String(repeating: "k", count: size)
      for field in [key, "\"\(key)\"", "\"\(key)"] {
        let call = call(Array(#"{"user":"u"}"#.utf8), fields: [("Idempotency-Key", field)])
        let request = PlainClaim.request(of: call)
        #expect(request == read(call))
        #expect((request != nil) == (1...Limits.idempotencyKeyBytes ~= size && field != "\"\(key)"))
      }
    }
    for byte in UInt8.min...UInt8.max {
      let call = call(
        Array(#"{"user":"u"}"#.utf8), target: Array("/v1/pools/a".utf8) + [byte] + "/claims".utf8)
      if let request = PlainClaim.request(of: call) { #expect(request == read(call)) }
      let named = self.call(Array(#"{"user":"a"#.utf8) + [byte] + Array(#"b"}"#.utf8))
      if let request = PlainClaim.request(of: named) { #expect(request == read(named)) }
    }
  }
}

/// Calls that are claims, nearly claims and what random bytes make of them; the same each time.
private struct RandomCalls {
  struct Made {
    var method = "POST"
    var target = Array("/v1/pools/p/claims".utf8)
    var fields: [(String, String)] = []
    var body: [UInt8] = []
  }

  private var random = Numbers()

  /// SplitMix64.
  private struct Numbers: RandomNumberGenerator {
    var state: UInt64 = 6

    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = state
      mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
      return mixed ^ mixed >> 31
    }
  }

  private mutating func isOne(in number: Int) -> Bool {
    Int.random(in: 0..<number, using: &random) == 0
  }

  private mutating func one<Value>(of values: [Value]) -> Value {
    values[Int.random(in: values.indices, using: &random)]
  }

  mutating func next() -> Made {
    var made = Made()
    if isOne(in: 20) { made.method = one(of: ["GET", "PUT", "post", "DELETE"]) }
    if isOne(in: 5) {
      made.target = Array(
        one(of: [
          "/v1/pools/a-long-name-of-a-pool/claims", "/v1/pools/a%20b/claims", "/v1/pools//claims",
          "/v1/pools/p/claims?", "/v1/pools/p/claims?x=1", "/v1/pools/a+b/claims",
          "/v1/pools/é/claims",
          "/v1/pools/p/claims/", "/v1/pools/p/q/claims", "//v1/pools/p/claims", "/v1/pools/claims",
          "/v1/pools/p/items", "/V1/pools/p/claims", "/v1/pools/p?/claims", "/v1/pools/p/claim",
        ]).utf8)
    }
    while isOne(in: 3) {
      made.fields.append(
        one(of: [
          ("Content-Type", "application/json"), ("content-type", "application/json; charset=utf-8"),
          ("Content-Type", "text/plain"), ("Content-Type", "Application/JSON"),
          ("Content-Encoding", "identity"), ("Content-Encoding", "gzip"), ("Host", "localhost"),
          ("Idempotency-Key", "k"), ("IDEMPOTENCY-KEY", "\"k\""), ("Idempotency-Key", "\"a\\\"b\""),
          ("Idempotency-Key", "\""), ("Idempotency-Key", "\"\""), ("Idempotency-Key", "a\"b"),
          ("Idempotency-Key", "\"a\"b\""), ("Idempotency-Key", "a\\b"), ("Idempotency-Key", "é"),
          ("Idempotency-Key", ""), ("Idempotency-Keys", "k"), ("Content-Typo", "x"),
        ]))
    }
    made.body = Array(body().utf8)
    while isOne(in: 5) { spoil(&made.body) }
    if isOne(in: 40) { spoil(&made.target) }
    return made
  }

  private mutating func spoil(_ bytes: inout [UInt8]) {
    guard !bytes.isEmpty else { return }
    let at = Int.random(in: bytes.indices, using: &random)
    let byte =
      isOne(in: 2) ? one(of: Array("{}[],:\"\\ 01.eE+-\n".utf8)) : UInt8.random(in: 0...255)
    switch Int.random(in: 0..<3, using: &random) {
    case 0: bytes[at] = byte
    case 1: bytes.insert(byte, at: at)
    default: bytes.remove(at: at)
    }
  }

  private mutating func body() -> String {
    if isOne(in: 100) { return one(of: ["", "[]", "null", "\"user\"", "{}", "{\"user\"}"]) }
    var members: [String] = isOne(in: 30) ? [] : ["\"user\"\(blank()):\(blank())\(user())"]
    while isOne(in: 2) { members.append(member()) }
    if isOne(in: 8), !members.isEmpty { members.append(one(of: members)) }
    if isOne(in: 2) { members.shuffle(using: &random) }
    let end = isOne(in: 30) ? one(of: [",", "}", "x", "{}", "\0"]) : ""
    return
      "\(blank()){\(blank())\(members.joined(separator: "\(blank()),\(blank())"))\(blank())}\(end)"
      + blank()
  }

  private mutating func blank() -> String {
    isOne(in: 4) ? one(of: [" ", "\n", "\t", "\r\n", "  "]) : ""
  }

  private mutating func user() -> String {
    isOne(in: 3)
      ? one(of: [
        "\"é\"", "\"e\u{301}\"", "\"😀\"", #""\u0061""#, #""a\nb""#, #""\\""#, #""\u0000""#, "\"\"",
        "7",
        "null", "[\"u\"]", "{\"user\":\"u\"}", "\"a\tb\"", "\"\u{7F}\"",
        "\"\(String(repeating: "u", count: 201))\"", "true",
      ])
      : one(of: ["\"u\"", "\"a user with a long name\"", "\"u@example.org\"", "\"{},:\""])
  }

  private mutating func member() -> String {
    let (name, values): (String, [String]) = one(of: [
      (
        "count",
        [
          "1", "2", "1000", "1001", "0", "-1", "01", "1.0", "1e0", "1e3", "2.5", "\"2\"", "null",
          "99999999999999999999", "9223372036854775807", "123456789", "1234567890", "+1", "true",
        ]
      ),
      (
        "hold",
        ["\"10m\"", "\"0s\"", "\"1h30m\"", "\"soon\"", "\"\"", "600", "null", "\"10\\u006d\""]
      ),
      ("min_remaining", ["\"10m\"", "\"0s\"", "\"30m1h\"", "\"9d\"", "1", "null", "{}"]),
      ("on_miss", ["\"reject\"", "\"backorder\"", "\"wait\"", "\"\"", "1", "null", "[1]"]),
      ("match", ["{}", "{\"zone\":\"A\"}", "null", "[]", "{\"n\":{}}"]),
      ("user", ["\"u\"", "\"v\"", "null"]), ("us\\u0065r", ["\"u\"", "1"]), ("User", ["\"u\""]),
      ("users", ["\"u\""]), ("", ["1"]), ("é", ["null"]),
    ])
    // The first one is as it should be.
    let value = isOne(in: 2) ? values[0] : one(of: values)
    return "\"\(name)\"\(blank()):\(blank())\(value)"
  }
}
