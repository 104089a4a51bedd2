/// What it costs to have too little and too much, in any one unit.
package struct Costs: Sendable, Hashable {
  /// A request that finds no item.
  package var miss: Double
  /// An item that expires unused.
  package var waste: Double
  /// An item on the shelf that is not used before the next order is ready.
  package var holding: Double

  package init(miss: Double, waste: Double = 1, holding: Double = 0) {
    self.miss = miss
    self.waste = waste
    self.holding = holding
  }

  /// The target: the largest n whose n-th item is worth more than it costs. It saves a miss if `until`
  /// (the demand until the next order is ready) reaches n; it is held that long if not, and wasted
  /// if `life` (the demand while a new item lasts) does not reach n either.
  ///
  /// The newsvendor's rule, which looks at `until` alone, forgets that an item which is left over can
  /// still be used.
  package func target(until: NegativeBinomial, life: NegativeBinomial, reach: Int) -> Int {
    var low = 0
    var high = reach + 1
    while low < high {
      let middle = (low + high + 1) / 2
      let unused = until.atMost(middle - 1)
      let gain = miss * (1 - unused) - waste * life.atMost(middle - 1) - holding * unused
      if gain > 0 { low = middle } else { high = middle - 1 }
    }
    return low
  }

  /// How sure a top-up makes that the shelf lasts until it is ready.
  package var topUpCertainty: Double {
    miss > 0 ? max(0.9, miss / (miss + 0.1 * waste)) : 0.9
  }
}
