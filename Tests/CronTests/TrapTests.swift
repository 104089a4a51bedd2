import Cron
import Foundation
import Testing

/// One line of Data/traps.jsonl.
struct Trap: Decodable, Sendable, CustomTestStringConvertible {
  let trap: String
  let expr: String
  let zone: String
  let after: String
  let expected: [String]?
  let error: String?

  var testDescription: String { "\(trap): \(expr) in \(zone) after \(after)" }

  static let all: [Trap] = {
    guard
      let url = Bundle.module.url(
        forResource: "traps", withExtension: "jsonl", subdirectory: "Data"),
      let text = try? String(contentsOf: url, encoding: .utf8)
    else { fatalError("Data/traps.jsonl is missing") }
    return text.split(separator: "\n").map { line in
      guard let trap = try? JSONDecoder().decode(Trap.self, from: Data(line.utf8)) else {
        fatalError("not a trap: \(line)")
      }
      return trap
    }
  }()
}

struct TrapTests {
  @Test func theFileHasAllTraps() {
    #expect(Trap.all.count == 81)
    #expect(Trap.all.allSatisfy { ($0.expected == nil) != ($0.error == nil) })
  }

  @Test(arguments: Trap.all) func firesAsExpectedOrIsRefused(_ trap: Trap) throws {
    guard let expected = trap.expected else {
      let error = try #require(cronError(trap.expr))
      #expect(!error.message.isEmpty)
      return
    }
    let found = try fires(trap.expr, trap.zone, after: trap.after, count: expected.count)
    #expect(found == expected)
  }

  @Test(arguments: Trap.all) func goesBackOverTheSameInstants(_ trap: Trap) throws {
    guard let expected = trap.expected?.map(instant) else { return }
    let expression = try parse(trap.expr)
    let zone = try Zone.load(trap.zone)
    for (earlier, later) in zip(expected, expected.dropFirst()) {
      #expect(expression.previous(atOrBefore: later, in: zone) == later)
      #expect(expression.previous(atOrBefore: later - 1, in: zone) == earlier)
    }
  }
}
