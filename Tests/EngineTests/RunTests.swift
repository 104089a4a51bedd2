import Larder
import Testing

@testable import Engine

@Suite struct RunTests {
  private func reordering(_ change: (inout Pool) -> Void = { _ in }) -> Pool {
    makePool {
      $0.stock.reorderAt = 20
      change(&$0)
    }
  }

  // MARK: The reorder point

  @Test func poolsAreFilledAtTheStartAndWhenClaimsTakeThemDown() throws {
    let driver = try Driver([reordering()])
    #expect(try driver.runs().map(\.reason) == [.start])
    try driver.finishAll()
    try driver.claim(count: 79)
    #expect(driver.outstanding == [])
    try driver.claim(count: 1)
    #expect(try driver.runs().map(\.reason) == [.start, .reorder])
    #expect(try driver.status().runs.map(\.asked) == [80])
    try driver.finishAll()
    #expect(try driver.runs().map(\.state) == [.succeeded, .succeeded])
  }

  @Test func expiryCallsForARunToo() throws {
    let driver = try Driver([reordering { $0.claims.minRemaining = .seconds(30) }])
    while let launch = driver.outstanding.first {
      try driver.finish(launch, expiresAt: noon + .seconds(600))
    }
    try driver.advance(to: noon + .seconds(569))
    #expect(try driver.status().stock.available == 100)
    try driver.advance(to: noon + .seconds(570))
    #expect(try driver.status().stock.available == 0)
    #expect(try driver.status().stock.expired == 100)
    #expect(try driver.runs().map(\.reason) == [.start, .reorder])
  }

  @Test func itemsThatComeExpiredAreNoSupply() throws {
    let driver = try Driver([reordering()])
    // All that was asked for is stored, and none of it can be claimed: the next run has to wait.
    while let launch = driver.outstanding.first {
      try driver.finish(launch, expiresAt: driver.now)
    }
    #expect(try driver.runs().map(\.state) == [.succeeded])
    #expect(try driver.status().memory.fruitless == 1)
    #expect(try driver.status().stock.expired == 100)
    try driver.advance(by: .seconds(9))
    #expect(driver.outstanding == [])
    try driver.advance(by: .seconds(1))
    #expect(try driver.runs().count == 2)
  }

  @Test func aProgramThatCannotBeStartedFailsTheRunAtOnce() throws {
    let driver = try Driver([makePool()])
    let run = try driver.request()
    try driver.answer(driver.next(), .notStarted("no such program"))
    let kept = try driver.kept(run.id)
    #expect(kept.state == .failed)
    #expect(kept.why == "slice 1: no such program")
    #expect(kept.slices.map(\.attempts) == [1])
    #expect(driver.outstanding == [])
  }

  @Test func whileARunWaitsForItsNextTryThePoolIsNotExpectedToFillBefore() throws {
    let driver = try Driver([makePool { $0.producer?.retry.backoff = .seconds(200) }])
    try driver.request()
    try driver.fail(driver.next())
    let next = try #require(driver.deadline)
    #expect(driver.state.expectedFill(of: "keys", at: driver.now) == next)
  }

  @Test func withoutAReorderPointNothingIsRefilled() throws {
    let driver = try Driver([makePool()])
    try driver.put(10)
    try driver.claim(count: 10)
    try driver.advance(by: .seconds(86_400))
    #expect(try driver.runs() == [])
  }

  // MARK: Slices

  @Test func slicesAreBoundedByTheirSizeTheOrderAndTheRoom() throws {
    let driver = try Driver([makePool { $0.producer?.slice = 40 }])
    try driver.request()
    try driver.finish(driver.next(), cursor: "c1")
    #expect(try driver.next().cursor == "c1")
    try driver.finish(driver.next())
    #expect(try driver.next().cursor == "c1")
    try driver.finishAll()
    #expect(driver.launches.map(\.count) == [40, 40, 20])
    #expect(driver.launches.map(\.slice) == [1, 2, 3])
    try driver.request(count: 1000)
    #expect(try driver.status().runs[0].asked == 50)
    // Meanwhile others take room.
    try driver.put(15)
    #expect(try driver.status().stock.available == 110)
    try driver.finishAll()
    #expect(driver.launches.map(\.count) == [40, 40, 20, 40])
    #expect(driver.ended.last?.state == .succeeded)
    #expect(driver.ended.last?.why == "no room: the pool is at its max of 150")
    #expect(try driver.status().stock.available == 150)
  }

