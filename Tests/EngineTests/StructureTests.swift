import Larder
import Testing

@testable import Engine

@Suite struct StructureTests {
  /// The heap with outdated entries against a plain dictionary.
  @Test func theAgendaKeepsOneDeadlinePerPool() {
    for seed in UInt64(1)...30 {
      var random = SeededRandom(seed: seed)
      var agenda = Agenda()
      var plain: [String: Instant] = [:]
      var now: Int64 = 0
      for _ in 0..<500 {
        let pool = "p\(Int.random(in: 0..<12, using: &random))"
        switch Int.random(in: 0..<10, using: &random) {
        case 0...5:
          let time = Instant(milliseconds: now + Int64.random(in: -5...30, using: &random))
          agenda.set(time, for: pool)
          plain[pool] = time
        case 6:
          agenda.set(nil, for: pool)
          plain[pool] = nil
        default:
          now += Int64.random(in: 0...10, using: &random)
          let due = agenda.removeDue(at: Instant(milliseconds: now))
          let expected = plain.filter { $0.value.milliseconds <= now }.map(\.key)
          #expect(due.sorted() == expected.sorted())
          for name in expected { plain[name] = nil }
        }
        #expect(agenda.first == plain.values.min())
      }
    }
  }

  /// Each claim may change the earliest expiry of its pool, a day ahead, while another pool's
  /// deadline is always near.
  @Test func theAgendaDoesNotGrowWithTheChangesOfFarDeadlines() {
    var agenda = Agenda()
    agenda.set(Instant(milliseconds: 1), for: "near")
    for change in Int64(0)..<10_000 {
      agenda.set(Instant(milliseconds: 86_400_000 + change), for: "far")
      #expect(agenda.heap.count <= 4 + Agenda.tolerated)
    }
    #expect(agenda.removeDue(at: Instant(milliseconds: 86_400_000)) == ["near"])
    #expect(agenda.first == Instant(milliseconds: 86_409_999))
  }

  /// The queue with a moving head against a plain array.
  @Test func turnsAreFirstComeFirstServed() {
    for seed in UInt64(1)...2 {
      var random = SeededRandom(seed: seed)
      var turns = Turns()
      var plain: [String] = []
      for step in 0..<8000 {
        // Long queues and long drains alternate, so that the queue is moved up now and then.
        if Int.random(in: 0..<100, using: &random) < (step / 2000 % 2 == 0 ? 80 : 20) {
          let pool = "p\(Int.random(in: 0..<3000, using: &random))"
          turns.append(pool)
          if !plain.contains(pool) { plain.append(pool) }
        } else {
          #expect(turns.popFirst() == plain.first)
          if !plain.isEmpty { plain.removeFirst() }
        }
        #expect(turns.isEmpty == plain.isEmpty)
      }
    }
  }
}
