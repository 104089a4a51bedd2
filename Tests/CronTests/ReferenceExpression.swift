import Cron

/// A day as the reference sees it.
struct ReferenceDay {
  var month: Int
  var day: Int
  var weekday: Int
  var monthLength: Int

  /// The weekday of another day of the same month.
  func weekday(of other: Int) -> Int { ((weekday + other - day) % 7 + 7) % 7 }
}

/// A random expression together with what it means, made from the same choices, so that nothing
/// is parsed twice.
struct ReferenceExpression {
  private(set) var text = ""
  private(set) var seconds: [Bool]
  private(set) var minutes: [Bool]
  private(set) var hours: [Bool]
  private(set) var isWallClock: Bool
  private var months: [Bool]
  private var byMonth: [(ReferenceDay) -> Bool] = []
  private var byWeek: [(ReferenceDay) -> Bool] = []
  private var needsBoth: Bool

  func matches(_ day: ReferenceDay) -> Bool {
    guard months[day.month] else { return false }
    let left = byMonth.contains { $0(day) }
    let right = byWeek.contains { $0(day) }
    return needsBoth ? left && right : left || right
  }

  /// Dense expressions fire on most days, sparse ones on few.
  init(isDense: Bool, using random: inout Seeded) {
    let second = Bool.random(using: &random) ? nil : numbers(0...59, &random)
    let minute = numbers(0...59, &random)
    let hour = Int.random(in: 0...2, using: &random) == 0 ? star(0...23) : hourField(&random)
    let month =
      isDense || Bool.random(using: &random) ? star(1...12) : numbers(1...12, &random)
    seconds = second?.values ?? flags([0], 59)
    minutes = minute.values
    hours = hour.values
    months = month.values
    isWallClock = !minute.text.hasPrefix("*") && !hour.text.hasPrefix("*")
    var day = "*"
    var week = "*"
    byMonth = [{ _ in true }]
    byWeek = [{ _ in true }]
    let choice = Int.random(in: 0...(isDense ? 3 : 5), using: &random)
    if choice % 2 == 1 { (day, byMonth) = ReferenceExpression.monthDays(&random) }
    if choice >= 2 { (week, byWeek) = ReferenceExpression.weekDays(&random) }
    if choice == 4 { (day, byMonth) = ("?", [{ _ in true }]) }
    needsBoth = [day, week].contains { $0.hasPrefix("*") || $0 == "?" }
    text = [second?.text, minute.text, hour.text, day, month.text, week]
      .compactMap { $0 }.joined(separator: " ")
  }

  private static func monthDays(
    _ random: inout Seeded
  ) -> (String, [(ReferenceDay) -> Bool]) {
    var texts: [String] = []
    var tests: [(ReferenceDay) -> Bool] = []
    for _ in 0...Int.random(in: 0...2, using: &random) {
      let n = Int.random(in: 1...31, using: &random)
      switch Int.random(in: 0...6, using: &random) {
      case 0:
        texts.append("L")
        tests.append { $0.day == $0.monthLength }
      case 1:
        texts.append("L-\(n % 12)")
        tests.append { $0.day == $0.monthLength - n % 12 }
      case 2:
        texts.append("LW")
        tests.append { day in
          day.day == (1...day.monthLength).last { (1...5).contains(day.weekday(of: $0)) }
        }
      case 3:
        texts.append("\(n)W")
        tests.append { day in
          guard n <= day.monthLength else { return false }
          let nearest = [0, -1, 1, -2, 2].map { n + $0 }.first {
            (1...day.monthLength).contains($0) && (1...5).contains(day.weekday(of: $0))
          }
          return day.day == nearest
        }
      case 4:
        texts.append("*/\(n)")
        tests.append { ($0.day - 1) % n == 0 }
      case 5:
        let last = Int.random(in: n...31, using: &random)
        texts.append("\(n)-\(last)/3")
        tests.append { $0.day >= n && $0.day <= last && ($0.day - n) % 3 == 0 }
      default:
        texts.append("\(n)")
        tests.append { $0.day == n }
      }
    }
    return (texts.joined(separator: ","), tests)
  }

  private static func weekDays(_ random: inout Seeded) -> (String, [(ReferenceDay) -> Bool]) {
    let names = ["Sun", "MON", "tue", "WED", "thu", "Fri", "SAT", "7"]
    var texts: [String] = []
    var tests: [(ReferenceDay) -> Bool] = []
    for _ in 0...Int.random(in: 0...2, using: &random) {
      let n = Int.random(in: 0...7, using: &random)
      let name = Bool.random(using: &random) ? names[n] : "\(n)"
      switch Int.random(in: 0...4, using: &random) {
      case 0:
        let k = Int.random(in: 1...5, using: &random)
        texts.append("\(name)#\(k)")
        tests.append { $0.weekday == n % 7 && ($0.day + 6) / 7 == k }
      case 1:
        texts.append("\(name)L")
        tests.append { $0.weekday == n % 7 && $0.day + 7 > $0.monthLength }
      case 2:
        let last = Int.random(in: n...7, using: &random)
        texts.append("\(n)-\(last)")
        tests.append { (n...last).contains($0.weekday) || (last == 7 && $0.weekday == 0) }
      case 3:
        texts.append("*/3")
        tests.append { $0.weekday % 3 == 0 }
      default:
        texts.append(name)
        tests.append { $0.weekday == n % 7 }
      }
    }
    return (texts.joined(separator: ","), tests)
  }
}

private typealias Numbers = (text: String, values: [Bool])

private func flags(_ values: [Int], _ maximum: Int) -> [Bool] {
  (0...maximum).map(values.contains)
}

private func star(_ range: ClosedRange<Int>) -> Numbers {
  ("*", flags(Array(range), range.upperBound))
}

private func hourField(_ random: inout Seeded) -> Numbers {
  // Most changes of an offset are at night.
  numbers(Bool.random(using: &random) ? 0...4 : 0...23, 23, &random)
}

private func numbers(_ range: ClosedRange<Int>, _ random: inout Seeded) -> Numbers {
  numbers(range, range.upperBound, &random)
}

private func numbers(
  _ range: ClosedRange<Int>, _ maximum: Int, _ random: inout Seeded
) -> Numbers {
  let first = Int.random(in: range, using: &random)
  let last = Int.random(in: first...range.upperBound, using: &random)
  let minimum = maximum == 12 ? 1 : 0
  let step = Int.random(in: 1...(maximum - minimum), using: &random)
  switch Int.random(in: 0...5, using: &random) {
  case 0: return star(minimum...maximum)
  case 1:
    let values = Array(stride(from: minimum, through: maximum, by: step))
    return ("*/\(step)", flags(values, maximum))
  case 2:
    let values = Array(stride(from: first, through: maximum, by: step))
    return ("\(first)/\(step)", flags(values, maximum))
  case 3: return ("\(first)-\(last)", flags(Array(first...last), maximum))
  case 4: return ("\(first),\(last)", flags([first, last], maximum))
  default: return ("\(first)", flags([first], maximum))
  }
}
