import Cron
import Testing

/// Every minute of a few days around a change of a zone's offset.
private struct Window {
  let zone: Zone
  let change: Int64
  let start: Int64
  /// The local time of each minute, in seconds.
  private(set) var locals: [Int64] = []
  /// Where a local time is first seen.
  private(set) var firstSeen: [Int64: Int] = [:]
  private(set) var days: [Int64: ReferenceDay] = [:]

  var end: Int64 { start + Int64(locals.count) * 60 }

  init(_ zone: Zone, around change: Int64) {
    self.zone = zone
    self.change = change
    start = floor(change, 60) - 34 * 3_600
    for minute in 0..<Int64(68 * 60) {
      let at = start + minute * 60
      let local = at + zone.offset(at: at)
      locals.append(local)
      if firstSeen[local] == nil { firstSeen[local] = Int(minute) }
    }
    for day in locals.min()! / 86_400...locals.max()! / 86_400 {
      let date = CivilDate(daysSinceEpoch: day)
      days[day] = ReferenceDay(
        month: date.month, day: date.day, weekday: date.weekday,
        monthLength: CivilDate.daysInMonth(date.month, ofYear: date.year))
    }
  }

  /// All instants of the window at which an expression fires, by looking at every minute.
  func fires(_ expression: ReferenceExpression) -> [Int64] {
    let dates = days.mapValues(expression.matches)
    func matches(_ local: Int64) -> Bool {
      expression.hours[Int(local % 86_400 / 3_600)] && expression.minutes[Int(local % 3_600 / 60)]
        && dates[local / 86_400]!
    }
    let seconds = (0...59).filter { expression.seconds[$0] }.map { Int64($0) }
    var found: [Int64] = []
    if expression.isWallClock {
      for local in stride(from: locals.first!, through: locals.last!, by: 60)
      where matches(local) {
        if let seen = firstSeen[local] {
          found += seconds.map { start + Int64(seen) * 60 + $0 }
        } else {
          let after = start + Int64(locals.firstIndex { $0 > local }!) * 60
          if found.last != after { found.append(after) }
        }
      }
    } else {
      for (minute, local) in locals.enumerated() where matches(local) {
        found += seconds.map { start + Int64(minute) * 60 + $0 }
      }
    }
    return found
  }
}

private func floor(_ value: Int64, _ unit: Int64) -> Int64 { value - value % unit }

struct ReferenceTests {
  /// Changes of offset on whole minutes, from 1980 to 2100.
  private static func windows(_ count: Int, _ random: inout Seeded) throws -> [Window] {
    let known = [
      ("Pacific/Apia", "2011-12-29T00:00:00Z"), ("Pacific/Kwajalein", "1993-08-19T00:00:00Z"),
      ("Asia/Almaty", "2024-02-27T00:00:00Z"), ("Asia/Pyongyang", "2018-05-02T00:00:00Z"),
      ("America/Caracas", "2016-04-29T00:00:00Z"), ("Pacific/Kiritimati", "1994-12-28T00:00:00Z"),
      ("Asia/Kathmandu", "1985-12-29T00:00:00Z"), ("America/Sao_Paulo", "2018-11-02T00:00:00Z"),
    ]
    var windows: [Window] = []
    for (name, start) in known {
      let zone = try Zone.load(name)
      windows.append(
        Window(zone, around: try #require(transition(after: instant(start), in: zone))))
    }
    while windows.count < count {
      let zone = try Zone.load(oddZones.randomElement(using: &random)!)
      let start = Int64.random(in: 315_532_800...4_102_444_800, using: &random)
      guard let change = transition(after: start, in: zone), change % 60 == 0 else { continue }
      windows.append(Window(zone, around: change))
    }
    return windows
  }

  @Test(arguments: 0..<UInt64(3)) func agreesWithEveryMinuteAroundChanges(_ seed: UInt64) throws {
    var random = Seeded(100 + seed)
    var checked = 0
    for window in try ReferenceTests.windows(24, &random) {
      for _ in 0..<10 {
        let reference = ReferenceExpression(isDense: true, using: &random)
        guard let expression = try? parse(reference.text) else { continue }
        let fires = window.fires(reference)
        for _ in 0..<4 {
          // Mostly within hours of the change, often exactly at a fire or beside one.
          var after = window.change + Int64.random(in: -100_000...100_000, using: &random)
          if Bool.random(using: &random) {
            after = window.change + Int64.random(in: -7_300...7_300, using: &random)
          }
          if Bool.random(using: &random), let fire = fires.randomElement(using: &random) {
            after = fire + Int64.random(in: -1...1, using: &random)
          }
          guard after > window.start, after < window.end - 1 else { continue }
          let place = "\(reference.text) in \(window.zone.name) at \(text(after))"
          let next = expression.next(after: after, in: window.zone)
          if let expected = fires.first(where: { $0 > after }) {
            #expect(next == expected, "\(place)")
          } else {
            #expect(next ?? .max >= window.end, "\(place)")
          }
          let previous = expression.previous(atOrBefore: after, in: window.zone)
          if let expected = fires.last(where: { $0 <= after }) {
            #expect(previous == expected, "\(place)")
          } else {
            #expect(previous ?? .min < window.start, "\(place)")
          }
          checked += 2
        }
      }
    }
    #expect(checked > 1_200)
  }

  @Test func agreesWithEveryDayOfManyYears() throws {
    var random = Seeded(200)
    // Days from 1996 to 2036, counted on by hand.
    var days: [(start: Int64, day: ReferenceDay)] = []
    var (year, month, day, weekday) = (1996, 1, 1, 1)
    var start = instant("1996-01-01T00:00:00Z")
    while year < 2036 {
      let isLeap = year % 4 == 0
      let length = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
      days.append(
        (start, ReferenceDay(month: month, day: day, weekday: weekday, monthLength: length)))
      (start, weekday, day) = (start + 86_400, (weekday + 1) % 7, day + 1)
      if day > length { (month, day) = (month + 1, 1) }
      if month == 13 { (year, month) = (year + 1, 1) }
    }
    var checked = 0
    for _ in 0..<120 {
      let reference = ReferenceExpression(isDense: false, using: &random)
      guard let expression = try? parse(reference.text) else {
        // No day may match in what is said to be impossible.
        #expect(!days.contains { reference.matches($0.day) }, "\(reference.text)")
        continue
      }
      let time = Int64(
        reference.hours.firstIndex(of: true)! * 3_600
          + reference.minutes.firstIndex(of: true)! * 60
          + reference.seconds.firstIndex(of: true)!)
      let matching = days.filter { reference.matches($0.day) }.map(\.start)
      for (index, midnight) in matching.enumerated() where index % 7 == 0 {
        #expect(expression.next(after: midnight - 1, in: .utc) == midnight + time)
        let previous = index > 0 ? matching[index - 1] : nil
        let found = expression.previous(atOrBefore: midnight - 1, in: .utc) ?? .min
        if let previous {
          #expect(found - found % 86_400 == previous, "\(reference.text)")
        } else {
          #expect(found < days[0].start)
        }
        checked += 1
      }
    }
    #expect(checked > 1_000)
  }
}
