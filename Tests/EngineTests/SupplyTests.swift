import Larder
import Testing

@testable import Engine

/// How much runs ask for, and when: all there is, the rate, the end after a short slice.
@Suite struct SupplyTests {
  private func all(_ change: (inout Pool) -> Void = { _ in }) -> Pool {
    makePool { pool in
      pool.stock.takesAll = true
      pool.stock.target = nil
      change(&pool)
    }
  }

  // MARK: All there is

  @Test func aRunTakesAllThatTheProducerHas() throws {
    let driver = try Driver([all { $0.stock.max = 1000 }])
    try driver.put(123)
    let run = try driver.request()
    for slice in 1...7 { try driver.finish(driver.next(), cursor: "page-\(slice + 1)") }
    try driver.finish(driver.next(), printed: 4)
    #expect(driver.outstanding == [])
    #expect(driver.launches.map(\.count) == Array(repeating: 10, count: 8))
    #expect(driver.launches.map(\.cursor).last == "page-8")
    let kept = try driver.kept(run.id)
    #expect(kept.state == .succeeded && kept.stored == 74 && kept.covered == 80)
    #expect(kept.why == "the producer printed 4 of 10 items in slice 8")
    // The reorder point waits all the same.
    #expect(try driver.status().memory.fruitless == 1)
    #expect(try driver.status().memory.failures == 0)
  }

  @Test func aRunThatTakesAllStopsAtTheMax() throws {
    let driver = try Driver([all { $0.stock.max = 35 }])
    try driver.request()
    try driver.finishAll()
    #expect(driver.launches.map(\.count) == [10, 10, 10, 5])
    #expect(driver.ended.map(\.state) == [.succeeded])
    #expect(driver.ended[0].why == "no room: the pool is at its max of 35")
    try driver.request()
    #expect(driver.ended.last?.state == .skipped)
    #expect(driver.ended.last?.why == "no room: 35 available against a max of 35")
  }

  @Test func anEmptySupplierIsASuccessOfARunThatTakesAll() throws {
    let driver = try Driver([all { $0.stock.reorderAt = 5 }])
    try driver.finish(driver.next(), printed: 0)
    #expect(driver.ended.map(\.state) == [.succeeded])
    // Asked again after the backoff, and not before.
    try driver.advance(by: .seconds(9))
    #expect(driver.outstanding == [])
    try driver.advance(by: .seconds(1))
    #expect(driver.outstanding.count == 1)
  }

  @Test func aProducerThatBeginsAnewWithEachSliceIsNotAskedForGood() throws {
    let driver = try Driver([
      all {
        $0.stock.max = 25
        $0.stock.duplicates = .replace
      }
    ])
    let run = try driver.request()
    var slices = 0
    while let launch = driver.outstanding.first, slices < 10 {
      slices += 1
      try driver.repeatItems(launch)
    }
    #expect(slices == 3)
    let kept = try driver.kept(run.id)
    #expect(kept.state == .short && kept.stored == 30)
    #expect(kept.why?.contains("the cursor stands still") == true, "\(kept.why ?? "")")
    #expect(try driver.status().memory.fruitless == 1)
  }

  @Test func aRunThatTakesAllGoesOnAfterARestart() throws {
    let driver = try Driver([all()])
    let run = try driver.request()
    for _ in 0..<3 { try driver.finish(driver.next(), cursor: "c") }
    let launch = try driver.next()
    try driver.restart(after: .seconds(60))
    #expect(driver.outstanding == [launch] && launch.slice == 4)
    try driver.commit(launch, 10)
    try driver.restart(after: .seconds(60))
    #expect(driver.outstanding.map(\.slice) == [5])
    try driver.finish(driver.next(), printed: 9)
    #expect(try driver.kept(run.id).state == .succeeded)
    #expect(try driver.kept(run.id).stored == 49)
  }

