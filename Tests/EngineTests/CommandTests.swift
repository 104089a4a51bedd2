import Larder
import Testing

@testable import Engine

@Suite struct CommandTests {
  private func hourly(_ change: (inout Pool) -> Void = { _ in }) -> Pool {
    makePool { pool in
      pool.schedules = [schedule("0 * * * *", catchup: .all)]
      pool.producer?.retry.attempts = 1
      change(&pool)
    }
  }

  @Test func aPausedPoolStartsNothingNew() throws {
    let pool = hourly { $0.stock.reorderAt = 50 }
    let driver = try Driver([pool, makePool("other")], at: noon + .seconds(60))
    try driver.finishAll()
    try driver.perform(.pause)
    #expect(try driver.status().paused)
    try driver.claim(count: 90)
    try driver.advance(by: .seconds(3 * 3600))
    #expect(driver.outstanding == [])
    #expect(throws: Problem.self) { try driver.request() }
    // Others go on.
    try driver.request("other")
    #expect(driver.outstanding.map(\.pool) == ["other"])
    #expect(driver.state.expectedFill(of: "keys", at: driver.now) == nil)
    #expect(try driver.status().stock.available == 10)

    // Resumed, it is filled at once, and the times that passed were no missed ones.
    try driver.perform(.resume)
    try driver.finishAll()
    #expect(try driver.status().stock.available == 100)
    #expect(try driver.runs("keys").map(\.reason) == [.start, .reorder])
    try driver.claim(count: 10)
    try driver.advance(by: .seconds(3600))
    try driver.finishAll()
    #expect(try driver.runs("keys").last?.reason == .schedule)
    #expect(try driver.runs("keys").count == 3)
  }

  @Test func aRunWaitsWithItsNextSliceWhileItsPoolIsPaused() throws {
    let driver = try Driver([makePool { $0.producer?.concurrency = 2 }])
    let first = try driver.request(count: 30)
    let second = try driver.request(count: 10)
    try driver.finish(driver.next())
    #expect(driver.outstanding.count == 2)
    try driver.perform(.pause)
    // What is being made is finished and kept; a slice that fails waits for its next try.
    try driver.finish(try #require(driver.outstanding.first { $0.run == first.id }))
    try driver.fail(try #require(driver.outstanding.first { $0.run == second.id }))
    try driver.advance(by: .seconds(3600))
    #expect(driver.outstanding == [])
    #expect(try driver.status().stock.available == 20)
    #expect(try driver.status().runs.map(\.id) == [first.id, second.id])
    // A restart changes nothing about that.
    try driver.restart(after: .seconds(60))
    try driver.advance(by: .seconds(3600))
    #expect(driver.outstanding == [])
    try driver.perform(.resume)
    #expect(driver.outstanding.map(\.slice).sorted() == [1, 3])
    try driver.finishAll()
    #expect(try driver.kept(first.id).state == .succeeded)
    #expect(try driver.kept(second.id).slices.map(\.attempts) == [2])
    #expect(try driver.status().stock.available == 40)
  }

  @Test func timesOfAPauseAreNotMissedWhoeverWasThere() throws {
    // The engine of commands that find no server looks at no schedule.
    let driver = try Driver([hourly()], at: noon + .seconds(60))
    try driver.performApart(.pause, at: noon + .seconds(3 * 3600))
    try driver.performApart(.resume, at: noon + .seconds(6 * 3600))
    try driver.restart(after: .seconds(9 * 3600))
    try driver.finishAll()
    let nominal = try driver.runs().map(\.nominalAt)
    #expect(nominal == (7...9).map { noon + .seconds($0 * 3600) })
    #expect(try driver.status().paused == false)
  }

  @Test func aPauseThatLastsOverARestartHasNoMissedTimes() throws {
    let driver = try Driver([hourly()], at: noon + .seconds(60))
    try driver.performApart(.pause, at: noon + .seconds(120))
    try driver.restart(after: .seconds(5 * 3600))
    #expect(try driver.status().paused)
    try driver.restart(after: .seconds(5 * 3600))
    try driver.perform(.resume)
    #expect(try driver.runs() == [])
    try driver.advance(by: .seconds(3600))
    #expect(try driver.runs().map(\.nominalAt) == [noon + .seconds(11 * 3600)])
  }

  @Test func aResetClosesTheBreakerAndLeavesTheBackoff() throws {
    let pool = hourly {
      $0.stock.reorderAt = 50
      $0.producer?.breaker.failures = 1
      $0.producer?.breaker.cooldown = .seconds(86_400)
      $0.producer?.retry.backoff = .seconds(100)
    }
    let driver = try Driver([pool], at: noon + .seconds(60))
    try driver.fail(driver.next())
    let failed = driver.now
    #expect(try driver.status().breakerOpenUntil(at: driver.now) != nil)
    try driver.advance(by: .seconds(3600))
    #expect(driver.outstanding == [])
    try driver.perform(.resetBreaker)
    #expect(try driver.status().breakerOpenUntil(at: driver.now) == nil)
    #expect(driver.outstanding.count == 1)
    #expect(driver.now > failed + .seconds(100))
    try driver.fail(driver.next())
    // Now the backoff of two fruitless runs has not passed yet.
    try driver.perform(.resetBreaker)
    #expect(driver.outstanding == [])
    try driver.advance(by: .seconds(199))
    #expect(driver.outstanding == [])
    try driver.advance(by: .seconds(1))
    #expect(driver.outstanding.count == 1)
    // It is kept, too.
    try driver.restart()
    #expect(try driver.status().memory.failures == 0)
    #expect(try driver.status().memory.fruitless == 2)
  }

  @Test func doneAgainACommandChangesNothing() throws {
    let driver = try Driver([hourly()])
    for command in [PoolCommand.resume, .resetBreaker] {
      #expect(try driver.perform(command) == 0)
    }
    #expect(try driver.perform(.pause) == 1)
    #expect(try driver.perform(.pause) == 0)
    #expect(try driver.perform(.resume) > 0)
    #expect(try driver.perform(.resume) == 0)
    #expect(throws: Problem.self) { try driver.perform(.pause, "nobody") }
  }

  @Test func aPauseEndsNoSuspension() throws {
    let driver = try Driver([hourly { $0.suspend = true }])
    try driver.perform(.pause)
    try driver.perform(.resume)
    #expect(try driver.status().standstill == "suspended by its schedule file")
    try driver.advance(by: .seconds(7200))
    #expect(driver.launches == [])
  }
}

extension Driver {
  /// Does a command as an engine that starts nothing does, later, on what the store keeps.
  func performApart(_ command: PoolCommand, at instant: Instant) throws {
    var other = EngineState(
      pools: try store.pools(), producers: 1, automatic: false, awakeSince: instant)
    let events = try other.perform(command, on: "keys", at: instant)
    #expect(other.tick(at: instant).launches == [])
    #expect(try store.record(events, at: instant).allSatisfy { $0 })
  }
}
