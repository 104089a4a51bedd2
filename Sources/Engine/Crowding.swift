import Larder

/// Whether slices that were decided on still fit under their pools' `max`.
///
/// The engine decides on what it was told of the shelves. Others may have put items there until
/// the decision is recorded, and available and in-flight items together must not pass `max`.
struct Crowding: Sendable {
  private let slices: [Launch]
  private let limits: [String: (items: Int, countsHeld: Bool)]

  /// - Parameters:
  ///   - slices: the new slices of a tick.
  ///   - state: the state that counts them as in flight.
  init(_ slices: [Launch], in state: EngineState) {
    self.slices = slices
    limits = Dictionary(slices.map { ($0.pool, state.shelfLimit(of: $0.pool)) }) { first, _ in first
    }
  }

  /// The slices that must not be asked for, given the present stock of pools that changed.
  func withoutRoom(_ stocks: [String: Stock]) -> [Launch] {
    var limits = limits
    var recalling = slices.reduce(into: [:]) { $0[$1.pool, default: 0] += $1.recalling }
    return slices.reversed().filter { launch in
      guard let limit = limits[launch.pool], let stock = stocks[launch.pool] else { return false }
      let recalled = min(recalling[launch.pool, default: 0], stock.stale)
      let shelved = stock.available - recalled + (limit.countsHeld ? stock.held : 0)
      guard shelved > limit.items else { return false }
      limits[launch.pool]?.items += launch.count
      recalling[launch.pool, default: 0] -= launch.recalling
      return true
    }
  }
}