  @Test func fewerItemsThanAskedForEndTheRunAsShort() throws {
    let driver = try Driver([makePool()])
    let run = try driver.request()
    try driver.finish(driver.next())
    try driver.finish(driver.next(), printed: 3)
    #expect(driver.outstanding == [])
    let kept = try driver.kept(run.id)
    #expect(kept.state == .short && kept.stored == 13 && kept.covered == 20)
    #expect(kept.why == "the producer printed 3 of 10 items in slice 2")
  }

  @Test func moreItemsThanAskedForAreNotKept() throws {
    let driver = try Driver([makePool { $0.stock.max = 100 }])
    try driver.request()
    while let launch = driver.outstanding.first { try driver.finish(launch, printed: 12) }
    #expect(try driver.status().stock.available == 100)
    #expect(driver.ended.map(\.state) == [.succeeded])
  }

  // MARK: Tries

  @Test func aFailedSliceIsTriedAgainWithinItsCeiling() throws {
    var waits: Set<Int64> = []
    for seed in UInt64(1)...20 {
      let driver = try Driver([makePool()], seed: seed)
      let run = try driver.request()
      for ceiling in [10, 20, 40, 80] as [Int64] {
        let before = driver.now
        try driver.fail(driver.next())
        if driver.outstanding.isEmpty {
          let due = try #require(driver.deadline)
          #expect(due > before && due <= before + .seconds(ceiling))
          waits.insert((due - before).inMilliseconds)
          try driver.advance(to: due - .milliseconds(1))
          #expect(driver.outstanding == [])
          try driver.advance(to: due)
        }
        #expect(driver.outstanding.count == 1)
      }
      #expect(Set(driver.launches).count == 1)
      try driver.fail(driver.next(), "exit 75")
      let kept = try driver.kept(run.id)
      #expect(kept.state == .failed && kept.why == "slice 1: exit 75 (5 tries)")
      #expect(kept.slices.map(\.attempts) == [5])
      #expect(kept.slices.map(\.state) == [.failed])
      #expect(try driver.status().memory.failures == 1)
    }
    #expect(waits.count > 60)
    #expect((waits.min() ?? 0) < 2000 && (waits.max() ?? 0) > 40_000)
  }

  @Test func aSliceThatSucceedsLaterForgetsItsTries() throws {
    let driver = try Driver([makePool { $0.producer?.retry.attempts = 2 }])
    let run = try driver.request()
    for _ in 0..<10 {
      try driver.fail(driver.next())
      try driver.advance(by: .seconds(10))
      try driver.finish(driver.next())
    }
    #expect(try driver.kept(run.id).state == .succeeded)
    #expect(try driver.kept(run.id).slices.map(\.attempts) == Array(repeating: 2, count: 10))
  }

  @Test func anInterruptedSliceGoesOnAsItWas() throws {
    let driver = try Driver([makePool()])
    try driver.request()
    try driver.finish(driver.next(), cursor: "page-2")
    let launch = try driver.next()
    for _ in 0..<20 {
      try driver.restart(after: .seconds(60))
      #expect(driver.outstanding == [launch])
      #expect(try driver.kept(launch.run).slices.last?.attempts == 1)
    }
    try driver.fail(launch)
    try driver.restart(after: .seconds(60))
    #expect(driver.outstanding == [launch])
    #expect(try driver.kept(launch.run).slices.last?.attempts == 2)
    // Another slice size does not change a slice that was asked for.
    try driver.restart(after: .seconds(1), [makePool { $0.producer?.slice = 3 }])
    #expect(driver.outstanding == [launch])
    try driver.finish(launch)
    #expect(driver.outstanding.map(\.count) == [3])
    #expect(driver.outstanding.map(\.slice) == [3])
  }

  @Test func aRunWhoseLastSliceWasCommittedBeforeAStopEnds() throws {
    let driver = try Driver([makePool()])
    let run = try driver.request(count: 10)
    let items = (0..<10).map { NewItem(payload: "\($0)") }
    _ = try driver.store.commit(
      SliceCommit(
        run: run.id, slice: 1, items: items, cursor: nil, overfill: 0, revision: "", log: []),
      at: driver.now)
    try driver.restart(after: .seconds(1))
    #expect(driver.outstanding == [])
    let kept = try driver.kept(run.id)
    #expect(kept.state == .succeeded && kept.why == nil && kept.stored == 10)
  }

  @Test func aSliceThatWasGivenUpUsesNoTry() throws {
    let driver = try Driver([makePool()])
    try driver.request()
    let launch = try driver.next()
    try driver.answer(launch, .givenUp)
    #expect(driver.outstanding == [launch])
    #expect(try driver.kept(launch.run).slices.map(\.attempts) == [1])
  }

  // MARK: Waiting after trouble

