/// What a pool with a week or more behind it goes by.
struct Learned: Sendable, Equatable {
  /// Usual demand by the hour, from a day back to as far as windows reach.
  private var usuals: Ring<Double>
  /// The window until the next order is ready.
  private(set) var untilNext: WindowModel
  /// The window until what is ordered now has expired.
  private(set) var life: WindowModel

  private static let lookedBack = Grid.hoursPerDay + 1

  init(supply: Supply, hour: Int) {
    untilNext = WindowModel(bins: supply.untilNext, start: hour)
    life = WindowModel(bins: supply.life, start: hour)
    let ahead = max(untilNext.lag, life.lag) + 2
    usuals = Ring(capacity: Self.lookedBack + ahead, start: hour - Self.lookedBack)
  }

  /// Looks further ahead by an hour. An hour keeps the usual demand that it has when the longest window
  /// first reaches it, as in the method's reference: of items that last for days, the days just
  /// before it are not known then.
  mutating func extendUsuals(from hour: Int, by history: History, calendar: LocalCalendar) {
    let ahead = max(untilNext.lag, life.lag) + 2
    while usuals.end < hour + ahead {
      usuals.append(history.usual(of: usuals.end, in: calendar))
    }
  }

  /// Takes in the hour that ended, and makes the forecasts of the one that begins.
  mutating func begin(hour: Int, history: History, levels: Levels) {
    begin(&untilNext, hour: hour, levels: levels, history: history)
    begin(&life, hour: hour, levels: levels, history: history)
  }

  private func begin(
    _ window: inout WindowModel, hour: Int, levels: Levels, history: History
  ) {
    window.begin(
      hour: hour, ended: history.requests(fromHour: hour - window.lag, bins: window.bins),
      usual: usual(from: Grid.bin(ofHour: hour), bins: window.bins), levels: levels)
  }

  /// The usual demand of an hour; nil where it is not kept.
  func usual(ofHour hour: Int) -> Double? { usuals[hour] }

  /// The usual demand of some bins.
  func usual(from bin: Int, bins count: Int) -> Double {
    sumByHours(from: bin, bins: count) { usuals[$0] ?? 0 }
  }
}

/// The sum over bins of what is given by the hour.
func sumByHours(from bin: Int, bins count: Int, _ hourly: (Int) -> Double) -> Double {
  var sum = 0.0
  var bin = bin
  let end = bin + count
  while bin < end {
    let hour = Grid.hour(of: bin)
    let upTo = min(end, Grid.bin(ofHour: hour + 1))
    sum += hourly(hour) * Double(upTo - bin) / Double(Grid.binsPerHour)
    bin = upTo
  }
  return sum
}
