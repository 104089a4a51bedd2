import Foundation
import Testing

@testable import ScheduleFile

@Suite struct BadFileTests {
  /// Each `Data/bad/NAME.yaml` gives what `NAME.txt` has, to the letter. RECORD_SNAPSHOTS=1
  /// writes the snapshots anew.
  @Test(arguments: Data.names("bad"))
  func diagnosticsAreAsRecorded(_ name: String) throws {
    let result = ScheduleFile.parse(
      Data.bytes("bad/\(name).yaml"), file: "Schedules/\(name).yaml", directory: "/srv/Schedules")
    let rendered = result.diagnostics.map { $0.rendered + "\n" }.joined(separator: "\n")
    if ProcessInfo.processInfo.environment["RECORD_SNAPSHOTS"] != nil {
      try rendered.write(
        to: Data.sources.appending(path: "Data/bad/\(name).txt"), atomically: true, encoding: .utf8)
      return
    }
    let recorded = try String(
      contentsOf: Data.folder.appending(path: "bad/\(name).txt"), encoding: .utf8)
    #expect(rendered == recorded)
    #expect(!result.diagnostics.isEmpty)
    let errors = result.diagnostics.filter { $0.severity == .error }
    #expect(errors.allSatisfy { $0.hint != nil })
    let hasErrors = !errors.isEmpty
    #expect((result.pool == nil) == hasErrors)
    #expect(hasErrors == !name.hasPrefix("warn-"))
  }

  @Test func thereAreManyBadFiles() {
    #expect(Data.names("bad").count >= 60)
  }

  @Test(arguments: ["auto", "all"])
  func onlyThePoolsTargetMayBeAWord(_ word: String) {
    let errors = Data.parse("pool: p\nschedules: [{cron: '0 * * * *', target: \(word)}]\n")
      .diagnostics.filter { $0.severity == .error }
    #expect(errors.count == 1)
    #expect(errors.first?.hint?.hasPrefix("only `stock.target` may be `\(word)`") == true)
  }

  @Test(arguments: [
    "target: 5, min: 2", "target: all, sizing: forecast_only", "sizing: forecast_only",
  ])
  func whatOnlyAnAutomaticTargetHasSaysNothingElsewhere(_ stock: String) {
    let findings = Data.parse("pool: p\nstock: {\(stock)}\n").diagnostics
    #expect(findings.map(\.severity) == [.warning])
    #expect(findings.first?.message.contains("it is for `target: auto`") == true)
  }

  @Test(arguments: [
    ("min: 11, max: 10", "`stock.min` (11) is above `stock.max` (10)"),
    ("min: 10001", "`stock.min` (10001) is above `stock.max` (10000, the default)"),
    ("reorder_at: 11, max: 10", "`stock.reorder_at` (11) is above `stock.max` (10)"),
  ])
  func anAutomaticTargetStaysBelowTheMaximum(_ stock: String, _ message: String) {
    let errors = Data.parse("pool: p\nstock: {target: auto, \(stock)}\n").diagnostics
      .filter { $0.severity == .error }
    #expect(errors.map(\.message) == [message])
  }

  @Test(arguments: ["-1", "1000000000", "1e3", ".5", "0.1234", "'5'", "five", "[5]"])
  func aCostIsAPlainNumber(_ cost: String) {
    let errors = Data.parse("pool: p\nstock: {miss_cost: \(cost)}\n").diagnostics
    #expect(errors.count == 1)
    #expect(errors.first?.message.hasPrefix("`stock.miss_cost` takes a number from 0 to") == true)
  }

  /// The name tells whose last good definition stays in force.
  @Test(arguments: [
    "pool: p\nsuspend: maybe\n", "pool: p\nschedules: [*/5]\n", "stock: {\npool: p\n",
    "pool: p\npool: q\n", "x: @\npool: \"p\" # name\n", "description: \u{7}\npool: 'p'\n",
  ])
  func aBadFileStillTellsItsPoolsName(_ text: String) {
    let parsed = Data.parse(text)
    #expect(parsed.pool == nil)
    #expect(parsed.poolName == "p")
  }

  @Test func aBadNameIsNoName() {
    #expect(Data.parse("pool: No Name\n").poolName == nil)
  }

  @Test func aFileThatIsTooLargeIsAnErrorAtItsStart() {
    let bytes = Array("pool: p\n".utf8) + [UInt8](repeating: 35, count: 1024 * 1024)
    let result = ScheduleFile.parse(bytes, file: "a.yaml", directory: "/")
    #expect(
      result.diagnostics.map(\.rendered) == [
        "a.yaml:1:1: error: the file is larger than 1024 KiB\n"
          + "hint: a schedule file declares one pool; is this another file?"
      ])
  }

  @Test(arguments: [
    "[", "{", "- ", "? ", "a: ", "&a ", "!a ", "*a ", "\"", "'", "|\n", ": ", "a\n", "\n", "#",
    "{a: ", "[a, ", "a: {}\n", "- - ", "\u{E9}", "\t", "%A\n", "--- \n", "a, ", "? a\n", "\\",
    "? - ", "a: b, ",
  ])
  func aFileOfOneThingOverAndOverEndsSoon(_ piece: String) {
    let count = 100_000 / piece.utf8.count
    for head in ["", "pool: p\nclaims: ", "pool: p\nclaims: [", "pool: p\nclaims: {"] {
      let text = head + String(repeating: piece, count: count)
      let clock = ContinuousClock()
      var diagnostics: [Diagnostic] = []
      let time = clock.measure { diagnostics = Data.parse(text).diagnostics }
      if ProcessInfo.processInfo.environment["PRINT_TIMES"] != nil {
        print("\(time) \(head.debugDescription) \(piece.debugDescription) \(diagnostics.count)")
      }
      #expect(diagnostics.count <= FileLimits.diagnostics + 1)
      #expect(diagnostics.allSatisfy { $0.rendered.utf8.count < 2000 })
    }
  }
}