  @Test func aScheduleWithATargetOfItsOwnFillsUpToIt() throws {
    let pool = all { pool in
      pool.producer?.concurrency = 2
      pool.schedules = [
        schedule("0 * * * *", name: "some"), schedule("30 * * * *", name: "all"),
      ]
      pool.schedules[0].target = 25
    }
    let driver = try Driver([pool], at: noon - .seconds(1))
    try driver.advance(to: noon)
    try driver.finishAll()
    #expect(try driver.status().stock.available == 25)
    #expect(driver.ended.map(\.asked) == [25])
    try driver.advance(to: noon + .seconds(1800))
    try driver.finishAll()
    #expect(try driver.status().stock.available == 150)
    // With a count it is as in any pool.
    try driver.claim(count: 100)
    try driver.request(count: 12)
    try driver.finishAll()
    #expect(try driver.status().stock.available == 62)
  }

  @Test func severalRunsThatTakeAllNeverPassTheMax() throws {
    let driver = try Driver([
      all {
        $0.producer?.concurrency = 3
        $0.stock.max = 64
      }
    ])
    for _ in 0..<3 { try driver.request() }
    while let launch = driver.outstanding.last {
      let status = try driver.status()
      #expect(status.stock.available + status.inFlight <= 64)
      try driver.finish(launch)
    }
    #expect(try driver.status().stock.available == 64)
    #expect(driver.ended.map(\.state) == [.succeeded, .succeeded, .succeeded])
  }

  @Test func aRunThatFindsNoRoomBeforeItsFirstSliceIsSkipped() throws {
    var status = PoolStatus(
      pool: all {
        $0.producer?.concurrency = 2
        $0.stock.max = 10
      })
    status.memory.failures = 1
    var state = EngineState(pools: [status], producers: 4, automatic: true, awakeSince: noon)
    let first = try state.request("keys", count: nil, at: noon).run
    let second = try state.request("keys", count: nil, at: noon).run
    // Both start, and the first asks for all the room there is.
    let tick = state.tick(at: noon)
    #expect(tick.launches.map(\.run) == [first.id])
    #expect(tick.ended.map(\.id) == [second.id] && tick.ended.map(\.state) == [.skipped])
    #expect(tick.ended[0].why == "no room: the pool is at its max of 10")
    // Nobody asked the supplier, so nobody knows whether it works again.
    #expect(state.status(of: "keys")?.memory == status.memory)
  }

  @Test func aTargetThatBecomesAllAndANumberAgainHoldsForTheRunUnderWay() throws {
    let driver = try Driver([makePool { $0.stock.target = 20 }])
    let run = try driver.request()
    try driver.finish(driver.next())
    try driver.adopt(all())
    // The order of 20 is filled, and the run goes on.
    for _ in 0..<3 { try driver.finish(driver.next()) }
    #expect(try driver.kept(run.id).state == .running)
    #expect(driver.outstanding.map(\.slice) == [5])
    try driver.adopt(makePool { $0.stock.target = 20 })
    // What was asked for is waited for, and that is all.
    try driver.finish(driver.next())
    #expect(driver.outstanding == [])
    let kept = try driver.kept(run.id)
    #expect(kept.state == .succeeded && kept.why == nil && kept.stored == 50)
  }

  @Test func aRunThatTookAllEndsWhereItHasATargetBeforeItsNextSlice() throws {
    let driver = try Driver([all(), makePool("other")], producers: 1)
    let run = try driver.request()
    try driver.request("other")
    try driver.finish(driver.next())
    #expect(driver.outstanding.map(\.pool) == ["other"])
    try driver.adopt(makePool())
    #expect(driver.outstanding.map(\.pool) == ["other"])
    #expect(try driver.kept(run.id).state == .succeeded)
  }

  // MARK: Short slices

