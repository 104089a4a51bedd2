import Testing

@testable import Larder

@Suite struct JSONReaderTests {
  private func kind(_ text: String) throws(JSONError) -> JSONValue.Kind {
    try withBytes(text) { (bytes) throws(JSONError) in try JSONReader.value(of: bytes).kind }
  }

  private func error(_ text: String) -> JSONError? {
    do {
      _ = try kind(text)
      return nil
    } catch { return error }
  }

  @Test(arguments: [
    ("{}", JSONValue.Kind.object), ("[]", .array), (#""""#, .string), ("0", .number),
    ("true", .bool), ("false", .bool), ("null", .null), (" \t\r\n1 \t\r\n", .number),
    ("-0", .number), ("-0.0e-0", .number), ("1E+5", .number), ("12.50", .number),
    ("123456789012345678901234567890", .number), ("1e999", .number), ("0e1", .number),
    (#"{"a":1,"b":[{},[],"x"],"":null}"#, .object), (#"{"a":{"a":1,"a":2}}"#, .object),
    ("[1 , 2\n,\t3]", .array), (#""\"\\\/\b\f\n\r\t""#, .string),
    (#""\u0000\u00e9\uFFFF\ud83d\ude00""#, .string), ("\"é€😀\u{7F}\u{2028}\"", .string),
  ])
  func readsWhatTheGrammarAllows(_ text: String, _ expected: JSONValue.Kind) throws {
    #expect(try kind(text) == expected)
  }

  @Test(arguments: [
    "", " ", "{", "[", "\"", "}", "]", "nul", "nulll", "True", "NaN", "Infinity", "-Infinity",
    "undefined", "-", "+1", ".5", "1.", "01", "-01", "00", "1e", "1e+", "1.e1", "0x10", "1_000",
    "1 2", "{} {}", "[1,]", "[,1]", "[1 2]", "[1;2]", "[1", "[1,", "[[]", "{,}",
    #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, #"{"a" 1}"#, #"{a:1}"#, "{'a':1}", #"{1:1}"#,
    #"{"a":1 "b":2}"#, #"{"a":1"#, "'a'", #""a"#, #""\"#, #""\a""#, #""\x41""#, #""\u12""#,
    #""\u123g""#, #""\U0041""#, "\"\n\"", "\"\t\"", "\"\0\"", "\"\u{1F}\"",
    #""\ud800""#, #""\udc00""#, #""\ud800\ud800""#, #""\ud800x""#, #""\ud800\n""#,
    #""\udc00\ud800""#, #""\ud800\u12""#, "\u{FEFF}1", "\u{A0}1", "// a\n1", "1/* a */", "1,",
    "\u{0B}1",
  ])
  func refusesEverythingElse(_ text: String) {
    let error = error(text)
    #expect(error != nil)
    #expect((0...text.utf8.count).contains(error?.offset ?? -1))
  }

  @Test(
    arguments: [
      [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22],
      [0x22, 0xF4, 0x90, 0x80, 0x80, 0x22], [0x22, 0xE2, 0x82, 0x22], [0x80],
    ] as [[UInt8]])
  func refusesWhatIsNotUTF8(_ bytes: [UInt8]) {
    #expect(throws: JSONError(message: "not UTF-8", offset: 0)) {
      try withBytes(bytes) { (bytes) throws(JSONError) in try JSONReader.value(of: bytes) }
    }
    #expect(throws: JSONError.self) {
      try withBytes([UInt8(ascii: "{")] + bytes + Array(":1}".utf8)) {
        (bytes) throws(JSONError) in
        try JSONReader.members(of: bytes).count
      }
    }
    #expect(throws: JSONError.self) {
      try withBytes([UInt8(ascii: "[")] + bytes + Array("]".utf8)) { (bytes) throws(JSONError) in
        try JSONReader.elements(of: bytes).count
      }
    }
  }

  @Test func errorsSayWhere() {
    #expect(error("[1,]")?.description == "not a JSON value at byte 4")
    #expect(error("[1 2]")?.description == "expected a comma or ] at byte 4")
    #expect(error(#"{"a""#)?.description == "the JSON ends where a colon should stand at byte 5")
    #expect(error("\"a\tb\"")?.description == "a control character in a string at byte 3")
    #expect(error("[tru]")?.description == "not a JSON value at byte 2")
    #expect(error("1 2")?.description == "more than one JSON value at byte 3")
  }

  @Test(arguments: [("[", "]"), (#"{"a":"#, "}")])
  func nestingHasALimit(_ open: String, _ close: String) throws {
    func nested(_ depth: Int) -> String {
      String(repeating: open, count: depth) + "1" + String(repeating: close, count: depth)
    }
    _ = try kind(nested(JSONReader.deepest))
    #expect(error(nested(JSONReader.deepest + 1))?.message == "nested deeper than 200 levels")
    #expect(error(nested(100_000))?.message == "nested deeper than 200 levels")
    #expect(error(String(repeating: open, count: 500_000))?.message.hasPrefix("nested") == true)
  }

  @Test func rangesGiveValuesByteForByte() throws {
    let text = " { \"a\" : [ 1,\t2 ] , \"b\\n\":{\"x\":1.50},\"é\": \"\\u00e9\" , \"\":-0 } "
    let bytes = Array(text.utf8)
    let members = try withBytes(bytes) { (bytes) throws(JSONError) in
      try JSONReader.members(of: bytes).map { ($0.name, $0.value.range, $0.value.kind) }
    }
    #expect(members.map(\.0) == ["a", "b\n", "é", ""])
    #expect(
      members.map { String(decoding: bytes[$0.1], as: UTF8.self) }
        == ["[ 1,\t2 ]", #"{"x":1.50}"#, #""\u00e9""#, "-0"])
    #expect(members.map(\.2) == [.array, .object, .string, .number])
    let elements = try withBytes(bytes[members[0].1].map { $0 }) { (bytes) throws(JSONError) in
      try JSONReader.elements(of: bytes).map(\.range)
    }
    #expect(elements == [2..<3, 5..<6])
  }

  @Test(arguments: [#"{"a":1,"a":1}"#, #"{"a":1,"b":2,"\u0061":3}"#, #"{"":1,"":1}"#])
  func aMemberStandsOnce(_ text: String) {
    #expect(throws: JSONError.self) {
      try withBytes(text) { (bytes) throws(JSONError) in try JSONReader.members(of: bytes).count }
    }
  }

  @Test func namesDifferByTheirCodeUnits() throws {
    let text = #"{"\u00e9":1,"e\u0301":2}"#  // equal for readers, two names for JSON
    let names = try withBytes(text) { (bytes) throws(JSONError) in
      try JSONReader.members(of: bytes).map(\.name.utf8.count)
    }
    #expect(names == [2, 3])
  }

  @Test func manyMembersAreReadInLinearTime() throws {
    let body = (0..<100_000).map { "\"m\($0)\":0" }.joined(separator: ",")
    let count = try withBytes("{" + body + "}") { (bytes) throws(JSONError) in
      try JSONReader.members(of: bytes).count
    }
    #expect(count == 100_000)
  }

  @Test(arguments: ["[]", "1", "\"{}\"", "null", "{} 1"])
  func membersNeedAnObject(_ text: String) {
    #expect(throws: JSONError.self) {
      try withBytes(text) { (bytes) throws(JSONError) in try JSONReader.members(of: bytes).count }
    }
  }

  @Test(arguments: ["{}", "1", "[] 1", "[1"])
  func elementsNeedAnArray(_ text: String) {
    #expect(throws: JSONError.self) {
      try withBytes(text) { (bytes) throws(JSONError) in try JSONReader.elements(of: bytes).count }
    }
  }

  /// Whatever single byte is changed, the reader either refuses or finds ranges in bounds.
  @Test func brokenTextsNeverLeaveTheirBytes() {
    let text = Array(#"{"a":[1,2.5e3,"x\ud83d\ude00"],"b":{"c":null,"d":true}}"#.utf8)
    var random = SeededRandom(seed: 1)
    var read = 0
    for _ in 0..<20_000 {
      var bytes = text
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        let index = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0...2, using: &random) {
        case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.remove(at: index)
        default: bytes.insert(bytes[Int.random(in: 0..<bytes.count, using: &random)], at: index)
        }
      }
      let ranges = try? withBytes(bytes) { (bytes) throws(JSONError) in
        try JSONReader.members(of: bytes).map(\.value.range)
      }
      guard let ranges else { continue }
      read += 1
      #expect(ranges.allSatisfy { $0.lowerBound < $0.upperBound && $0.upperBound < bytes.count })
    }
    #expect(read > 0)
  }
}
