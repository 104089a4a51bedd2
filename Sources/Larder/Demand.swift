/// What was asked of a pool in a span of time, and what became of its items. A repeat of a claim,
/// and a refusal for another reason than too few items, is no demand.
package struct Demand: Sendable, Hashable {
  /// Requests that got their items.
  package var hits = 0
  /// Requests that found too few items.
  package var misses = 0
  /// Items that the hits got, and those that misses got later, as backorders.
  package var claimed = 0
  /// Items that the misses asked for and did not get later.
  package var missed = 0
  /// Items that expired, or that a producer made beyond what was asked for or had room, and that
  /// nobody claimed.
  package var wasted = 0

  package init() {}

  /// All requests, those that missed included.
  package var requests: Int { hits + misses }

  /// A request that got `items` items.
  package static func hit(_ items: Int) -> Demand {
    var demand = Demand()
    demand.hits = 1
    demand.claimed = items
    return demand
  }

  /// A request for `items` items that found too few.
  package static func miss(_ items: Int) -> Demand {
    var demand = Demand()
    demand.misses = 1
    demand.missed = items
    return demand
  }

  /// What changes about the demand of an earlier miss whose backorder got its `items` items. It
  /// stays a miss, and what was asked for stays the same.
  package static func fill(_ items: Int) -> Demand {
    var demand = Demand()
    demand.claimed = items
    demand.missed = -items
    return demand
  }

  package static func waste(_ items: Int) -> Demand {
    var demand = Demand()
    demand.wasted = items
    return demand
  }

  package static func += (total: inout Demand, more: Demand) {
    total.hits += more.hits
    total.misses += more.misses
    total.claimed += more.claimed
    total.missed += more.missed
    total.wasted += more.wasted
  }

  /// The span that demand is counted by: it starts at each multiple of this since the epoch.
  package static let bin = Duration.seconds(300)

  /// The start of the bin that an instant falls into.
  package static func bin(of instant: Instant) -> Instant {
    let length = bin.inMilliseconds
    let into = instant.milliseconds % length
    return Instant(milliseconds: instant.milliseconds - (into < 0 ? into + length : into))
  }
}

/// The demand of the last day, from which a level tells its rates. It is counted by whole bins, so
/// a span may be longer by up to one.
package struct RecentDemand: Sendable, Hashable {
  package static let day = Duration.seconds(24 * 3600)
  package static let hour = Duration.seconds(3600)

  package var lastDay = Demand()
  /// What was lost in the last day, by reason.
  package var wasted: [WasteReason: Waste] = [:]
  /// Items that requests of the last hour asked for, in vain or not.
  package var itemsOfLastHour = 0
  /// The start of the pool's first bin; nil where it has none.
  package var since: Instant?

  package init() {}

  /// Requests that got their items among all, 0 to 1; nil where there were none.
  package var hitRate: Double? {
    let requests = lastDay.requests
    return requests > 0 ? Double(lastDay.hits) / Double(requests) : nil
  }

  /// Wasted items among those wasted or claimed, 0 to 1; nil where there were none.
  package var wasteRate: Double? {
    let gone = lastDay.wasted + lastDay.claimed
    return gone > 0 ? Double(lastDay.wasted) / Double(gone) : nil
  }

  /// How long so many items last at the rate at which requests of the last hour asked for items,
  /// or those of the last day where that hour had none; nil where there were none at all.
  package func cover(of available: Int, at now: Instant) -> Duration? {
    let itemsOfLastDay = lastDay.claimed + lastDay.missed
    let (items, window) =
      itemsOfLastHour > 0 ? (itemsOfLastHour, Self.hour) : (itemsOfLastDay, Self.day)
    guard items > 0, let since else { return nil }
    // A pool that is younger than the window has its rate from its own time.
    let start = max(Demand.bin(of: now - window), since)
    let span = max(now - start, Demand.bin)
    return .milliseconds(span.inMilliseconds * Int64(available) / Int64(items))
  }
}
