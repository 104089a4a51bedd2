/// What an hour to come is expected to see.
package struct Outlook: Sendable, Equatable {
  package let hour: Int
  /// The requests that are usual.
  package let usual: Double
  /// Those that are expected.
  package let mean: Double
  /// Requests are in here 8 times out of 10.
  package let likely: ClosedRange<Int>
}

extension Planner {
  /// The next whole hours, as the level of the window until the next order has them: the farther, the
  /// less is known of that.
  package func outlook(hours: Int) -> [Outlook] {
    let forecast = plan(nextOrder: next + supply.interval, costs: Costs(miss: 1)).untilNext
    let first = Grid.hour(of: next + Grid.binsPerHour - 1)
    return (first..<first + max(0, hours)).map { hour in
      let usual = usual(ofHour: hour)
      let mean = max(forecast.level * usual, 1e-6)
      let demand = NegativeBinomial(mean: mean, dispersion: forecast.dispersion)
      let reach = Int(min(20 * mean + 100, 1e9))
      return Outlook(
        hour: hour, usual: usual, mean: mean,
        likely: demand.quantile(0.1, reach: reach)...demand.quantile(0.9, reach: reach))
    }
  }
}
