/// How much demand a span of time from an hour on will see.
package struct Forecast: Sendable, Equatable {
  /// The usual demand of the span.
  package let usual: Double
  /// What is expected.
  package let mean: Double
  /// How far off that may be, widened where recent forecasts were.
  package let dispersion: Double

  package var distribution: NegativeBinomial {
    NegativeBinomial(mean: mean, dispersion: dispersion)
  }

  /// The expected demand as a multiple of the usual one.
  var level: Double { mean / max(usual, 1e-9) }

  /// The same of a span of another length, with another usual demand.
  func scaled(to usual: Double) -> Forecast {
    Forecast(
      usual: usual, mean: max(level * usual, Method.leastMean), dispersion: dispersion)
  }
}
