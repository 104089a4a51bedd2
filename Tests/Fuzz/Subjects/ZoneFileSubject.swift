import Cron

private let expressions = ["30 2 * * *", "*/7 1-3 * * *", "0 0 29 2 *", "0 */6 * * SUN#1"]
  .compactMap { try? CronExpression.parse($0) }

/// The ends of time, what lies near them, and usual times.
private let instants: [Int64] = [
  .min, -1 << 55, SupportedInstants.earliest, 0, 1_800_000_000, SupportedInstants.latest - 90_000,
  1 << 55, .max,
]

func checkZoneFile(_ bytes: [UInt8]) throws(Broken) {
  let zone: Zone
  do throws(ZoneError) {
    zone = try Zone(name: "Test/Zone", bytes: bytes)
  } catch {
    return try require(!error.message.isEmpty, "no message")
  }
  for instant in instants {
    let offset = zone.offset(at: instant)
    try require((-89_999...93_599).contains(offset), "an offset of \(offset)")
    for expression in expressions {
      try FireTimes.check(expression, after: instant, in: zone)
    }
  }
}
