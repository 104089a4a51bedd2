import Larder
import Testing

@testable import Simulation

/// The promises hold whatever happens: histories of fixed seeds, and of some that nobody has tried.
@Suite struct SimulationTests {
  @Test func thePromisesHold() {
    var tally: [String: Int] = [:]
    for seed in UInt64(7)...18 {
      let failure = Simulation.run(seed: seed, tally: &tally)
      #expect(failure == nil, "\(failure.map { "\($0)" } ?? "")")
    }
    // The histories reach what they are for.
    for what in [
      "crash before a write", "crash within a write", "crash after a write", "slice again",
      "nominal time again", "expired items", "same answer again", "miss",
      "key used again", "user's limit", "unknown pool", "succeeded run", "short run", "failed run",
      "skipped run", "skipped time", "run for start", "run for reorder", "run for schedule",
      "run for manual", "replaced run", "cancelled producer", "fenced slice", "overlap skip",
      "overlap queue", "renewed items", "recalled items", "room made", "stale marks", "pause",
      "resume", "bad file", "retired pool", "definition in force", "run for backorder", "backorder",
      "backorder filled", "no holds", "lapses", "confirm", "release", "cancel", "wrong state",
      "unknown claim", "forgotten claims", "taken back", "purged claims", "purged runs", "push",
      "failed push", "push again", "settled", "target", "run for topup",
    ] {
      #expect(tally[what, default: 0] > 0, "no \(what)")
    }
  }

  @Test func thePromisesHoldWithFreshSeeds() {
    var tally: [String: Int] = [:]
    for _ in 0..<4 {
      let seed = UInt64.random(in: 1...UInt64(UInt32.max))
      let failure = Simulation.run(seed: seed, tally: &tally)
      #expect(failure == nil, "\(failure.map { "\($0)" } ?? "")")
    }
  }
}
