/// The grid of time that demand is counted by: bins of 5 minutes, numbered from the Unix epoch. An
/// hour is 12 bins, a day 24 hours, both of UTC.
package enum Grid {
  package static let binSeconds = 300
  package static let binsPerHour = 12
  package static let hoursPerDay = 24
  package static let hoursPerWeek = 168
  package static let binsPerDay = binsPerHour * hoursPerDay
  package static let binsPerWeek = binsPerHour * hoursPerWeek

  /// The hour that a bin lies in.
  package static func hour(of bin: Int) -> Int { floorDivide(bin, by: binsPerHour) }

  /// The first bin of an hour.
  package static func bin(ofHour hour: Int) -> Int { hour * binsPerHour }
}

/// The quotient rounded down, for times before the epoch too.
func floorDivide(_ number: Int, by divisor: Int) -> Int {
  let quotient = number / divisor
  return number % divisor < 0 ? quotient - 1 : quotient
}

/// The number of whole parts that hold all of it.
func ceilDivide(_ number: Int, by divisor: Int) -> Int { -floorDivide(-number, by: divisor) }
