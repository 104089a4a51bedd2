import Foundation
import Testing

@testable import ScheduleFile

/// A seeded generator, so that a failure can be repeated.
private struct Random: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

@Suite struct MutationTests {
  private static let pieces =
    [
      "\n", "\r\n", "\r", "\t", " ", "  ", ": ", "- ", "[", "]", "{", "}", "\"", "'", "*", "&", "!",
      "#", "|", ">", "%", "@", "\\", "? ", "---\n", "...\n", "é", "\u{2028}", "\u{85}", "🎬", "0",
      "~",
      "<<", "\0",
    ].map { Array($0.utf8) } + [[0xFF], [0xC3], [0xEF, 0xBB, 0xBF]]

  /// Whatever becomes of a file, its diagnostics stand in it and in order, and there is a pool or
  /// an error. MUTATIONS sets how many are tried.
  @Test func everyMutatedFileHasAPoolOrAnErrorInItself() {
    let files = ["good", "bad"].flatMap { folder in
      Data.names(folder).map { Data.bytes("\(folder)/\($0).yaml") }
    }
    var random = Random(state: 7)
    let count = ProcessInfo.processInfo.environment["MUTATIONS"].flatMap(Int.init) ?? 2000
    for _ in 0..<count {
      var bytes = files.randomElement(using: &random)!
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        mutate(&bytes, &random)
      }
      check(bytes)
    }
  }

  private func mutate(_ bytes: inout [UInt8], _ random: inout Random) {
    let place = Int.random(in: 0...bytes.count, using: &random)
    let rest = bytes.count - place
    switch Int.random(in: 0..<4, using: &random) {
    case 0: bytes.removeSubrange(place..<place + min(rest, Int.random(in: 1...9, using: &random)))
    case 1: bytes.removeLast(rest)
    case 2: bytes.insert(contentsOf: bytes[..<place].suffix(20), at: place)
    default: bytes.insert(contentsOf: Self.pieces.randomElement(using: &random)!, at: place)
    }
  }

  private func check(_ bytes: [UInt8]) {
    let result = ScheduleFile.parse(bytes, file: "a.yaml", directory: "/srv")
    let lines = result.diagnostics.map(\.line)
    let count = String(decoding: bytes, as: UTF8.self).unicodeScalars.filter {
      $0 == "\n" || $0 == "\r"
    }.count
    let hasErrors = result.diagnostics.contains { $0.severity == .error }
    let isRight =
      (result.pool == nil) == hasErrors && lines == lines.sorted()
      && (lines.last ?? 1) <= count + 1
      && result.diagnostics.allSatisfy { $0.column >= 1 && $0.length >= 1 && hasGoodShape($0) }
    #expect(isRight, "\(String(reflecting: String(decoding: bytes, as: UTF8.self)))")
  }

  private func hasGoodShape(_ diagnostic: Diagnostic) -> Bool {
    let lines = diagnostic.rendered.split(separator: "\n", omittingEmptySubsequences: false)
    let expected = 1 + (diagnostic.sourceLine == nil ? 0 : 2) + (diagnostic.hint == nil ? 0 : 1)
    return lines.count == expected
  }
}
