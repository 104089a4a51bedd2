import Testing

@testable import Simulation

/// Histories in which the simulation found something broken.
@Suite struct FoundHistories {
  private func batch(_ number: Batch.Number) -> Batch {
    Batch(number: number, life: nil, keys: nil, user: nil, seed: 1)
  }

  private func failure(_ file: String, _ history: [Step]) -> String? {
    var tally: [String: Int] = [:]
    let files = [PoolDesign(0, text: file)]
    return Simulation.replay(1, history, files: files, tally: &tally)?.0.description
  }

  /// What is put on a shelf after the engine has looked at it, and before its next slice is on
  /// disk, leaves that slice less room.
  @Test func itemsThatComeBetweenADecisionAndItsRecordTakeTheSlicesRoom() {
    let file = """
      producer: {command: [make-items], slice: 3, retry: {backoff: 2s}}
      stock: {target: 6, reorder_at: 6, max: 10}
      """
    let history = [
      Step(action: .finish(launch: 0, batch: batch(.fewer(by: 2)))),
      Step(
        action: .toDeadline(beyond: 0),
        meanwhile: [.put(pool: 0, batch: batch(.exactly(17)))]),
    ]
    #expect(failure(file, history) == nil)
  }
}