  @Test func theReorderPointWaitsLongerAfterEachFruitlessRun() throws {
    let driver = try Driver([reordering { $0.producer?.retry.maxBackoff = .seconds(60) }])
    for (index, wait) in [10, 20, 40, 60, 60].enumerated() {
      try driver.finish(driver.next(), printed: index % 2)
      #expect(driver.outstanding == [])
      try driver.advance(by: .seconds(wait) - .milliseconds(1))
      #expect(driver.outstanding == [])
      try driver.advance(by: .milliseconds(1))
      #expect(driver.outstanding.count == 1)
    }
    try driver.finishAll()
    try driver.claim(count: 90)
    #expect(driver.outstanding.count == 1)
    #expect(try driver.status().memory.fruitless == 0)
  }

  @Test func theBreakerOpensAndLetsOneRunTryAfterTheCooldown() throws {
    let pool = reordering {
      $0.producer?.concurrency = 3
      $0.producer?.retry.attempts = 1
      $0.producer?.breaker.failures = 3
      $0.schedules = [schedule("* * * * *")]
    }
    let driver = try Driver([pool], at: noon + .seconds(1))
    for _ in 0..<2 {
      try driver.fail(try #require(driver.outstanding.first))
      try driver.advance(to: try #require(driver.deadline))
    }
    while let launch = driver.outstanding.first { try driver.fail(launch) }
    let opened = driver.now
    #expect(try driver.status().breakerOpenUntil(at: opened) == opened + .seconds(600))
    let before = try driver.runs().count
    try driver.advance(by: .seconds(599))
    let skipped = try driver.runs().dropFirst(before)
    #expect(skipped.count >= 9)
    #expect(skipped.allSatisfy { $0.state == .skipped && $0.why?.hasPrefix("the breaker") == true })
    try driver.advance(by: .seconds(1))
    #expect(driver.outstanding.count == 1)
    try driver.advance(by: .seconds(90))
    #expect(driver.outstanding.count == 1)
    try driver.fail(driver.next())
    #expect(driver.outstanding == [])
    #expect(try driver.status().breakerOpenUntil(at: driver.now) == driver.now + .seconds(600))
    try driver.advance(by: .seconds(600))
    try driver.finishAll()
    #expect(try driver.status().memory.failures == 0)
    #expect(try driver.status().stock.available == 100)
  }

  @Test func anOpenBreakerStopsQueuedCatchUpRuns() throws {
    let pool = makePool {
      $0.schedules = [schedule("0 * * * *", catchup: .all)]
      $0.producer?.retry.attempts = 1
      $0.producer?.breaker.failures = 2
    }
    let driver = try Driver([pool], at: noon)
    try driver.restart(after: .seconds(10 * 3600))
    try driver.fail(driver.next())
    try driver.fail(driver.next())
    #expect(driver.outstanding == [])
    #expect(
      try driver.runs().map(\.state)
        == [.failed, .failed] + Array(repeating: .skipped, count: 8))
    // An operator may have it tried all the same.
    try driver.request()
    #expect(driver.outstanding.count == 1)
  }

  @Test func aClockThatRanBackProlongsNoWait() throws {
    let driver = try Driver([reordering()])
    try driver.finish(driver.next(), printed: 0)
    driver.now = noon - .seconds(86_400)
    try driver.settle()
    #expect(driver.outstanding == [])
    try driver.advance(by: .seconds(10))
    #expect(driver.outstanding.count == 1)
    try driver.fail(driver.next())
    driver.now = noon - .seconds(10 * 86_400)
    try driver.settle()
    try driver.advance(by: .seconds(10))
    #expect(driver.outstanding.count == 1)
    try driver.finish(driver.next(), printed: 0)
    try driver.restart(after: .seconds(-86_400))
    try driver.advance(by: .seconds(20))
    #expect(driver.outstanding.count == 1)
  }

  // MARK: Rate and turns

  @Test func aRateSpacesSlices() throws {
    let pool = makePool {
      $0.producer?.rate = Rate(items: 600, per: .seconds(3600))
      $0.producer?.concurrency = 2
    }
    let driver = try Driver([pool])
    try driver.request(count: 25)
    try driver.request(count: 10)
    var times: [Int64] = []
    var seen = 0
    while seen < 4 {
      if driver.launches.count > seen {
        times.append((driver.now - noon).inMilliseconds / 1000)
        seen = driver.launches.count
      }
      if let launch = driver.outstanding.first {
        try driver.finish(launch)
      } else {
        try driver.advance(to: try #require(driver.deadline))
      }
    }
    #expect(driver.launches.map(\.count).sorted() == [5, 10, 10, 10])
    #expect(times.prefix(3) == [0, 60, 120])
    #expect(times[3] == 180 || times[3] == 150)
  }

  @Test func poolsTakeTurnsAtTheProducers() throws {
    let names = (0..<10).map { "pool-\($0)" }
    let driver = try Driver(names.map { makePool($0) }, producers: 2)
    for name in names { try driver.request(name) }
    #expect(driver.outstanding.count == 2)
    while let launch = driver.outstanding.first {
      try driver.finish(launch)
      #expect(driver.outstanding.count <= 2)
    }
    #expect(driver.launches.count == 100)
    for round in 0..<10 {
      let turn = driver.launches[(round * 10)..<(round * 10 + 10)]
      #expect(Set(turn.map(\.pool)) == Set(names))
      #expect(turn.allSatisfy { $0.slice == round + 1 })
    }
  }

  @Test func severalRunsNeverPassTheMax() throws {
    let pool = makePool {
      $0.producer?.concurrency = 3
      $0.stock.max = 100
      $0.producer?.slice = 30
    }
    let driver = try Driver([pool])
    for _ in 0..<5 { try driver.request(count: 60) }
    #expect(driver.outstanding.map(\.count) == [30, 30])
    while let launch = driver.outstanding.last {
      let status = try driver.status()
      #expect(status.stock.available + status.inFlight <= 100)
      #expect(status.runs.count { $0.state == .running } <= 3)
      try driver.finish(launch)
    }
    #expect(try driver.status().stock.available == 100)
    #expect(driver.ended.count == 5)
  }

  // MARK: Requests

  @Test func aCountIgnoresTheTargetButNotTheMax() throws {
    let driver = try Driver([makePool()])
    try driver.put(120)
    try driver.request()
    #expect(driver.ended.last?.state == .skipped)
    try driver.request(count: 12)
    #expect(driver.outstanding.map(\.count) == [10])
    try driver.finishAll()
    #expect(try driver.status().stock.available == 132)
    try driver.request(count: 5000)
    try driver.finishAll()
    #expect(try driver.status().stock.available == 150)
    try driver.request(count: 1)
    #expect(driver.ended.last?.why == "no room: 150 available against a max of 150")
  }

  @Test func requestsAreRefusedWhereNothingMayRun() throws {
    let suspended = makePool("suspended") { $0.suspend = true }
    let bought = makePool("bought") { $0.producer = nil }
    let gone = makePool("gone")
    let driver = try Driver([makePool(), suspended, bought, gone])
    try driver.store.retire(["gone"], at: noon)
    try driver.restart()
    func word(_ pool: String) -> Problem.Word? {
      do {
        try driver.request(pool)
        return nil
      } catch { return (error as? Problem)?.word }
    }
    #expect(word("nobody") == .unknownPool)
    for pool in ["suspended", "bought", "gone"] { #expect(word(pool) == .wrongState) }
    var paused = try driver.status()
    paused.paused = true
    var state = EngineState(pools: [paused], producers: 1, automatic: true, awakeSince: noon)
    #expect(throws: Problem.self) { try state.request("keys", count: nil, at: noon) }
    for _ in 0..<Limits.queuedRuns { #expect(word("keys") == nil) }
    #expect(word("keys") == .busy)
    #expect(try driver.status().runs.count == Limits.queuedRuns)
  }

  @Test func anEngineThatIsNotAutomaticDoesWhatIsAskedOnly() throws {
    let driver = try Driver([reordering(), reordering { $0.name = "other" }])
    #expect(driver.outstanding.count == 2)
    let pools = try driver.store.pools()
    var state = EngineState(pools: pools, producers: 4, automatic: false, awakeSince: noon)
    #expect(state.tick(at: noon).launches == [])
    _ = try state.request("keys", count: nil, at: noon)
    // The interrupted run of the pool goes first; nothing of the other pool is touched.
    #expect(state.tick(at: noon).launches.map(\.pool) == ["keys"])
  }

  @Test func aRefusedRunLeavesNothingBehind() throws {
    let pool = makePool { $0.schedules = [schedule("0 * * * *")] }
    let driver = try Driver([pool], at: at("2026-06-01T11:59:30Z"))
    var state = driver.state
    let tick = state.tick(at: noon)
    #expect(tick.launches.count == 1)
    guard case .open(let run)? = tick.events.first else {
      Issue.record("the tick opens no run")
      return
    }
    state.refused(run)
    #expect(state.sliceEnded(tick.launches[0], .givenUp, at: noon).events.isEmpty)
    #expect(state.status(of: "keys")?.runs == [])
    let next = state.tick(at: noon)
    #expect(next.events.isEmpty && next.launches.isEmpty)
    #expect(next.deadline == noon + .seconds(3600))
  }
}
