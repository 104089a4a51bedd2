import Larder
import Testing

@Suite struct JSONWriterTests {
  private func text(_ body: (inout JSONWriter) -> Void) -> String {
    String(decoding: JSONWriter.text(body), as: UTF8.self)
  }

  private func roundTrip(_ string: String) throws -> String? {
    try withBytes(JSONWriter.text { $0.string(string) }) { (bytes) throws(JSONError) in
      JSONReader.string(try JSONReader.value(of: bytes), of: bytes)
    }
  }

  @Test func membersAndElementsHaveCommasBetweenThem() {
    let written = text { writer in
      writer.object { writer in
        writer.member("text", "a")
        writer.member("none", nil as String?)
        writer.member("number", -5)
        writer.member("unknown", nil as Int?)
        writer.member("share", 0.25)
        writer.member("flag", false)
        writer.member("at", Instant(milliseconds: 1) as Instant?)
        writer.member("never", nil as Instant?)
        writer.member("payload", raw: #"{ "x":1 }"#)
        writer.object("inner") { _ in }
        writer.array("list") { writer in
          writer.object { $0.member("a", 1) }
          writer.object { $0.member("a", 2) }
          writer.string("x")
          writer.array { $0.raw("1") }
        }
        writer.member(text: "quo\"te", "v")
        writer.member("last", true)
      }
    }
    #expect(
      written == #"{"text":"a","none":null,"number":-5,"unknown":null,"share":0.25,"flag":false,"#
        + #""at":"1970-01-01T00:00:00.001Z","never":null,"payload":{ "x":1 },"inner":{},"#
        + #""list":[{"a":1},{"a":2},"x",[1]],"quo\"te":"v","last":true}"#)
  }

  @Test(arguments: [Double.nan, .infinity, -.infinity])
  func whatIsNoNumberIsNull(_ value: Double) {
    #expect(text { $0.object { $0.member("x", value) } } == #"{"x":null}"#)
  }

  @Test(arguments: [0.1, 1e-7, 1e300, 123456789.125, -0.0])
  func numbersAreJSON(_ value: Double) throws {
    let written = text { $0.object { $0.member("x", value) } }
    let range = try withBytes(written) { (bytes) throws(JSONError) in
      try JSONReader.members(of: bytes)[0].value.range
    }
    #expect(Double(String(decoding: Array(written.utf8)[range], as: UTF8.self)) == value)
  }

  @Test func scalarsOfAllLengthsComeBackFromAString() throws {
    for plane: UInt32 in [0, 1, 2, 16] {
      var string = String.UnicodeScalarView()
      for value in (plane << 16)...(plane << 16 | 0xFFFF) {
        if let scalar = Unicode.Scalar(value) { string.append(scalar) }
      }
      let written = String(string)
      #expect(try roundTrip(written)?.utf8.elementsEqual(written.utf8) == true)
    }
  }

  @Test func randomStringsComeBack() throws {
    var random = SeededRandom(seed: 7)
    let pieces = ["\"", "\\", "/", "\0", "\n", "\u{7F}", "\u{2028}", "é", "e\u{301}", "😀", "u0041"]
    for _ in 0..<2000 {
      var string = ""
      for _ in 0..<Int.random(in: 0...12, using: &random) {
        string += pieces[Int.random(in: 0..<pieces.count, using: &random)]
      }
      #expect(try roundTrip(string)?.utf8.elementsEqual(string.utf8) == true)
    }
  }

  /// Strings are looked at by eight bytes: what needs an escape is found wherever it stands in them.
  @Test func everyASCIIByteIsFoundAtEveryPlace() {
    let short: [UInt8: String] = [
      0x22: #"\""#, 0x5C: #"\\"#, 0x0A: #"\n"#, 0x0D: #"\r"#, 0x09: #"\t"#,
    ]
    for fill in ["a", " ", "~", "é", "\u{80}"] {
      for size in 1...19 {
        for place in 0..<size {
          for byte: UInt8 in 0..<0x80 {
            var pieces = Array(repeating: fill, count: size)
            pieces[place] = String(Unicode.Scalar(byte))
            let string = pieces.joined()
            if byte < 0x20 || byte == 0x7F {
              let digits = String(byte, radix: 16)
              pieces[place] = "\\u00" + (digits.count < 2 ? "0" : "") + digits
            }
            if let escape = short[byte] { pieces[place] = escape }
            guard text({ $0.string(string) }) != "\"" + pieces.joined() + "\"" else { continue }
            Issue.record("byte \(byte) at \(place) of \(size) is not written as it should")
            return
          }
        }
      }
    }
  }

  @Test(arguments: 1...40)
  func aTextThatTakesMoreThanItsRoomIsTheSame(_ room: Int) {
    func write(_ json: inout JSONWriter) {
      json.object {
        $0.member("a", "a longer text with a \" in it")
        $0.member("at", Instant(milliseconds: 1) as Instant?)
        $0.member("raw", raw: String(repeating: "1", count: 100))
        $0.array("none") { _ in }
      }
    }
    #expect(JSONWriter.text(room: room, write) == JSONWriter.text(room: 4096, write))
  }

  @Test func everyEscapedCodeUnitIsRead() throws {
    for value in UInt32(0)...0xFFFF {
      let digits = String(value, radix: 16)
      let literal = "\"\\u" + String(repeating: "0", count: 4 - digits.count) + digits + "\""
      let read = try? withBytes(literal) { (bytes) throws(JSONError) in
        JSONReader.string(try JSONReader.value(of: bytes), of: bytes)
      }
      #expect(read == Unicode.Scalar(value).map { String($0) })
    }
  }

  @Test func surrogatePairsAreOneScalar() throws {
    for value: UInt32 in [0x10000, 0x1F600, 0x10FFFF, 0xFFFFF] {
      let rest = value - 0x10000
      let high = String(0xD800 + rest >> 10, radix: 16)
      let low = String(0xDC00 + rest & 0x3FF, radix: 16)
      let read = try withBytes("\"a\\u\(high)\\u\(low)b\"") { (bytes) throws(JSONError) in
        JSONReader.string(try JSONReader.value(of: bytes), of: bytes)
      }
      #expect(read == "a" + String(try #require(Unicode.Scalar(value))) + "b")
    }
  }
}
