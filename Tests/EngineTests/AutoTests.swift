import Larder
import Sizing
import Testing

@testable import Engine

/// Pools that are sized by their demand: `target: auto`.
@Suite struct AutoTests {
  /// Monday midnight.
  private let midnight = at("2026-06-01T00:00:00Z")

  private func auto(_ change: (inout Pool) -> Void = { _ in }) -> Pool {
    makePool { pool in
      pool.stock.target = nil
      pool.stock.isAuto = true
      pool.stock.max = 1000
      pool.stock.shelfLife = .seconds(2 * 3600)
      pool.producer?.slice = 1000
      pool.schedules = [schedule("0 * * * *")]
      change(&pool)
    }
  }

  /// A driver with a pool that four weeks of a request each 5 minutes are known of, a second before one
  /// o'clock. What the start tops up is on the shelf.
  private func driver(_ pool: Pool) throws -> Driver {
    let now = one - .seconds(1)
    let driver = try Driver([pool], at: now) { store in
      let bins = 28 * Grid.binsPerDay
      _ = try store.importDemand(
        DemandSeries(start: now.bin - bins, requests: Array(repeating: 1, count: bins)),
        in: pool.name, at: now)
    }
    try driver.finishAll()
    return driver
  }

  private var one: Instant { midnight + .seconds(3600) }

  @Test func aScheduledRunOrdersWhatDemandAsksFor() throws {
    let driver = try driver(auto())
    let before = try driver.status().position
    try driver.advance(to: one)
    let launch = try driver.next()
    #expect(try driver.kept(launch.run).reason == .schedule)
    let auto = try #require(driver.status().auto)
    // A little more than the hour will use up, and no more than what 2 hours do.
    #expect((13...24).contains(auto.target))
    #expect(launch.count == auto.target - before && auto.at == one)
    #expect(auto.why.hasPrefix("target \(auto.target): usual 12/h; "), "\(auto.why)")
    // What it fills up to is kept, for levels.
    #expect(try driver.store.pools().first?.target == auto.target)
    try driver.finishAll()
    #expect(driver.ended.last?.state == .succeeded)
  }

  @Test func whatOneMissCostsDecides() throws {
    var orders: [Int] = []
    for cost in [0.5, 5, 500] {
      let driver = try driver(auto { $0.stock.costs.miss = cost })
      try driver.advance(to: one)
      orders.append(try #require(driver.status().target))
    }
    #expect(orders == orders.sorted() && Set(orders).count == 3)
  }

  @Test func aPoolThatStartsIsToppedUpAtOnce() throws {
    let driver = try driver(auto())
    #expect(driver.launches.count == 1)
    #expect(try driver.kept(driver.launches[0].run).reason == .topup)
  }

  @Test func betweenTheRunsTheShelfIsToppedUp() throws {
    let driver = try driver(auto())
    try driver.advance(to: one)
    try driver.finishAll()
    let launches = driver.launches.count
    try driver.advance(by: .seconds(600))
    // More than anybody expected.
    try driver.claim(count: try driver.status().stock.available - 1)
    try driver.advance(by: .seconds(299))
    #expect(driver.launches.count == launches)
    #expect(
      try driver.status().reasons(at: driver.now).contains {
        $0.hasSuffix("each 5 minutes it is seen whether that lasts")
      })
    try driver.advance(by: .seconds(1))
    let launch = try driver.next()
    let run = try driver.kept(launch.run)
    #expect(run.reason == .topup)
    #expect(run.why == "1 on the shelf would run out before the next scheduled run is ready")
    #expect(launch.count > 5)
    // While it is under way nothing more is ordered, and with what it brings nothing is lacking.
    try driver.advance(by: .seconds(600))
    #expect(driver.outstanding.count == 1)
    try driver.finishAll()
    try driver.advance(by: .seconds(300))
    #expect(driver.outstanding == [])
  }

  @Test func noTopUpBeforeTheBackoffIsOver() throws {
    let driver = try driver(
      auto {
        $0.producer?.retry.backoff = .seconds(1000)
        $0.producer?.retry.maxBackoff = .seconds(3000)
      })
    try driver.claim(count: try driver.status().stock.available)
    try driver.advance(to: one)
    try driver.finish(driver.next(), printed: 0)
    try driver.advance(by: .seconds(999))
    #expect(driver.outstanding == [])
    try driver.advance(by: .seconds(300))
    #expect(try driver.kept(driver.next().run).reason == .topup)
  }

  @Test func theReorderPointStaysTheFloor() throws {
    let driver = try driver(auto { $0.stock.reorderAt = 100 })
    // The start found the shelf below it.
    #expect(driver.launches.map(\.count) == [101])
    #expect(try driver.kept(driver.launches[0].run).reason == .start)
    try driver.claim(count: 1)
    #expect(driver.outstanding.map(\.count) == [1])
    #expect(try driver.kept(driver.next().run).reason == .reorder)
  }

