import Larder
import Testing

@testable import Engine

/// What becomes of a nominal time that finds its schedule's last run unfinished.
@Suite struct OverlapTests {
  private func hourly(
    _ overlap: ScheduleSpec.Overlap, catchup: ScheduleSpec.Catchup = .latest,
    _ change: (inout Pool) -> Void = { _ in }
  ) -> Pool {
    makePool { pool in
      pool.schedules = [schedule("0 * * * *", catchup: catchup)]
      pool.schedules[0].overlap = overlap
      change(&pool)
    }
  }

  private let before = at("2026-06-01T11:59:30Z")

  private func hour(_ count: Int) -> Instant { noon + .seconds(3600 * count) }

  // MARK: Queue

  @Test func aQueuedTimeWaitsForTheLastRunAndOnlyOneDoes() throws {
    // Another place is free all the time.
    let driver = try Driver([hourly(.queue) { $0.producer?.concurrency = 2 }], at: before)
    try driver.advance(to: hour(3))
    let runs = try driver.runs()
    #expect(runs.map(\.state) == [.running, .queued, .skipped, .skipped])
    #expect(runs[2].why == "overlap: run \(runs[1].id) of this schedule waits already")
    try driver.finish(driver.next(), printed: 3)
    // It orders what is missing when it starts.
    #expect(try driver.kept(runs[1].id).state == .running)
    #expect(try driver.kept(runs[1].id).asked == 97)
    try driver.advance(to: hour(4))
    #expect(
      try driver.runs().map(\.state) == [.short, .running, .skipped, .skipped, .queued])
  }

  @Test func aQueuedTimeWaitsOverARestart() throws {
    let driver = try Driver([hourly(.queue)], at: before)
    try driver.advance(to: hour(1))
    try driver.restart(after: .seconds(60))
    #expect(try driver.runs().map(\.state) == [.running, .queued])
    try driver.finishAll()
    #expect(try driver.runs().map(\.state) == [.succeeded, .skipped])
    #expect(
      try driver.runs()[1].why == "nothing to order: 100 available against a target of 100")
  }

  @Test func eachScheduleHasAQueueOfItsOwn() throws {
    let pool = makePool { pool in
      pool.producer?.concurrency = 2
      pool.stock.max = 1000
      pool.schedules = ["a", "b"].map { name in
        var spec = schedule("0 * * * *", name: name)
        spec.overlap = .queue
        spec.target = 500
        return spec
      }
    }
    let driver = try Driver([pool], at: before)
    try driver.advance(to: noon + .milliseconds(1))
    try driver.advance(to: hour(2))
    let runs = try driver.runs()
    for name in ["a", "b"] {
      let own = runs.filter { $0.schedule == name }
      #expect(own.count == 3)
      #expect(own.count { $0.state.isUnfinished } <= 2)
      #expect(own.last?.state == .skipped)
    }
  }

  // MARK: Replace

  @Test func aNewTimeEndsTheLastRunAndItsProducer() throws {
    let driver = try Driver([hourly(.replace)], at: before)
    try driver.advance(to: noon)
    try driver.finish(driver.next(), cursor: "page-2")
    let old = try driver.next()
    try driver.advance(to: hour(1))
    let runs = try driver.runs()
    #expect(runs.map(\.state) == [.replaced, .queued])
    #expect(runs[0].why == "replaced by run \(runs[1].id)")
    #expect(runs[0].endedAt == hour(1) && runs[0].stored == 10)
    #expect(runs[0].slices.map(\.state) == [.committed, .failed])
    #expect(driver.cancelled == [old.run])
    #expect(driver.ended.map(\.state) == [.replaced])
    // The old producer goes on until it is dead: the new one is not started beside it, and nothing
    // that it made is kept.
    #expect(driver.outstanding == [old])
    #expect(throws: StoreError.fenced) { try driver.commit(old, 10) }
    try driver.advance(by: .seconds(4))
    #expect(driver.outstanding == [old])
    try driver.answer(old, .givenUp)
    #expect(driver.outstanding.map(\.run) == [runs[1].id])
    #expect(driver.outstanding.map(\.slice) == [1] && driver.outstanding.map(\.cursor) == [""])
    #expect(try driver.kept(runs[1].id).asked == 90)
    try driver.finishAll()
    #expect(try driver.runs().map(\.state) == [.replaced, .succeeded])
    #expect(try driver.status().stock.available == 100)
    #expect(throws: StoreError.fenced) { try driver.commit(old, 10) }
    #expect(driver.cancelled == [old.run])
  }

  @Test func aReplacedRunCountsNeitherAsAFailureNorAsASuccess() throws {
    let driver = try Driver([hourly(.replace) { $0.producer?.breaker.failures = 2 }], at: before)
    for count in 0..<5 {
      try driver.advance(to: hour(count))
      for launch in driver.outstanding where driver.cancelled.contains(launch.run) {
        // However its producer ended in the meantime.
        try count % 2 == 0 ? driver.fail(launch) : driver.answer(launch, .notStarted("gone"))
      }
    }
    #expect(try driver.runs().map(\.state) == Array(repeating: .replaced, count: 4) + [.running])
    let memory = try driver.status().memory
    #expect(memory.failures == 0 && memory.fruitless == 0 && memory.lastEndedAt == nil)
    #expect(try driver.store.pools()[0].memory == memory)
  }

  @Test func aRunThatWaitsForItsNextTryOrItsTurnIsReplacedToo() throws {
    let pool = hourly(.replace) { $0.producer?.retry.backoff = .seconds(86_400) }
    var slow = pool
    slow.producer?.retry.maxBackoff = .seconds(86_400)
    let driver = try Driver([slow], producers: 1, at: before)
    try driver.advance(to: noon)
    while try driver.status().runs.first?.slice?.why == nil { try driver.fail(driver.next()) }
    let waits = driver.outstanding.isEmpty
    try driver.advance(to: hour(1))
    #expect(try driver.runs().first?.state == .replaced)
    #expect(driver.cancelled.isEmpty == waits)
    if waits { #expect(try driver.runs().last?.state == .running) }

    // No producer is free: runs are replaced before they have a slice.
    let busy = try Driver([hourly(.replace), makePool("other")], producers: 1, at: before)
    try busy.request("other")
    try busy.advance(to: hour(2))
    #expect(try busy.runs("keys").map(\.state) == [.replaced, .replaced, .running])
    #expect(busy.cancelled == [])
    #expect(busy.launches.count == 1)
    try busy.finishAll()
    #expect(try busy.status().stock.available == 100)
  }

  @Test func whatIsCommittedBeforeTheReplacementIsRecordedStays() throws {
    for concurrency in [1, 2] {
      let pool = hourly(.replace) {
        $0.producer?.concurrency = concurrency
        $0.producer?.slice = 100
        $0.stock.max = 150
      }
      let driver = try Driver([pool], at: before)
      try driver.advance(to: noon)
      let old = try driver.next()
      // Its items are on disk; that it was told so comes after the replacement.
      let result = try driver.commit(old, 100)
      try driver.advance(to: hour(1))
      try driver.answer(old, .committed(result, printed: 100, cursor: nil))
      try driver.finishAll()
      #expect(try driver.runs().map(\.state) == [.replaced, .skipped])
      #expect(try driver.kept(old.run).stored == 100)
      #expect(try driver.status().stock.available == 100)
    }
  }

  @Test func besideADyingProducerAnotherPlaceMayBeUsed() throws {
    let driver = try Driver([hourly(.replace) { $0.producer?.concurrency = 2 }], at: before)
    try driver.advance(to: hour(1))
    let runs = try driver.runs()
    #expect(runs.map(\.state) == [.replaced, .running])
    #expect(driver.outstanding.map(\.run) == runs.map(\.id))
    // Now both places are taken, by one that dies and one that works.
    try driver.request()
    #expect(try driver.runs().last?.state == .queued)
    try driver.answer(try driver.next(), .givenUp)
    #expect(try driver.runs().last?.state != .queued)
  }

  @Test func theReorderPointWaitsForADyingProducer() throws {
    let pool = hourly(.replace) {
      $0.producer?.concurrency = 2
      $0.stock.reorderAt = 50
      $0.stock.target = 60
      $0.schedules[0].target = 100
    }
    let driver = try Driver([pool], at: before)
    try driver.finishAll()
    try driver.advance(to: hour(1))
    // One producer dies, and one works for the 40 items that are missing.
    #expect(driver.outstanding.count == 2)
    let old = try driver.next()
    try driver.claim(count: 60)
    #expect(try driver.status().position == 40)
    #expect(driver.outstanding.count == 2)
    try driver.answer(old, .givenUp)
    #expect(driver.outstanding.count == 2)
    #expect(try driver.runs().last?.reason == .reorder)
  }

  @Test func aStopBetweenReplacementAndDeathLeavesNothing() throws {
    let driver = try Driver([hourly(.replace)], at: before)
    try driver.advance(to: hour(1))
    let old = try driver.next()
    try driver.restart(after: .seconds(1))
    let runs = try driver.runs()
    #expect(runs.map(\.state) == [.replaced, .running])
    #expect(driver.outstanding.map(\.run) == [runs[1].id])
    #expect(throws: StoreError.fenced) { try driver.commit(old, 10) }
  }

  @Test func anotherSchedulesRunIsNotReplaced() throws {
    let pool = hourly(.replace) {
      $0.schedules.append(schedule("30 * * * *", name: "half"))
      $0.schedules[1].overlap = .replace
    }
    let driver = try Driver([pool], at: before)
    try driver.advance(to: noon + .seconds(1800))
    #expect(try driver.runs().map(\.state) == [.running, .queued])
    let manual = try driver.request(count: 1)
    try driver.advance(to: hour(1))
    // Of the hourly schedule's own runs the older one is replaced.
    #expect(try driver.runs().map(\.state) == [.replaced, .queued, .queued, .queued])
    try driver.answer(try driver.next(), .givenUp)
    #expect(try driver.runs().map(\.state) == [.replaced, .running, .queued, .queued])
    #expect(try driver.kept(manual.id).state == .queued)
  }

  @Test func catchUpRunsReplaceNothingAndAreReplaced() throws {
    let driver = try Driver([hourly(.replace, catchup: .all)], at: noon)
    try driver.restart(after: .seconds(3 * 3600 + 60))
    #expect(try driver.runs().map(\.state) == [.running, .queued, .queued])
    try driver.advance(to: hour(4))
    #expect(try driver.runs().map(\.state) == [.replaced, .replaced, .replaced, .queued])
    // After a jump of the clock the time was missed, and its run waits.
    driver.now = hour(5) + .seconds(60)
    try driver.settle()
    #expect(driver.cancelled.count == 1)
    #expect(try driver.runs().suffix(2).map(\.state) == [.queued, .queued])
  }

  @Test func aClockThatRanBackReplacesNothing() throws {
    let driver = try Driver([hourly(.replace)], at: before)
    try driver.advance(to: hour(1))
    try driver.answer(try driver.next(), .givenUp)
    let running = try driver.next()
    driver.now = noon - .seconds(10)
    try driver.settle()
    try driver.advance(to: hour(2) - .milliseconds(1))
    #expect(driver.outstanding == [running])
    #expect(try driver.runs().map(\.state) == [.replaced, .running])
    try driver.advance(to: hour(2))
    #expect(try driver.runs().map(\.state) == [.replaced, .replaced, .queued])
  }

  @Test func aTimeThatComesAgainReplacesNoRun() throws {
    // Two runs at once, so that the breaker opens while an older run goes on.
    let pool = hourly(.replace) {
      $0.producer?.concurrency = 2
      $0.producer?.retry.attempts = 1
      $0.producer?.breaker.failures = 1
      $0.producer?.breaker.cooldown = .seconds(3600)
    }
    let driver = try Driver([pool], at: before)
    try driver.advance(to: noon)
    let going = try driver.next()
    try driver.request(count: 5)
    try driver.advance(by: .seconds(1800))
    try driver.fail(try #require(driver.outstanding.last))
    try driver.advance(to: hour(1))
    #expect(try driver.runs().map(\.state) == [.running, .failed, .skipped])
    // The time that was skipped comes again, and its run is refused.
    try driver.perform(.resetBreaker)
    driver.now = hour(1) - .seconds(60)
    try driver.settle()
    try driver.advance(to: hour(1) + .seconds(60))
    #expect(driver.outstanding == [going])
    #expect(try driver.runs().map(\.state) == [.running, .failed, .skipped])
  }
}
