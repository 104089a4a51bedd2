import Foundation
import Larder
import Sizing
import Testing

/// Repeatable randomness (SplitMix64).
struct SeededRandom: RandomNumberGenerator, Sendable {
  private var state: UInt64

  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

/// Departures from the airports of New York in 2013, by 5 minutes.
let flights = Result {
  let file = try #require(
    Bundle.module.url(forResource: "flights", withExtension: "csv", subdirectory: "Data"))
  return try DemandFile.read([UInt8](Data(contentsOf: file)))
}

/// 2026-06-01T00:00Z, a Monday.
let monday = 20_605 * Grid.binsPerDay

let hourly = Supply(interval: Grid.binsPerHour, lead: 2, shelfLife: 2 * Grid.binsPerHour)

/// Demand by the hour, each of whose bins sees a Poisson number of requests.
func demand(
  days: Int, start: Int = monday, seed: UInt64 = 1, _ rate: (_ hour: Int) -> Double
) -> DemandSeries {
  var random = SeededRandom(seed)
  let requests = (0..<days * Grid.binsPerDay).map { place -> Int? in
    let mean = rate(Grid.hour(of: start + place)) / Double(Grid.binsPerHour)
    var count = 0
    var left = Double.random(in: 0..<1, using: &random)
    while left > exp(-mean) {
      left *= Double.random(in: 0..<1, using: &random)
      count += 1
    }
    return count
  }
  return DemandSeries(start: start, requests: requests)
}

/// Busy by day, less so at weekends.
func officeHours(_ hour: Int) -> Double {
  let isWeekend = (hour / 24 + 4) % 7 == 0 || (hour / 24 + 4) % 7 == 6
  return (8..<18).contains(hour % 24) ? (isWeekend ? 6 : 30) : 2
}

extension Planner {
  /// A planner that has taken in all demand before a bin.
  init(
    after series: DemandSeries, upTo end: Int? = nil, supply: Supply = hourly,
    calendar: LocalCalendar = .utc
  ) {
    self.init(supply: supply, calendar: calendar, start: series.start)
    for bin in series.start..<(end ?? series.end) { observe(series[bin]) }
  }

  /// The plan of an order that the next one follows an interval later.
  func plan(_ costs: Costs = Costs(miss: 5)) -> Plan {
    plan(nextOrder: next + supply.interval, costs: costs)
  }
}
