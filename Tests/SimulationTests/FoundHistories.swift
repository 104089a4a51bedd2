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

  /// The store forgets what was wrong with a file that is gone, and so does the engine.
  @Test func aBadFileThatIsRemovedIsNoLongerBad() {
    let file = "producer: {command: [make-items]}\nstock: {target: 6}\n"
    let history = [
      Step(action: .change([.spoil(pool: 0)])), Step(action: .change([.remove(pool: 0)])),
    ]
    #expect(failure(file, history) == nil)
  }

  /// An engine that has just started on a clock that was set back does not end a run for a nominal
  /// time that had its own before the restart.
  @Test func aTimeThatComesAgainAfterARestartReplacesNothing() {
    let file = """
      producer: {command: [make-items], retry: {attempts: 1}}
      stock: {target: 6}
      schedules: [{cron: "*/2 * * * *", overlap: replace}]
      """
    let history = [
      Step(action: .advance(milliseconds: 120_000)), Step(action: .fail(launch: 0)),
      Step(action: .restart(milliseconds: -300_000, copying: false, changes: [])),
      Step(action: .advance(milliseconds: 600_000)),
    ]
    #expect(failure(file, history) == nil)
  }

  /// Missed times that come again after the clock was set back have their runs: what the engine
  /// opens for them, and the store refuses, keeps no new time from its run.
  @Test func aRunThatTheStoreRefusesOverlapsWithNothing() {
    let file = """
      producer: {command: [make-items]}
      stock: {target: 6}
      schedules: [{cron: "* * * * * *", catchup: all}]
      """
    let history = [
      Step(action: .advance(milliseconds: 2000)), Step(action: .calm),
      Step(action: .advance(milliseconds: 20_000)),
      Step(action: .setBack(milliseconds: 15_000)), Step(action: .stall(milliseconds: 23_000)),
    ]
    #expect(failure(file, history) == nil)
  }

  private func request(user: Int, count: Int, match: Int? = nil) -> Step {
    Step(
      action: .orders([
        .request(ClaimAction(pool: 0, user: user, count: count, match: match))
      ]))
  }

  /// A backorder that wants nothing of what a full shelf has starts no run: it would find no room,
  /// and the next one would start at once.
  @Test func aBackorderOfAFullPoolStartsNoRunAfterTheOther() {
    let file = """
      producer: {command: [make-items]}
      stock: {target: 6, max: 6}
      claims: {per_user: 0, on_miss: backorder}
      """
    let history = [
      Step(action: .put(pool: 0, batch: batch(.exactly(6)))),
      request(user: 1, count: 1, match: 0), Step(action: .advance(milliseconds: 60_000)),
    ]
    #expect(failure(file, history) == nil)
  }

  /// When the first of a line gets what was made for its user, the others move up: what is on the
  /// shelf may be enough for them.
  @Test func whoGetsOwnItemsNoLongerKeepsOthersFromTheShelf() {
    let file = """
      stock: {max: 10}
      claims: {per_user: 0, on_miss: backorder}
      """
    var own = batch(.exactly(3))
    own.user = 1
    let history = [
      request(user: 1, count: 3), request(user: 2, count: 2),
      Step(action: .put(pool: 0, batch: batch(.exactly(2)))),
      Step(action: .put(pool: 0, batch: own)),
    ]
    #expect(failure(file, history) == nil)
  }
}
