import Glibc

/// A target for the stock, and what it follows from.
package struct Plan: Sendable, Equatable {
  /// The bin that it is made at the beginning of.
  package let bin: Int
  /// Bins until the next order is ready, or until what is ordered now has expired.
  package let bins: Int
  /// The demand in that time.
  package let untilNext: Forecast
  /// The demand until what is ordered now has expired.
  package let life: Forecast
  let reach: Int
  /// What should be on the shelf and on order.
  package let target: Int
  /// The usual demand of the coming hour.
  package let usualOfHour: Double
  let levels: Levels
  /// What is carried forward of the levels; nil in the first week.
  let coefficients: (Double, Double, Double)?

  package static func == (left: Plan, right: Plan) -> Bool {
    left.bin == right.bin && left.bins == right.bins && left.untilNext == right.untilNext
      && left.life == right.life && left.target == right.target
  }
}

extension Plan {
  /// How the last hour and the last day ran against what is usual: 0.5 is half as much again.
  package var lastHour: Double { exp(levels.bounded.lastHour) - 1 }
  package var lastDay: Double { exp(levels.bounded.lastDay) - 1 }

  /// What is expected to be used in a bin.
  var use: Double { untilNext.mean / Double(bins) }

  /// How much of the two is carried forward; nil in the first week.
  package var carried: (lastHour: Double, lastDay: Double)? {
    coefficients.map { ($0.1, $0.2) }
  }

  /// Demand until the next order is ready is in here 8 times out of 10.
  package var likely: ClosedRange<Int> {
    let demand = untilNext.distribution
    return demand.quantile(0.1, reach: reach)...demand.quantile(0.9, reach: reach)
  }

  /// The chance that a target does not last until the next order is ready.
  package func chanceToRunOut(of target: Int) -> Double {
    1 - untilNext.distribution.atMost(target)
  }

  /// The chance that the last item of a target expires unused.
  package func chanceOfWaste(of target: Int) -> Double { life.distribution.atMost(target - 1) }
}