  @Test func theMinimumIsKeptAndTheMaximumIsNotPassed() throws {
    let many = try driver(auto { $0.stock.min = 300 })
    #expect(many.launches.map(\.count) == [300])
    try many.advance(to: one)
    #expect(try many.status().target == 300)
    let few = try driver(auto { $0.stock.max = 7 })
    #expect(few.launches.map(\.count) == [7])
    try few.advance(to: one)
    #expect(few.launches.count == 1)
    #expect(try few.status().target == 7)
    // What is said of a target is said of that one.
    let cut = try #require(few.status().auto?.why)
    #expect(
      cut.hasPrefix("target 7, cut by the max from ") && cut.contains("chance to run out 9"),
      "\(cut)")
    let raised = try #require(many.status().auto?.why)
    #expect(raised.hasPrefix("target 300, raised by `min` or `reorder_at` from "), "\(raised)")
    #expect(raised.contains("chance to run out 0.0 %"), "\(raised)")
  }

  @Test func aForecastOnlyOrdersNothing() throws {
    let driver = try driver(auto { $0.stock.sizing = .forecastOnly })
    try driver.advance(by: .seconds(2 * 3600))
    #expect(driver.launches == [])
    let auto = try #require(driver.status().auto)
    #expect(auto.target == 0 && auto.why.hasPrefix("target "))
    #expect(!auto.why.hasPrefix("target 0"))
    #expect(driver.ended.allSatisfy { $0.state == .skipped })
    let kept = try self.driver(
      self.auto {
        $0.stock.sizing = .forecastOnly
        $0.stock.min = 30
      })
    try kept.advance(to: one)
    #expect(try kept.next().count == 30)
  }

  @Test func aScheduleMayHaveATargetOfItsOwn() throws {
    let driver = try driver(auto { $0.schedules[0].target = 400 })
    try driver.advance(to: one)
    #expect(try driver.next().count == 400 - driver.launches[0].count)
  }

  @Test func aNewPoolBeginsWithAGuess() throws {
    let driver = try Driver([auto()], at: one - .seconds(1))
    try driver.finishAll()
    try driver.advance(to: one)
    #expect((1...6).contains(try driver.status().target ?? 0))
    #expect(try driver.status().auto?.why.contains("no demand is known") == true)
  }

  @Test func whatWasAskedForSinceCounts() throws {
    let driver = try driver(auto())
    try driver.put(1000)
    // Three times as much as ever, for a day.
    for _ in 0..<Grid.binsPerDay {
      for _ in 0..<3 { try driver.claim(count: 1) }
      try driver.advance(by: .seconds(300))
    }
    try driver.advance(to: midnight + .seconds(26 * 3600))
    let why = try #require(driver.status().auto?.why)
    #expect(why.contains("last 24 h +"), "\(why)")
  }

  @Test func aRestartKnowsTheSame() throws {
    let driver = try driver(auto())
    for hour in 1...3 {
      try driver.advance(to: midnight + .seconds(Int64(hour) * 3600))
      try driver.finishAll()
      try driver.claim(count: 5)
    }
    try driver.advance(to: midnight + .seconds(4 * 3600))
    let auto = try #require(driver.status().auto)
    try driver.restart()
    #expect(try driver.status().auto?.why == auto.why)
    #expect(try driver.status().target == auto.target)
  }

  @Test func whatTakesLongIsOrderedForLonger() throws {
    var targets: [Int] = []
    for minutes in [0, 30] {
      let driver = try driver(auto { $0.stock.shelfLife = nil })
      try driver.advance(to: one)
      // As long as this run takes, others will from now on.
      try driver.advance(by: .seconds(60 * minutes))
      try driver.finishAll()
      try driver.advance(to: midnight + .seconds(2 * 3600))
      targets.append(try #require(driver.status().target))
    }
    #expect(targets[1] > targets[0] + 3, "\(targets)")
  }

  @Test func aChangedDefinitionCountsAtOnce() throws {
    let driver = try driver(auto())
    let filled = driver.launches[0].count
    try driver.adopt(
      auto {
        $0.stock.min = 50
        $0.stock.reorderAt = 40
      })
    #expect(try driver.next().count == 50 - filled)
    try driver.adopt(makePool { $0.stock.max = 1000 })
    #expect(try driver.status().target == 100)
  }

  @Test func nothingIsDecidedWhileThePoolRests() throws {
    let driver = try driver(auto())
    try driver.perform(.pause)
    try driver.advance(by: .seconds(2 * 3600))
    #expect(driver.launches.count == 1)
    try driver.perform(.resume)
    // What was on the shelf expired meanwhile.
    #expect(driver.outstanding.count == 1)
    #expect(driver.state.pools["keys"]?.sizer?.bin == driver.now.bin)
  }

  @Test func aClockThatWasSetBackIsCaughtUpWith() throws {
    let driver = try driver(auto())
    try driver.advance(to: one)
    try driver.finishAll()
    driver.now = midnight - .seconds(7200)
    try driver.settle()
    #expect(driver.state.pools["keys"]?.sizer?.bin == driver.now.bin)
    try driver.advance(to: midnight + .seconds(2 * 3600))
    #expect(driver.state.pools["keys"]?.sizer?.bin == driver.now.bin)
  }
}
