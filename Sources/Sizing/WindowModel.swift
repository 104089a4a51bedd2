import Glibc

/// What is learned about the demand of one length of time. Each hour makes a forecast of the window
/// that begins with it; each day learns from those that are complete.
struct WindowModel: Sendable, Equatable {
  /// One forecast as it was made, and what came.
  struct Row: Sendable, Equatable {
    let usual: Float
    let lastHour: Float
    let lastDay: Float
    let mean: Float
    let dispersion: Float
    /// -1: not complete, or with bins that are unknown.
    var demand: Int32 = -1
  }

  let bins: Int
  /// Hours after which a window is over.
  let lag: Int
  private var rows: Ring<Row>
  private(set) var coefficients = Method.prior
  private var smear = 1.0
  private(set) var dispersion = Method.usualDispersion
  /// The recent mean of squared errors, as multiples of what was expected of them.
  private var surprise = 1.0

  init(bins: Int, start: Int) {
    self.bins = bins
    lag = ceilDivide(bins, by: Grid.binsPerHour)
    rows = Ring(capacity: Method.memoryHours + lag, start: start)
  }

  static func == (left: WindowModel, right: WindowModel) -> Bool {
    left.bins == right.bins && left.rows == right.rows && left.smear == right.smear
      && left.coefficients == right.coefficients && left.dispersion == right.dispersion
      && left.surprise == right.surprise
  }

  /// Takes the next hour in.
  /// - Parameters:
  ///   - demand: of the window that has just ended; nil where it is not known.
  ///   - usual: the usual demand of the window that begins.
  mutating func begin(hour: Int, ended demand: Int?, usual: Double, levels: Levels) {
    if let demand {
      rows.update(hour - lag) { $0.demand = Int32(clamping: demand) }
    }
    if hour % Grid.hoursPerDay == 0 { learn(at: hour) }
    let mean = mean(usual: usual, levels: levels)
    let levels = levels.bounded
    rows.append(
      Row(
        usual: Float(usual), lastHour: Float(levels.lastHour), lastDay: Float(levels.lastDay),
        mean: Float(mean), dispersion: Float(dispersion)))
    var error = 1.0
    if let row = rows[hour - lag], row.demand >= 0 {
      let mean = Double(row.mean)
      let miss = Double(row.demand) - mean
      error = min(
        miss * miss / (mean + Double(row.dispersion) * mean * mean), Method.surpriseBound)
    }
    surprise += (1 - pow(0.5, 1 / Method.surpriseHalfLife)) * (error - surprise)
  }

  func forecast(usual: Double, levels: Levels) -> Forecast {
    let mean = mean(usual: usual, levels: levels)
    let variance = Method.widening.clamp(surprise) * (mean + dispersion * mean * mean)
    return Forecast(usual: usual, mean: mean, dispersion: (variance - mean) / (mean * mean))
  }

  private func mean(usual: Double, levels: Levels) -> Double {
    let levels = levels.bounded
    let change =
      coefficients.0 + coefficients.1 * levels.lastHour + coefficients.2 * levels.lastDay
    let bound = Method.changeBound
    let mean = ((usual + 1) * exp((-bound...bound).clamp(change)) - 1) * smear
    return max(mean, Method.leastMean)
  }

  /// Fits the coefficients and the dispersion to the completed windows of the last weeks.
  private mutating func learn(at hour: Int) {
    let complete = (max(rows.start, hour - Method.memoryHours)..<max(rows.start, hour - lag))
      .compactMap { rows[$0] }.filter { $0.demand >= 0 }
    (coefficients, smear, dispersion) = (Method.prior, 1, Method.usualDispersion)
    guard complete.count >= Method.leastWindows else { return }
    coefficients = Self.fit(complete)
    smear = Method.smears.clamp(Self.bias(of: coefficients, in: complete))
    dispersion = max(Method.leastDispersion, Self.dispersion(of: complete))
  }

  private static func fit(_ rows: [Row]) -> Ridge.Vector {
    let meanUsual = max(rows.reduce(0) { $0 + Double($1.usual) } / Double(rows.count), 1e-9)
    var ridge = Ridge(prior: Method.prior, penalties: Method.penalties)
    for row in rows {
      let change = log((Double(row.demand) + 1) / (Double(row.usual) + 1))
      let bound = Method.levelBound
      ridge.add(
        (1, Double(row.lastHour), Double(row.lastDay)), gives: (-bound...bound).clamp(change),
        weight: min(Double(row.usual) / meanUsual, Method.heaviest).squareRoot())
    }
    return ridge.solution()
  }

  /// By what the sum of forecasts has to be multiplied: a mean of logarithms is not the logarithm of a
  /// mean.
  private static func bias(of coefficients: Ridge.Vector, in rows: [Row]) -> Double {
    var came = 0.0
    var expected = 0.0
    for row in rows {
      let change =
        coefficients.0 + coefficients.1 * Double(row.lastHour)
        + coefficients.2 * Double(row.lastDay)
      let forecast = (Double(row.usual) + 1) * exp(change) - 1
      came += min(Double(row.demand), 4 * forecast + 5)
      expected += forecast
    }
    return came / max(expected, 1e-9)
  }

  /// The dispersion that explains the errors of forecasts as they were made.
  private static func dispersion(of rows: [Row]) -> Double {
    var excess = 0.0
    var squares = 0.0
    for row in rows {
      let mean = Double(row.mean)
      let error = Double(row.demand) - mean
      let usualVariance = mean + Method.usualDispersion * mean * mean
      let square = min(error * error, Method.outlier * usualVariance)
      excess += (square - mean) / max(mean, 1)
      squares += mean * mean / max(mean, 1)
    }
    return excess / squares
  }
}
