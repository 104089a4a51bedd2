/// Seconds in a day: POSIX time has no leap seconds.
let secondsPerDay: Int64 = 86_400

/// Quotient rounded towards negative infinity, so that times before 1970 behave as later ones do.
///
/// `divisor` must be positive.
@inline(__always)
func floorDivide(_ dividend: Int64, by divisor: Int64) -> Int64 {
  let quotient = dividend / divisor
  return dividend % divisor < 0 ? quotient - 1 : quotient
}

/// Remainder in `0 ..< divisor`, whatever the sign of the dividend.
@inline(__always)
func floorRemainder(_ dividend: Int64, by divisor: Int64) -> Int64 {
  let remainder = dividend % divisor
  return remainder < 0 ? remainder + divisor : remainder
}
