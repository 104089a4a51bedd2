import Foundation
import Larder
import Testing

/// The lives of items and claims: the tables, and ARCHITECTURE.md, which draws them.
@Suite struct LifeTests {
  private struct Step<State: Hashable & Sendable>: Hashable, Sendable {
    var from: State
    var to: State

    init(_ from: State, _ to: State) {
      self.from = from
      self.to = to
    }
  }

  /// What may become of an item.
  private static let ofItems: Set<Step<ItemState>> = [
    Step(.available, .held), Step(.available, .claimed), Step(.available, .expired),
    Step(.available, .recalled), Step(.available, .replaced), Step(.available, .quarantined),
    Step(.held, .claimed), Step(.held, .available), Step(.held, .quarantined),
    Step(.held, .recalled), Step(.claimed, .recalled),
  ]

  /// What may become of a claim.
  private static let ofClaims: Set<Step<ClaimState>> = [
    Step(.pending, .held), Step(.pending, .claimed), Step(.pending, .cancelled),
    Step(.pending, .timedOut), Step(.held, .claimed), Step(.held, .released),
    Step(.held, .lapsed), Step(.held, .recalled), Step(.claimed, .recalled),
    Step(.held, .forgotten), Step(.claimed, .forgotten), Step(.cancelled, .forgotten),
    Step(.timedOut, .forgotten), Step(.released, .forgotten), Step(.lapsed, .forgotten),
    Step(.recalled, .forgotten),
  ]

  @Test(arguments: ItemState.allCases, ItemState.allCases)
  func anItemGoesWhereItMayAndNowhereElse(from: ItemState, to: ItemState) {
    #expect(from.leads(to: to) == Self.ofItems.contains(Step(from, to)))
  }

  @Test(arguments: ClaimState.allCases, ClaimState.allCases)
  func aClaimGoesWhereItMayAndNowhereElse(from: ClaimState, to: ClaimState) {
    #expect(from.leads(to: to) == Self.ofClaims.contains(Step(from, to)))
  }

  @Test func everyStateIsReachedAndWhatIsOverStaysSo() {
    #expect(Self.reached(from: [.available], Life.ofItems) == Set(ItemState.allCases))
    #expect(
      Self.reached(from: [.pending, .held, .claimed], Life.ofClaims) == Set(ClaimState.allCases))
    // Nobody gets an item that is gone, and nothing comes back of a claim that was forgotten.
    for state in [ItemState.expired, .recalled, .quarantined, .replaced] {
      #expect(Self.reached(from: [state], Life.ofItems) == [state])
    }
    #expect(!Self.reached(from: [.claimed], Life.ofItems).contains(.available))
    #expect(Self.reached(from: [.forgotten], Life.ofClaims) == [.forgotten])
    // A key whose claim lost its items never has any again.
    for state in [ClaimState.cancelled, .timedOut, .released, .lapsed, .recalled] {
      #expect(Self.reached(from: [state], Life.ofClaims) == [state, .forgotten])
    }
  }

  private static func reached<State: Hashable>(
    from states: Set<State>, _ table: [State: Set<State>]
  ) -> Set<State> {
    var reached = states
    var next = Array(states)
    while let state = next.popLast() {
      for more in table[state] ?? [] where reached.insert(more).inserted { next.append(more) }
    }
    return reached
  }

  @Test func theArchitectureDrawsTheTables() throws {
    let drawn = try Self.diagram()
    #expect(try Self.steps(drawn["item"], as: ItemState.self) == Self.steps(of: Life.ofItems))
    #expect(try Self.steps(drawn["claim"], as: ClaimState.self) == Self.steps(of: Life.ofClaims))
  }

  private static func steps<State: Sendable>(of table: [State: Set<State>]) -> Set<Step<State>> {
    Set(table.flatMap { from, states in states.map { Step(from, $0) } })
  }

  /// The lines of the first diagram behind "Life cycles", by what they are of, without remarks.
  private static func diagram() throws -> [String: [String]] {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().path
    let document = try String(contentsOfFile: "\(root)/ARCHITECTURE.md", encoding: .utf8)
    let chapter = try #require(document.components(separatedBy: "\n## Life cycles\n").last)
    let block = try #require(chapter.components(separatedBy: "\n```\n").dropFirst().first)
    var lines: [String: [String]] = [:]
    var subject = ""
    for line in block.components(separatedBy: "\n") where !line.isEmpty {
      var line = line
      if let label = line.firstMatch(of: /^([a-z]+): +/) {
        subject = String(label.1)
        line = String(line[label.range.upperBound...])
      }
      let text = line.trimmingCharacters(in: .whitespaces)
      lines[subject, default: []].append(text.components(separatedBy: "   ")[0])
    }
    return lines
  }

  /// The steps that lines such as `a | b -> c -> d | e` draw. Where an item or a claim begins is
  /// no step.
  private static func steps<State: RawRepresentable<String> & Sendable>(
    _ lines: [String]?, as type: State.Type
  ) throws -> Set<Step<State>> {
    var steps: Set<Step<State>> = []
    for line in try #require(lines) {
      var before: [State] = []
      for part in line.components(separatedBy: " -> ") where part != "(new)" {
        let states = try part.components(separatedBy: " | ").map { word in
          try #require(State(rawValue: word), "\(word) in: \(line)")
        }
        for state in before { for next in states { steps.insert(Step(state, next)) } }
        before = states
      }
    }
    return steps
  }
}
