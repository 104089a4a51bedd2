import Glibc

/// What is known of one pool's demand, and what follows for its stock. It is a value that takes demand
/// in bin by bin; neither that nor a plan costs more the longer it does.
///
/// Equal bins give equal planners, so that one can be made anew from what the store has kept.
package struct Planner: Sendable, Equatable {
  package let supply: Supply
  /// May be renewed as years pass; what was learned stays.
  package var calendar: LocalCalendar
  private var history: History
  /// nil in the first week.
  private var learned: Learned?
  private var hour: HourStart?

  /// The forecasts at the beginning of the present hour, which top-ups go by.
  private struct HourStart: Sendable, Equatable {
    let untilNext: Forecast
    let life: Forecast
    /// How the hour before ran against what is usual.
    let level: Double
  }

  /// A planner that knows nothing, and takes demand in from the bin `start` on.
  package init(supply: Supply, calendar: LocalCalendar = .utc, start: Int) {
    self.supply = supply
    self.calendar = calendar
    history = History(start: start)
  }

  /// The bin that comes next: all before it is taken in, nothing from it on.
  package var next: Int { history.next }

  /// The first bin that demand is known of.
  package var knownSince: Int? { history.since }

  /// Takes the next bin in: its requests, those that missed included; nil where nobody counted, or
  /// where an operator says that they tell nothing.
  package mutating func observe(_ requests: Int?) {
    if history.isStale, requests != nil {
      self = Planner(supply: supply, calendar: calendar, start: next)
    }
    history.append(requests)
    guard next % Grid.binsPerHour == 0 else { return }
    if learned == nil, let first = history.firstHour, history.hour >= first + Method.newHours {
      learned = Learned(supply: supply, hour: history.hour)
    }
    learned?.extendUsuals(from: history.hour, by: history, calendar: calendar)
    let levels = levels
    learned?.begin(hour: history.hour, history: history, levels: levels)
    hour = start(levels)
  }

  private func start(_ levels: Levels) -> HourStart {
    HourStart(
      untilNext: forecast(bins: supply.untilNext, learned?.untilNext, levels),
      life: forecast(bins: supply.life, learned?.life, levels), level: levels.lastHour)
  }

  private var levels: Levels { history.levels(before: next, usual: usualOfPast) }

  // MARK: Plans

  /// What would be on the shelf or on order after an order now, and why. The next scheduled order
  /// comes at the bin `nextOrder`.
  package func plan(nextOrder: Int, costs: Costs) -> Plan {
    let bins = supply.span(untilOrderIn: nextOrder - next)
    let levels = levels
    let untilNext = forecast(bins: bins, learned?.untilNext, levels)
    let life = forecast(bins: supply.life, learned?.life, levels)
    let reach = Self.reach(untilNext, life)
    return Plan(
      bin: next, bins: bins, untilNext: untilNext, life: life, reach: reach,
      target: costs.target(
        until: untilNext.distribution, life: life.distribution, reach: reach),
      usualOfHour: usual(bins: Grid.binsPerHour), levels: levels,
      coefficients: learned?.untilNext.coefficients)
  }

  /// When to top up between scheduled orders, and what up to.
  package func topUp(nextOrder: Int, costs: Costs) -> TopUp {
    let hour = hour ?? start(levels)
    let carried = (learned?.untilNext.coefficients ?? Method.prior).1
    let level = history.level(of: Grid.binsPerHour, before: next, usual: usualOfPast)
    let factor = Method.topUpFactors.clamp(exp(carried * (level - hour.level)))
    let reach = Self.reach(hour.untilNext, hour.life)
    func demand(bins: Int) -> NegativeBinomial {
      NegativeBinomial(
        mean: max(hour.untilNext.level * usual(bins: bins), 1e-6),
        dispersion: hour.untilNext.dispersion)
    }
    let life = NegativeBinomial(
      mean: max(hour.life.level * usual(bins: supply.life), Method.leastMean),
      dispersion: hour.life.dispersion)
    return TopUp(
      untilReady: demand(bins: supply.lead + 1),
      untilNext: demand(bins: supply.span(untilOrderIn: nextOrder - next)), life: life,
      reach: reach,
      factor: factor)
  }

  /// No target is beyond this.
  private static func reach(_ untilNext: Forecast, _ life: Forecast) -> Int {
    Int(min(max(8 * untilNext.mean, 1.5 * life.mean) + 60, 1e9).rounded(.up))
  }

  // MARK: Usual demand

  private func usualOfPast(hour: Int) -> Double? {
    if let learned { return learned.usual(ofHour: hour) }
    return history.usualInFirstWeek(of: hour, in: calendar)
  }

  /// The usual demand of an hour to come.
  func usual(ofHour hour: Int) -> Double {
    if let learned {
      return learned.usual(ofHour: hour) ?? history.usual(of: hour, in: calendar)
    }
    let usual = isFirstDay ? nil : history.usualInFirstWeek(of: hour, in: calendar)
    return usual ?? history.freshRate
  }

  /// The requests of a past hour; nil where they are unknown, or were more than 8 weeks ago.
  package func requests(ofHour hour: Int) -> Int? { history.requests(ofHour: hour) }

  /// The usual demand of bins from the next one on.
  private func usual(bins: Int) -> Double {
    if let learned { return learned.usual(from: next, bins: bins) }
    if isFirstDay { return history.freshRate * Double(bins) / Double(Grid.binsPerHour) }
    return sumByHours(from: next, bins: bins) { usual(ofHour: $0) }
  }

  private var isFirstDay: Bool {
    history.since.map { next < $0 + Grid.binsPerDay } ?? true
  }

  // MARK: Forecasts

  /// The demand of the next bins, by the model of a window of their length or about.
  private func forecast(bins: Int, _ model: WindowModel?, _ levels: Levels) -> Forecast {
    guard let model else { return forecastInFirstWeek(bins: bins, levels) }
    let forecast = model.forecast(usual: usual(bins: model.bins), levels: levels)
    return bins == model.bins ? forecast : forecast.scaled(to: usual(bins: bins))
  }

  private func forecastInFirstWeek(bins: Int, _ levels: Levels) -> Forecast {
    let usual = usual(bins: bins)
    guard !isFirstDay else {
      return Forecast(
        usual: usual, mean: max(usual, Method.leastMean), dispersion: Method.firstDayDispersion)
    }
    let bounds = -Method.levelBound...Method.levelBound
    let hours = history.level(of: 3 * Grid.binsPerHour, before: next, usual: usualOfPast)
    let change =
      Method.newDayCarry * levels.bounded.lastDay + Method.newHoursCarry * bounds.clamp(hours)
    return Forecast(
      usual: usual, mean: max(usual * exp(change), Method.leastMean),
      dispersion: Method.firstWeekDispersion)
  }
}