  @Test(arguments: [true, false])
  func aRunWhoseLastSliceWasShortEndsAsSuchAfterACrash(_ takesAll: Bool) throws {
    let pool = takesAll ? all() : makePool()
    // Neither the rate nor other pools hold it up: nothing more is asked for.
    var slow = pool
    slow.producer?.rate = Rate(items: 1, per: .seconds(3600))
    let driver = try Driver([slow])
    let run = try driver.request()
    try driver.commit(driver.next(), 7)
    try driver.restart(after: .seconds(1))
    #expect(driver.outstanding == [])
    let kept = try driver.kept(run.id)
    #expect(kept.state == (takesAll ? .succeeded : .short))
    #expect(kept.why == "the producer printed 7 of 10 items in slice 1")
    #expect(kept.endedAt == driver.now && kept.stored == 7)
    #expect(try driver.status().memory.fruitless == 1)
    #expect(try driver.status().runs == [])
  }

  @Test func whatFoundNoRoomWasPrinted() throws {
    let driver = try Driver([makePool { $0.stock.max = 100 }])
    let run = try driver.request()
    // The definition in force says less than what was asked for.
    try driver.adopt(
      makePool {
        $0.stock.max = 4
        $0.stock.target = 4
      })
    let put = try driver.commit(driver.next(), 7)
    #expect(put.stored == 4 && put.overfill == 3)
    try driver.restart(after: .seconds(1))
    #expect(
      try driver.kept(run.id).why == "the producer printed 7 of 10 items in slice 1")
  }

  // MARK: The rate

  private let slow = makePool { $0.producer?.rate = Rate(items: 600, per: .seconds(3600)) }

  @Test func theRateIsKeptOverARestart() throws {
    let driver = try Driver([slow])
    try driver.request(count: 30)
    try driver.finish(driver.next())
    for _ in 0..<5 {
      try driver.restart(after: .seconds(10))
      #expect(driver.outstanding == [])
      #expect(driver.deadline == noon + .seconds(60))
    }
    try driver.advance(to: noon + .seconds(60))
    #expect(driver.outstanding.map(\.slice) == [2])
    try driver.finish(driver.next())
    try driver.advance(to: noon + .seconds(120))
    try driver.finish(driver.next())
    // The run has ended, and still it was asked for a moment ago.
    #expect(try driver.status().runs == [])
    try driver.restart(after: .seconds(1))
    try driver.request(count: 1)
    #expect(driver.outstanding == [])
    try driver.advance(to: noon + .seconds(180))
    #expect(driver.outstanding.count == 1)
  }

  @Test func anInterruptedSliceIsAskedForAgainAtTheRate() throws {
    let driver = try Driver([slow])
    try driver.request(count: 10)
    let launch = try driver.next()
    try driver.restart(after: .seconds(59))
    #expect(driver.outstanding == [])
    try driver.advance(by: .seconds(1))
    #expect(driver.outstanding == [launch])
  }

  @Test func aRateFromAClockThatWasAheadHoldsUpForOneSliceOnly() throws {
    let driver = try Driver([slow])
    try driver.request(count: 20)
    try driver.finish(driver.next())
    try driver.restart(after: .seconds(-86_400))
    #expect(driver.outstanding == [])
    try driver.advance(by: .seconds(60))
    #expect(driver.outstanding.count == 1)
  }

  @Test func aChangedRateTakesEffectAtOnce() throws {
    var day = slow
    day.producer?.rate = Rate(items: 10, per: .seconds(86_400))
    let driver = try Driver([day])
    try driver.request(count: 40)
    try driver.finish(driver.next())
    try driver.advance(by: .seconds(90))
    #expect(driver.outstanding == [])
    try driver.adopt(slow)
    #expect(driver.outstanding.map(\.slice) == [2])
    try driver.finish(driver.next())
    var free = slow
    free.producer?.rate = nil
    try driver.adopt(free)
    #expect(driver.outstanding.map(\.slice) == [3])
    try driver.finish(driver.next())
    let launch = try driver.next()
    #expect(launch.slice == 4)
    // A rate that comes new counts from the last slice.
    try driver.adopt(slow)
    try driver.finish(launch)
    try driver.request(count: 10)
    #expect(driver.outstanding == [])
    try driver.advance(by: .seconds(60))
    #expect(driver.outstanding.count == 1)
  }
}
