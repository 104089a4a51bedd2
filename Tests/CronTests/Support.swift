import Cron
import Glibc

/// The instant of `2027-03-13T12:00:00Z`, by the C library.
func instant(_ text: String) -> Int64 {
  let numbers = text.split { !$0.isNumber }.compactMap { Int32($0) }
  guard numbers.count == 6 else { fatalError("not an instant: \(text)") }
  var parts = tm()
  parts.tm_year = numbers[0] - 1_900
  parts.tm_mon = numbers[1] - 1
  parts.tm_mday = numbers[2]
  parts.tm_hour = numbers[3]
  parts.tm_min = numbers[4]
  parts.tm_sec = numbers[5]
  return Int64(timegm(&parts))
}

/// The text of an instant, by the C library.
func text(_ instant: Int64) -> String {
  var time = time_t(instant)
  var parts = tm()
  gmtime_r(&time, &parts)
  var buffer = [CChar](repeating: 0, count: 64)
  let count = strftime(&buffer, buffer.count, "%Y-%m-%dT%H:%M:%SZ", &parts)
  return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

func parse(_ expression: String) throws -> CronExpression {
  try CronExpression.parse(expression)
}

/// The first instants after one, as texts.
func fires(
  _ expression: String, _ zone: String = "UTC", after: String, count: Int
) throws -> [String] {
  let expression = try parse(expression)
  let zone = try Zone.load(zone)
  var result: [String] = []
  var last = instant(after)
  while result.count < count, let next = expression.next(after: last, in: zone) {
    result.append(text(next))
    last = next
  }
  return result
}

/// The error of an expression, or nil if it is valid.
func cronError(_ expression: String) -> CronError? {
  do throws(CronError) {
    _ = try CronExpression.parse(expression)
    return nil
  } catch {
    return error
  }
}

/// The error of a zone's name, or nil if there is such a zone.
func zoneError(_ name: String) -> ZoneError? {
  do throws(ZoneError) {
    _ = try Zone.load(name)
    return nil
  } catch {
    return error
  }
}

/// A repeatable source of randomness.
struct Seeded: RandomNumberGenerator {
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

/// Zones whose changes are unlike one another.
let oddZones = [
  "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Almaty",
  "Europe/Dublin", "Antarctica/Troll", "Africa/Casablanca", "Pacific/Chatham", "America/Havana",
  "Africa/Cairo", "America/Nuuk", "Asia/Pyongyang", "Asia/Kathmandu", "America/Caracas",
  "Pacific/Kwajalein", "Asia/Gaza", "America/Scoresbysund", "Asia/Tehran", "Antarctica/Casey",
  "Europe/Istanbul", "America/Sao_Paulo", "Pacific/Kiritimati", "Asia/Jerusalem",
]

/// The first instant after one at which a zone's offset differs from the moment before.
func transition(after start: Int64, in zone: Zone, days: Int64 = 400) -> Int64? {
  var low = start
  for _ in 0..<days {
    let high = low + 86_400
    if zone.offset(at: high) != zone.offset(at: low) {
      var before = low
      var after = high
      while after - before > 1 {
        let middle = (before + after) / 2
        if zone.offset(at: middle) == zone.offset(at: before) {
          before = middle
        } else {
          after = middle
        }
      }
      return after
    }
    low = high
  }
  return nil
}
