import CBoost

/// How likely which demand is: the negative binomial distribution of a mean μ and a dispersion φ,
/// whose variance is μ + φμ². With φ near 0 it is Poisson's.
package struct NegativeBinomial: Sendable, Equatable {
  package let mean: Double
  package let dispersion: Double

  /// The smallest dispersion that is told from none.
  private static let leastDispersion = 1e-6

  package init(mean: Double, dispersion: Double) {
    self.mean = mean
    self.dispersion = max(dispersion, Self.leastDispersion)
  }

  package var variance: Double { mean + dispersion * mean * mean }

  /// The probability of a demand of `count` at most.
  package func atMost(_ count: Int) -> Double {
    guard count >= 0 else { return 0 }
    let successes = 1 / dispersion
    return cboost_incomplete_beta(successes, Double(count) + 1, successes / (successes + mean))
  }

  /// The smallest demand that is not passed with `probability`; `reach + 1` where it is not below.
  package func quantile(_ probability: Double, reach: Int) -> Int {
    var below = -1
    var above = reach + 1
    while above - below > 1 {
      let middle = (below + above) / 2
      if atMost(middle) >= probability { above = middle } else { below = middle }
    }
    return above
  }
}
