import Simulation
import Testing

/// The promises hold whatever happens: histories of fixed seeds, and of some that nobody has tried.
@Suite struct SimulationTests {
  @Test(arguments: UInt64(1)...10)
  func thePromisesHold(seed: UInt64) {
    let failure = Simulation.run(seed: seed)
    #expect(failure == nil, "\(failure.map { "\($0)" } ?? "")")
  }

  @Test func thePromisesHoldWithFreshSeeds() {
    for _ in 0..<4 {
      let failure = Simulation.run(seed: UInt64.random(in: 1...UInt64(UInt32.max)))
      #expect(failure == nil, "\(failure.map { "\($0)" } ?? "")")
    }
  }
}
