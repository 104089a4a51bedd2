/// Why an item was lost.
package enum WasteReason: String, Sendable, Hashable, CaseIterable {
  /// It expired unclaimed, on the shelf or before it came.
  case expired
  /// It was recalled for a fresh item, since an older producer revision made it.
  case stale
  /// A producer made it beyond what was asked for or what `max` has room for.
  case overfill
  /// Its hold lapsed, and the pool restocks none.
  case lapsed
  /// Its hold was released or forgotten, and it does not go back on the shelf.
  case released
  /// An operator recalled it, whoever had it.
  case recalled
  /// Counted before reasons were.
  case unknown

  /// Whether it is demand's waste (`Demand.wasted`), and so in the waste rate: nobody ever had the
  /// item, and no operator took it.
  package var isInRate: Bool {
    switch self {
    case .expired, .stale, .overfill, .unknown: true
    case .lapsed, .released, .recalled: false
    }
  }
}

/// Items that were lost, and what was spent to make them.
package struct Waste: Sendable, Hashable {
  package var items = 0
  /// The items' shares of the time that their slices took, from being asked for last to being kept,
  /// which all items that a slice stored or overfilled have in equal parts. Items that were put have none,
  /// and neither have those whose slices were purged.
  package var producerTime = Duration.zero

  package init() {}

  package init(items: Int, producerTime: Duration = .zero) {
    self.items = items
    self.producerTime = producerTime
  }

  /// What the items cost, by the cost of each.
  package func cost(ofItem itemCost: Double) -> Double { Double(items) * itemCost }

  package static func += (total: inout Waste, more: Waste) {
    total.items += more.items
    total.producerTime += more.producerTime
  }
}

/// What a pool lost on a day for a reason.
package struct WasteRow: Sendable, Hashable {
  /// Where a row stands among all: by pool, day and reason.
  package struct Place: Sendable, Hashable, Comparable {
    package var pool: String
    /// The beginning of the day in UTC.
    package var day: Instant
    package var reason: WasteReason

    package init(pool: String, day: Instant, reason: WasteReason) {
      self.pool = pool
      self.day = day
      self.reason = reason
    }

    package static func < (left: Place, right: Place) -> Bool {
      (left.pool, left.day, left.reason.rawValue) < (right.pool, right.day, right.reason.rawValue)
    }
  }

  package var place: Place
  package var waste: Waste
  /// What one such item costs, by the pool's definition in force.
  package var itemCost: Double

  package init(place: Place, waste: Waste, itemCost: Double) {
    self.place = place
    self.waste = waste
    self.itemCost = itemCost
  }
}
