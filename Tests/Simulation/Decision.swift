import Engine
import Larder

/// What the engine knew when it decided, and what it had to decide of schedules.
struct Decision {
  /// How a nominal time has come.
  enum Coming {
    case onTime, missed, passedOver
  }

  struct Shelf {
    var available: Int
    var stale: Int
    /// Items that pending claims wait for.
    var pending: Int
    /// Held items that come back if they are released.
    var restockable: Int

    var fresh: Int { available - stale }
  }

  /// Pools that were looked at.
  var examined: [String] = []
  /// The shelves that the engine knew as they are.
  var known: [String: Shelf] = [:]
  /// What is due, by the rules.
  var fires: [RunsModel.Nominal: Coming] = [:]
  /// Schedules whose runs were replaced, by the runs: each needs a new one.
  var replaced: [String: RunsModel.Known] = [:]
  /// Runs for times before which a newer one has come: the engine need not count on them.
  var doubtful: Set<String> = []
  /// Runs whose last try has failed.
  var failed: Set<String> = []

  init() {}

  /// - Parameter leaving: pools that were left for later.
  init(_ tick: Tick, leaving: [String], in world: World) {
    examined = tick.examined.filter { !leaving.contains($0) }
    let news = Set(world.inbox.results.map(\.launch.pool)).union(world.inbox.stocks.keys)
    for pool in world.model.pools.keys where !news.contains(pool) {
      let stock = world.model.counts[pool] ?? Stock()
      known[pool] = Shelf(
        available: stock.available, stale: stock.stale, pending: stock.pending,
        restockable: world.model.pools[pool].map(world.model.restockable) ?? 0)
    }
  }
}
