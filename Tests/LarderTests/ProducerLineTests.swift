import Testing

@testable import Larder

@Suite struct ProducerLineTests {
  private func read(_ line: String) throws(ProducerLine.Broken) -> ProducerLine {
    try withBytes(line) { (bytes) throws(ProducerLine.Broken) in try ProducerLine(json: bytes) }
  }

  private func message(_ line: String) -> String? {
    do {
      _ = try read(line)
      return nil
    } catch { return error.message }
  }

  @Test func everyMemberIsRead() throws {
    let line =
      #"{"payload": {"seat": "A7"}, "key": "A7@1", "user": "u-17", "#
      + #""attributes": {"zone": "A", "n": 1, "b": true}, "expires_at": "2026-11-24T20:00:00Z"}"#
    let expected = NewItem(
      payload: #"{"seat": "A7"}"#, key: "A7@1",
      attributes: #"{"zone": "A", "n": 1, "b": true}"#, expiresAt: at("2026-11-24T20:00:00Z"),
      user: "u-17")
    #expect(try read(line) == .item(expected))
  }

  @Test(arguments: [
    #"{"a" : 1.0, "b":[ ] }"#, #""\u0041\/""#, "1e0", "-0.0", "null", "true", "[ 1,2 ]", #""""#,
    #"{"a":1,"a":2}"#, "\"\u{7F}é😀\"", "123456789012345678901234567890.10",
  ])
  func payloadsAreKeptByteForByte(_ payload: String) throws {
    #expect(try read("{\"payload\":\(payload)}") == .item(NewItem(payload: payload)))
    #expect(
      try read("\t{ \"key\":\"k\" , \"payload\" : \(payload) } ")
        == .item(NewItem(payload: payload, key: "k")))
  }

  @Test func nullMeansAbsentButInPayload() throws {
    let line = #"{"payload":null,"key":null,"attributes":null,"expires_at":null,"user":null}"#
    #expect(try read(line) == .item(NewItem(payload: "null")))
  }

  @Test func aCursorStandsAlone() throws {
    #expect(try read(#"{"cursor": "page-3"}"#) == .cursor("page-3"))
    #expect(try read(#"{"cursor": ""}"#) == .cursor(""))
    #expect(
      message(#"{"cursor": "x", "payload": 1}"#) == #""cursor" must stand on a line of its own"#)
    let longest = String(repeating: "c", count: Limits.cursorBytes)
    #expect(try read("{\"cursor\":\"\(longest)\"}") == .cursor(longest))
    let wrong = #""cursor" must be a string of at most 4096 bytes without NUL"#
    #expect(message("{\"cursor\":\"\(longest)x\"}") == wrong)
    #expect(message(#"{"cursor":"a\u0000"}"#) == wrong)
    #expect(message(#"{"cursor":3}"#) == wrong)
    #expect(message(#"{"cursor":null}"#) == wrong)
  }

  @Test(arguments: [
    (#"{"key":"k"}"#, #""payload" is missing"#),
    ("{}", #""payload" is missing"#),
    (#"{"payload":1,"key":""}"#, #""key" must be a string of 1 to 512 bytes without NUL"#),
    (#"{"payload":1,"key":7}"#, #""key" must be a string of 1 to 512 bytes without NUL"#),
    (#"{"payload":1,"key":"a\u0000"}"#, #""key" must be a string of 1 to 512 bytes without NUL"#),
    (#"{"payload":1,"user":""}"#, #""user" must be a string of 1 to 200 bytes without NUL"#),
    (#"{"payload":1,"user":["u"]}"#, #""user" must be a string of 1 to 200 bytes without NUL"#),
    (
      #"{"payload":1,"expires_at":"tomorrow"}"#,
      #""expires_at" must be a time such as 2026-11-24T20:00:00Z"#
    ),
    (
      #"{"payload":1,"expires_at":1700000000}"#,
      #""expires_at" must be a time such as 2026-11-24T20:00:00Z"#
    ),
    (
      #"{"payload":1,"price":2}"#,
      #"unknown member "price": an item has payload, key, attributes, expires_at and user"#
    ),
    (#"{"payload":1,"payload":2}"#, #"the member "payload" stands twice at byte 14"#),
    ("[1]", "not a JSON object at byte 1"),
    ("", "not a JSON object at byte 1"),
    (#"{"payload":1"#, "the JSON ends where a comma or } should stand at byte 13"),
  ])
  func brokenLinesSayWhy(_ line: String, _ expected: String) {
    #expect(message(line) == expected)
  }

  @Test(arguments: [
    "[]", "1", #"{"a":null}"#, #"{"a":{}}"#, #"{"a":[1]}"#, #"{"a":1,"a":2}"#,
  ])
  func attributesAreFlatObjects(_ attributes: String) {
    #expect(
      message("{\"payload\":1,\"attributes\":\(attributes)}")
        == #""attributes" must be an object of at most 64 strings, numbers and booleans"#)
  }

  @Test func attributesHaveLimits() throws {
    func line(_ count: Int) -> String {
      let members = (0..<count).map { "\"a\($0)\":0" }.joined(separator: ",")
      return "{\"payload\":1,\"attributes\":{\(members)}}"
    }
    _ = try read(line(Limits.attributes))
    #expect(message(line(Limits.attributes + 1))?.contains("at most 64 strings") == true)
    let long = String(repeating: "x", count: Limits.attributesBytes - #"{"a":""}"#.utf8.count)
    _ = try read("{\"payload\":1,\"attributes\":{\"a\":\"\(long)\"}}")
    #expect(
      message("{\"payload\":1,\"attributes\":{\"a\":\"\(long)x\"}}")
        == #""attributes" must take at most 4096 bytes"#)
  }

  @Test func namesOfItemsAndUsersAreMeasuredInBytes() throws {
    let user = String(repeating: "é", count: Limits.userBytes / 2)
    _ = try read("{\"payload\":1,\"user\":\"\(user)\"}")
    #expect(message("{\"payload\":1,\"user\":\"\(user)x\"}") != nil)
    let key = String(repeating: "k", count: Limits.itemKeyBytes)
    _ = try read("{\"payload\":1,\"key\":\"\(key)\"}")
    #expect(message("{\"payload\":1,\"key\":\"\(key)k\"}") != nil)
  }

  @Test func noErrorTellsAValue() {
    let secret = "SECRET"
    let lines = [
      #"{"payload":"SECRET""#, #"{"payload":"SECRET\q"}"#, #"{"payload":"SECRET"} x"#,
      #"{"payload":"SECRET","key":7}"#, #"{"payload":"SECRET","extra":"SECRET"}"#,
      #"{"payload":"SECRET","payload":"SECRET"}"#, #"{"payload":"SECRET","expires_at":"SECRET"}"#,
      #"{"payload":"SECRET","attributes":{"a":["SECRET"]}}"#, #"["SECRET"]"#, "SECRET",
      #"{"payload":SECRET}"#, #"{"payload":{"SECRET":1,"x"}}"#, #"{"cursor":["SECRET"]}"#,
      #"{"cursor":"SECRET","payload":"SECRET"}"#, #"{"payload":"SECRET","user":{"a":"SECRET"}}"#,
      #"{"payload":1,"attributes":{"SECRET":null}}"#, "{\"payload\":\"SECRET\u{1}\"}",
    ]
    for line in lines {
      let message = message(line)
      #expect(message != nil)
      #expect(message?.contains(secret) == false)
    }
  }

  @Test func aLongNameIsCutInTheMessage() {
    let name = String(repeating: "n", count: 100_000)
    for line in ["{\"\(name)\":1,\"payload\":1}", "{\"\(name)\":1,\"\(name)\":1}"] {
      #expect((message(line)?.utf8.count ?? .max) < 300)
    }
  }

  @Test(arguments: [
    ("abc", #""abc""#), ("", #""""#), (#"say "hi" \"#, #""say \"hi\" \\""#),
    ("tab\there", #""tab\there""#), ("{\"a\":1}", #""{\"a\":1}""#), ("é\r", #""é\r""#),
  ])
  func plainLinesBecomeJSONStrings(_ line: String, _ payload: String) throws {
    let read = try withBytes(line) { (bytes) throws(ProducerLine.Broken) in
      try ProducerLine(text: bytes)
    }
    #expect(read == .item(NewItem(payload: payload)))
  }

  @Test func plainLinesAreUTF8() {
    #expect(throws: ProducerLine.Broken(message: "not UTF-8")) {
      try withBytes([0x61, 0xFF]) { (bytes) throws(ProducerLine.Broken) in
        try ProducerLine(text: bytes)
      }
    }
  }
}
