/// Between scheduled orders: what the shelf has to last for, and what it is filled up to if it does not.
package struct TopUp: Sendable, Equatable {
  /// The demand until what is ordered now is ready.
  let untilReady: NegativeBinomial
  /// The demand until the next scheduled order is ready.
  let untilNext: NegativeBinomial
  /// The demand until what is ordered now has expired.
  let life: NegativeBinomial
  let reach: Int
  /// By what demand has risen or fallen since the forecasts were made.
  package let factor: Double

  /// Below this an order is due.
  package func threshold(_ costs: Costs) -> Double {
    Double(untilReady.quantile(costs.topUpCertainty, reach: reach)) * factor
  }

  /// What is filled up to.
  package func target(_ costs: Costs) -> Double {
    Double(costs.target(until: untilNext, life: life, reach: reach)) * factor
  }
}
