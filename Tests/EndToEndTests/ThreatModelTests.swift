import Foundation
import Testing

/// The table of `docs/threat-model.md` names tests that are there.
@Suite struct ThreatModelTests {
  private static let tests = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent()

  /// Whether a target has the suite, and in a file of that suite the function: `Target/Suite.function`.
  private func isThere(_ name: String) throws -> Bool {
    guard let parts = name.wholeMatch(of: /(\w+)\/(\w+)\.(\w+)/)?.output else { return false }
    let folder = Self.tests.appendingPathComponent(String(parts.1)).path
    guard let names = FileManager.default.enumerator(atPath: folder) else { return false }
    for case let file as String in names where file.hasSuffix(".swift") {
      let text = try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)
      guard text.contains("struct \(parts.2) {"),
        let function = text.range(of: "func \(parts.3)(")
      else { continue }
      // A helper is no test.
      let before = text[..<function.lowerBound]
      let start = before.range(of: "\n  }\n", options: .backwards)?.upperBound ?? before.startIndex
      return before[start...].contains("@Test")
    }
    return false
  }

  /// The cells of all rows below a heading.
  private func rows() throws -> [[String]] {
    try Document("docs/threat-model.md").text.split(separator: "\n")
      .filter { $0.hasPrefix("| ") && !$0.hasPrefix("| threat ") }
      .map { line in
        line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
      }
  }

  @Test func eachThreatNamesTestsThatAreThere() throws {
    let rows = try rows()
    #expect(rows.count >= 40)
    for row in rows {
      try #require(row.count == 3, "\(row)")
      let names = row[2].split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
      #expect(!names.isEmpty && !row[0].isEmpty && !row[1].isEmpty, "\(row)")
      for name in names {
        #expect(name.hasPrefix("`") && name.hasSuffix("`"), "\(name)")
        let name = name.trimmingCharacters(in: ["`"])
        #expect(try isThere(name), "there is no test \(name)")
      }
    }
  }

  @Test func aTestThatIsNotThereIsNoticed() throws {
    #expect(try isThere("EndToEndTests/ThreatModelTests.aTestThatIsNotThereIsNoticed"))
    for name in [
      "EndToEndTests/ThreatModelTests.none", "EndToEndTests/ThreatModelTests.rows",
      "EndToEndTests/None.none", "StoreTests/ThreatModelTests.aTestThatIsNotThereIsNoticed",
      "None/ThreatModelTests.aTestThatIsNotThereIsNoticed", "ThreatModelTests.rows", "",
    ] {
      #expect(try !isThere(name), "\(name)")
    }
  }
}
