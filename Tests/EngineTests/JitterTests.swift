import Larder
import Testing

@testable import Engine

/// Runs that start some time after their nominal time. That of the pool `keys` and its schedule
/// `hourly` is, with a jitter of ten minutes, 469.116 s after 12:00 and 156.716 s after 13:00.
@Suite struct JitterTests {
  private let before = at("2026-06-01T11:59:30Z")
  private let first = at("2026-06-01T12:07:49.116Z")
  private let second = at("2026-06-01T13:02:36.716Z")

  private func jittered(
    _ catchup: ScheduleSpec.Catchup = .latest, _ change: (inout Pool) -> Void = { _ in }
  ) -> Pool {
    makePool { pool in
      pool.schedules = [schedule("0 * * * *", catchup: catchup)]
      pool.schedules[0].jitter = .seconds(600)
      change(&pool)
    }
  }

  private func nominal(_ driver: Driver) throws -> [Instant?] { try driver.runs().map(\.nominalAt) }

  @Test func aRunStartsWhenItsDelayIsOver() throws {
    let driver = try Driver([jittered()], at: before)
    #expect(driver.deadline == first)
    #expect(try driver.status().nextFire(after: before) == first)
    try driver.advance(to: first - .milliseconds(1))
    #expect(try driver.runs() == [])
    #expect(try driver.status().nextFire(after: driver.now) == first)
    try driver.advance(to: first)
    let run = try #require(try driver.runs().first)
    #expect(run.nominalAt == noon && run.createdAt == first && run.why == nil)
    try driver.finishAll()
    #expect(driver.deadline == second)
    try driver.advance(to: second)
    #expect(try nominal(driver) == [noon, noon + .seconds(3600)])
  }

  @Test func aRestartBeforeTheDelayIsOverChangesNothing() throws {
    for catchup in ScheduleSpec.Catchup.allCases {
      let driver = try Driver([jittered(catchup)], at: before)
      for _ in 0..<7 { try driver.restart(after: .seconds(60)) }
      #expect(try driver.runs() == [])
      #expect(driver.deadline == first)
      try driver.advance(to: first)
      #expect(try driver.runs().map(\.why) == [nil])
      #expect(try nominal(driver) == [noon])
      try driver.finishAll()
      // Nor does one after it.
      try driver.restart(after: .seconds(1))
      #expect(try driver.runs().count == 1)
      #expect(driver.deadline == second)
    }
  }

  @Test func aDelayThatEndedInADowntimeWasMissed() throws {
    let driver = try Driver([jittered(.all)], at: before)
    try driver.restart(after: .seconds(3600))
    #expect(try nominal(driver) == [noon])
    #expect(try driver.runs()[0].why == "one time was missed; catchup: all")
    // 13:02:36.716 has not come; a downtime over it and 14:00 catches up both but what is not due.
    try driver.finishAll()
    try driver.restart(after: .seconds(3700))
    #expect(try nominal(driver) == [noon, noon + .seconds(3600)])
    #expect(try driver.status().nextFire(after: driver.now) == at("2026-06-01T14:05:36.468Z"))
  }

  @Test func aClockThatRanBackStartsNoTimeTwice() throws {
    let driver = try Driver([jittered()], at: before)
    try driver.advance(to: first)
    try driver.finishAll()
    for instant in [first - .seconds(1), noon - .seconds(1), noon - .seconds(7200)] {
      driver.now = instant
      try driver.settle()
      try driver.claim(count: 50)
      try driver.advance(to: first + .seconds(60))
      let again = try driver.runs().filter { $0.nominalAt == noon }
      #expect(again.count == 1)
      try driver.finishAll()
    }
    try driver.advance(to: second)
    #expect(try driver.runs().count { $0.nominalAt == noon + .seconds(3600) } == 1)
  }

  @Test func aNewScheduleOrTimingHasNoTimeThatIsOnItsWay() throws {
    // It is seen at 12:01 for the first time: 12:00 was before.
    let driver = try Driver([makePool()], at: noon + .seconds(60))
    try driver.adopt(jittered())
    #expect(driver.deadline == second)
    var other = jittered()
    other.schedules = [schedule("*/30 * * * *")]
    other.schedules[0].jitter = .seconds(600)
    let next = other.schedules[0].start(of: noon + .seconds(1800), in: "keys")
    try driver.adopt(other)
    #expect(driver.deadline == next)
    try driver.advance(to: next)
    #expect(try nominal(driver) == [noon + .seconds(1800)])
  }

  @Test func aChangedJitterHoldsForTheTimeThatIsOnItsWay() throws {
    for (seconds, expected) in [(0, noon + .seconds(120)), (60, nil)] as [(Int, Instant?)] {
      let driver = try Driver([jittered()], at: before)
      try driver.advance(to: noon + .seconds(120))
      var sooner = jittered()
      sooner.schedules[0].jitter = .seconds(seconds)
      try driver.adopt(sooner)
      // It should have started before, and does now.
      #expect(try nominal(driver) == [noon])
      #expect(try driver.runs()[0].createdAt == expected ?? driver.now)
      // A longer one starts it no second time.
      try driver.adopt(jittered { $0.schedules[0].jitter = .seconds(1800) })
      try driver.advance(to: noon + .seconds(3599))
      #expect(try nominal(driver) == [noon])
    }
  }

  @Test func withAJitterLongerThanTheIntervalEveryTimeIsDealtWithOnce() throws {
    let pool = makePool { pool in
      pool.schedules = [schedule("*/5 * * * *")]
      pool.schedules[0].jitter = .seconds(1800)
      pool.schedules[0].overlap = .queue
    }
    let driver = try Driver([pool], at: noon - .seconds(1), seed: 5)
    while driver.now < noon + .seconds(8 * 3600) {
      try driver.advance(by: .seconds(97))
      try driver.claim(count: 30)
      if driver.now.milliseconds % 7 == 0 { try driver.restart() }
      try driver.finishAll()
    }
    let times = try driver.runs().compactMap(\.nominalAt)
    // In order, none left out, none twice.
    #expect(times == times.indices.map { noon + .seconds(300 * $0) })
    #expect(times.count >= 8 * 12 - 6)
    for run in try driver.runs() {
      let nominalAt = try #require(run.nominalAt)
      #expect(run.createdAt >= pool.schedules[0].start(of: nominalAt, in: "keys"))
      #expect(run.createdAt <= nominalAt + .seconds(1801) + .seconds(97))
    }
  }

  @Test func poolsWithOneScheduleStartSpreadOut() throws {
    let pools = (0..<50).map { index in
      makePool("pool-\(index)") { pool in
        pool.schedules = [schedule("0 * * * *")]
        pool.schedules[0].jitter = .seconds(600)
      }
    }
    let driver = try Driver(pools, producers: 100, at: before)
    var largest = 0
    while driver.launches.count < 50, driver.now < noon + .seconds(601) {
      let before = driver.launches.count
      try driver.advance(to: try #require(driver.deadline))
      largest = max(largest, driver.launches.count - before)
    }
    #expect(driver.launches.count == 50)
    #expect(largest <= 3)
  }
}
