import Glibc

/// What demand is usual at an hour of the week.
extension History {
  /// Of a pool with at least a week behind it: the same hour of the last 8 weeks, the more the newer and
  /// without outliers, and besides the same hour of the days before.
  func usual(of hour: Int, in calendar: LocalCalendar) -> Double {
    var examples: [(requests: Double, weight: Double)] = []
    examples.reserveCapacity(Method.weeks)
    calendar.examples(of: hour) { week, past in
      if let requests = requests(ofHour: past) {
        examples.append((Double(requests), Self.weights[week - 1]))
      }
    }
    if examples.count >= 3 {
      let bounds = Self.bounds(of: examples.map(\.requests))
      for index in examples.indices {
        examples[index].requests = bounds.clamp(examples[index].requests)
      }
    }
    let sum = examples.reduce(0) { $0 + $1.weight * $1.requests }
    let weight = examples.reduce(0) { $0 + $1.weight }
    let days = Method.earlierDays.compactMap {
      requests(ofHour: calendar.hour(hour, daysBefore: $0))
    }
    if !days.isEmpty {
      return (sum + Double(days.reduce(0, +)) / Double(days.count)) / (weight + 1)
    }
    return weight > 0 ? sum / weight : meanHour ?? Method.guess
  }

  /// Of a pool in its first week: the mean of the same hour of the days before; nil on the first.
  func usualInFirstWeek(of hour: Int, in calendar: LocalCalendar) -> Double? {
    let days = (1...7).compactMap { requests(ofHour: calendar.hour(hour, daysBefore: $0)) }
    return days.isEmpty ? nil : Double(days.reduce(0, +)) / Double(days.count)
  }

  /// Requests of an hour, as of the last 6 hours at most and a guess.
  var freshRate: Double {
    let start = max(since ?? next, next - Method.freshHours * Grid.binsPerHour)
    let known = (start..<next).compactMap { requests(of: $0) }
    let hours = Double(known.count) / Double(Grid.binsPerHour)
    return (Double(known.reduce(0, +)) + Method.guessHours * Method.guess)
      / (hours + Method.guessHours)
  }

  private static let weights = (0..<Method.weeks).map { pow(Method.weekDecay, Double($0)) }

  private static func bounds(of requests: [Double]) -> ClosedRange<Double> {
    let sorted = requests.sorted()
    let median = (sorted[sorted.count / 2] + sorted[(sorted.count - 1) / 2]) / 2
    return max(median / 3 - 2, 0)...(3 * median + 4)
  }
}
