/// How a pool is supplied, in bins.
package struct Supply: Sendable, Hashable {
  /// From one scheduled order to the next.
  package let interval: Int
  /// From an order until its items are on the shelf.
  package let lead: Int
  /// How long an item lasts on the shelf; nil: for good.
  package let shelfLife: Int?

  /// - Parameters: at least one bin for the interval, and for a shelf life that there is.
  package init(interval: Int, lead: Int, shelfLife: Int?) {
    self.interval = max(1, interval)
    self.lead = max(0, lead)
    self.shelfLife = shelfLife.map { max(1, $0) }
  }

  /// No window is longer: what is learned from has to be several times as long.
  private static let longest = 4 * Grid.binsPerWeek

  /// How far shelf lives are looked ahead: what lasts as long as this or longer is hardly ever wasted, and
  /// the farther a window reaches, the older is what tells what is usual in it.
  private var farthest: Int { max(Grid.binsPerWeek, 2 * interval) }

  /// From an order until the next one is ready.
  var untilNext: Int { span(untilOrderIn: interval) }

  /// From an order until the next one, which comes in so many bins, is ready; or until its items have
  /// expired, where that is sooner: they are no help against misses after that.
  func span(untilOrderIn bins: Int) -> Int { min(max(1, bins) + lead, life) }

  /// From an order until its items expire.
  var life: Int { min(lead + min(shelfLife ?? farthest, farthest), Self.longest) }
}
