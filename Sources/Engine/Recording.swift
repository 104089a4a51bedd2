import Larder

/// What the engine decided, on its way to disk.
///
/// The engine decides on what it was told of the shelves. Others may have put items there until
/// the decision is recorded, and available and in-flight items together must not pass `max`.
package struct Recording: Sendable {
  private let events: [RunEvent]
  private let crowding: Crowding

  /// What became of the decisions.
  package struct Outcome: Sendable {
    /// The events that were handed to the store, and for each whether it took place.
    package var recorded: [(event: RunEvent, took: Bool)] = []
    /// Runs that were refused, since their nominal time has one already.
    package var refused: [Run] = []
    /// Slices that are not asked for, since there is no room for them any more.
    package var crowded: [Launch] = []
  }

  /// - Parameters:
  ///   - events: what is to be recorded.
  ///   - newSlices: the slices among them that put more items in flight.
  ///   - state: the state that decided, and counts these slices as in flight.
  package init(_ events: [RunEvent], newSlices: [Launch] = [], in state: EngineState) {
    self.events = events
    crowding = Crowding(newSlices, in: state)
  }

  package var isEmpty: Bool { events.isEmpty }

  /// Puts the decisions on disk, without those for which there is no room any more.
  ///
  /// - Parameter tell: takes the stock of pools that just changed, and gives that of all pools that
  ///   the state has yet to be told of. What others did since the decision is among them, whether
  ///   or not it was told before.
  package func record(
    in store: any Store, at now: Instant, tell: ([String: Stock]) -> [String: Stock]
  ) throws(StoreError) -> Outcome {
    var outcome = Outcome()
    outcome.crowded = crowding.withoutRoom(tell(try store.takeChanges()))
    let kept = events.filter { event in
      guard case .attempt(let run, _, _, _, _) = event else { return true }
      return !outcome.crowded.contains { $0.run == run }
    }
    let took = try store.record(kept, at: now)
    outcome.recorded = zip(kept, took).map { (event: $0, took: $1) }
    for (event, took) in outcome.recorded where !took {
      if case .open(let run) = event { outcome.refused.append(run) }
    }
    return outcome
  }
}
