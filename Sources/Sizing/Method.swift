/// The constants of the method. They were chosen on other demand than what it is tested with.
enum Method {
  /// Weeks that are looked back on, for the usual demand and for what is learned of it.
  static let weeks = 8
  static let memoryHours = weeks * Grid.hoursPerWeek
  /// How much less each week counts than the one after it.
  static let weekDecay = 0.9
  /// Usual demand: the days before, which stand for the hours that all days have in common.
  static let earlierDays = 2...8

  /// Before so many hours the pool is new, and its demand is guessed.
  static let newHours = Grid.hoursPerWeek
  /// Requests of an hour that are expected of a pool that nothing is known of.
  static let guess = 1.0
  /// How many hours the guess counts for, and how many at most what came since.
  static let guessHours = 2.0
  static let freshHours = 6
  static let firstDayDispersion = 0.3
  static let firstWeekDispersion = 0.15
  /// What is carried forward of the levels of the last day and of the last 3 hours.
  static let newDayCarry = 0.5
  static let newHoursCarry = 0.3

  /// Levels are logarithms of ratios; beyond this they are cut.
  static let levelBound = 3.0
  /// The same for what a forecast adds to the usual demand.
  static let changeBound = 2.5
  /// Where the regression starts from: a constant, and what is carried forward of the levels of the
  /// last hour and of the last day.
  static let prior = (0.0, 0.3, 0.2)
  static let penalties = (20.0, 10.0, 10.0)
  /// The largest weight of a window, as a multiple of that of the mean one, squared.
  static let heaviest = 4.0
  /// Windows that something is learned from.
  static let leastWindows = 2 * Grid.hoursPerDay
  static let leastMean = 0.02
  static let smears = 0.7...1.4

  static let usualDispersion = 0.05
  static let leastDispersion = 1e-4
  /// Residuals count up to so many variances.
  static let outlier = 36.0
  /// Surprises count up to so many variances.
  static let surpriseBound = 25.0
  /// Hours after which a surprise counts for half.
  static let surpriseHalfLife = 12.0
  static let widening = 1.0...6.0

  /// How much more or less than planned a top-up may order.
  static let topUpFactors = 0.5...4.0
}

extension ClosedRange {
  /// The nearest value inside.
  func clamp(_ value: Bound) -> Bound { Swift.min(Swift.max(value, lowerBound), upperBound) }
}
