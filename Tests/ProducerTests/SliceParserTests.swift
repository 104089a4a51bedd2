import Larder
import Testing

@testable import Producer

@Suite struct SliceParserTests {
  /// Feeds a text in pieces of so many bytes.
  private func parse(
    _ text: String, count: Int = 10, format: ProducerSpec.Output = .jsonl, piece: Int = 1 << 20
  ) -> (parser: SliceParser, end: SliceEnd?) {
    var parser = SliceParser(format: format, count: count)
    let bytes = Array(text.utf8)
    for start in stride(from: 0, to: bytes.count, by: piece) {
      let end = bytes[start..<min(start + piece, bytes.count)].withUnsafeBytes { parser.feed($0) }
      if let end { return (parser, end) }
    }
    let end = parser.finish()
    return (parser, end)
  }

  @Test(arguments: [1, 2, 3, 7, 1000])
  func howOutputIsCutIntoPiecesDoesNotMatter(piece: Int) {
    let text =
      "{\"payload\": [1,  2]}\r\n\n \t\n{\"cursor\":\"a\"}\n{\"payload\":2}\n{\"cursor\":\"b\"}"
    let (parser, end) = parse(text, piece: piece)
    #expect(end == nil)
    #expect(parser.items.map(\.payload) == ["[1,  2]", "2"])
    #expect(parser.cursor == "b")
    #expect(parser.overfill == 0)
  }

  @Test func linesBeyondTheCountAreCountedUnreadButCursorsAreRead() {
    let text = "{\"payload\":1}\n{\"payload\":2}\nnot JSON\n { \"cursor\": \"next\"}\n"
    let (parser, end) = parse(text, count: 1)
    #expect(end == nil)
    #expect(parser.items.count == 1)
    #expect(parser.overfill == 2)
    #expect(parser.cursor == "next")
  }

  @Test func aBrokenCursorBeyondTheCountIsBroken() {
    let (_, end) = parse("{\"payload\":1}\n{\"cursor\":5}\n", count: 1)
    guard case .brokenLine(2, _) = end else {
      Issue.record("\(String(describing: end))")
      return
    }
  }

  @Test func linesArePayloadsWithoutTheirCarriageReturn() {
    let (parser, end) = parse("a \"q\"\r\n\r\n\n  \nlast", format: .lines)
    #expect(end == nil)
    #expect(parser.items.map(\.payload) == [#""a \"q\"""#, "\"  \"", "\"last\""])
  }

  @Test func linesKnowNoCursor() {
    let (parser, _) = parse("a\n{\"cursor\":\"x\"}\n", count: 1, format: .lines)
    #expect(parser.cursor == nil)
    #expect(parser.overfill == 1)
  }

  @Test func aBrokenLineIsCountedFromOneWithBlankOnes() {
    let (_, end) = parse("\n{\"payload\":1}\n\n{\"payload\":\n")
    guard case .brokenLine(4, _) = end else {
      Issue.record("\(String(describing: end))")
      return
    }
  }

  @Test func halfALastLineIsBroken() {
    let (_, end) = parse("{\"payload\":1}\n{\"payl")
    guard case .brokenLine(2, _) = end else {
      Issue.record("\(String(describing: end))")
      return
    }
  }

  @Test func aReasonNamesNoPayloadAndIsShort() {
    let secret = "S3CRET"
    for line in [
      "{\"payload\": \(secret)}", "\(secret)", "{\"payload\":1,\"user\":\"\"}\(secret)",
      "{\"payload\":\"\(secret)\",\"\(String(repeating: "n", count: 5000))\":1}",
    ] {
      let (_, end) = parse(line)
      guard case .brokenLine(1, let why) = end else {
        Issue.record("\(String(describing: end))")
        continue
      }
      #expect(!why.contains(secret))
      #expect(!why.isEmpty && why.utf8.count <= 300)
    }
  }

  @Test func aLineOfTheGreatestLengthIsGoodAndOneMoreByteIsBroken() {
    let frame = "{\"payload\":\"\"}".utf8.count
    let filler = String(repeating: "x", count: Limits.lineBytes - frame)
    #expect(parse("{\"payload\":\"\(filler)\"}\n").end == nil)
    let long = SliceEnd.brokenLine(number: 1, why: "longer than 1048576 bytes")
    #expect(parse("{\"payload\":\"\(filler)x\"}\n").end == long)
    #expect(parse("{\"payload\":\"\(filler)xxx", piece: 4096).end == long)
  }

  @Test func moreThanASliceMayPrintIsTooMuch() {
    var parser = SliceParser(format: .lines, count: 1)
    var piece = [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20)
    piece[piece.count - 1] = UInt8(ascii: "\n")
    for _ in 0..<(Limits.sliceBytes >> 20) {
      #expect(piece.withUnsafeBytes { parser.feed($0) } == nil)
    }
    #expect([0x0A].withUnsafeBytes { parser.feed($0) } == .tooMuchOutput)
  }
}
