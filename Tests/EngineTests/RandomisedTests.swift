import Larder
import Testing

@testable import Engine

/// Whatever happens in whatever order, the promises hold after each step.
@Suite struct RandomisedTests {
  private static func pools(_ random: inout SeededRandom) -> [Pool] {
    (0..<4).map { index in
      makePool("pool-\(index)") { pool in
        pool.stock.max = Int.random(in: 20...60, using: &random)
        pool.stock.target = Int.random(in: 10...pool.stock.max, using: &random)
        pool.stock.reorderAt = index == 3 ? 0 : Int.random(in: 1...10, using: &random)
        pool.producer?.slice = Int.random(in: 1...12, using: &random)
        pool.producer?.concurrency = Int.random(in: 1...3, using: &random)
        pool.producer?.retry.attempts = Int.random(in: 1...2, using: &random)
        pool.producer?.retry.maxBackoff = .seconds(40)
        pool.producer?.breaker.failures = 2
        pool.producer?.breaker.cooldown = .seconds(120)
        if index == 1 { pool.producer?.rate = Rate(items: 30, per: .seconds(60)) }
        pool.claims.minRemaining = index == 2 ? .seconds(5) : .zero
        pool.schedules = [
          schedule("*/2 * * * *", name: "even", catchup: .all),
          schedule("*/3 * * * *", name: "third", catchup: .latest),
        ]
        pool.schedules[1].target = pool.stock.max
        for schedule in 0...1 {
          pool.schedules[schedule].overlap =
            ScheduleSpec.Overlap.allCases.randomElement(using: &random) ?? .skip
          pool.schedules[schedule].jitter =
            .seconds([0, 30, 90, 300].randomElement(using: &random) ?? 0)
        }
        pool.schedules[0].overlap = index == 3 ? .replace : pool.schedules[0].overlap
        if index == 2 { makeEndless(&pool) }
        if index != 3 { pool.stock.onRevision = .replace }
      }
    }
  }

  /// Has the pool's runs take all there is, or fill up to a number again.
  private static func makeEndless(_ pool: inout Pool) {
    pool.stock.takesAll.toggle()
    pool.stock.target = pool.stock.takesAll ? nil : pool.stock.max / 2
  }

  /// One step of what may happen.
  private func step(_ driver: Driver, _ pools: inout [Pool], _ random: inout SeededRandom) throws {
    let index = Int.random(in: 0..<pools.count, using: &random)
    let name = pools[index].name
    let launch = driver.outstanding.randomElement(using: &random)
    let expiry: Instant? =
      Bool.random(using: &random)
      ? nil : driver.now + .seconds(Int.random(in: 1...200, using: &random))
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<15: try driver.claim(name, count: Int.random(in: 1...15, using: &random))
    case 15..<22:
      try driver.put(Int.random(in: 1...10, using: &random), in: name, expiresAt: expiry)
    case 22..<55:
      guard let launch, !driver.cancelled.contains(launch.run) else {
        return try launch.map { try driver.answer($0, .givenUp) } ?? ()
      }
      try driver.finish(launch, expiresAt: expiry, cursor: "after \(launch.slice)")
    case 55..<60:
      guard let launch, !driver.cancelled.contains(launch.run) else { return }
      try driver.finish(launch, printed: Int.random(in: 0...launch.count + 2, using: &random))
    case 60..<68:
      guard let launch else { return }
      try driver.fail(launch)
    case 68..<70:
      guard let launch else { return }
      try driver.answer(launch, .givenUp)
    case 70..<74:
      let count = Bool.random(using: &random) ? nil : Int.random(in: 1...30, using: &random)
      do { try driver.request(name, count: count) } catch is Problem {}
    case 74..<94:
      try driver.advance(by: .milliseconds(Int.random(in: 0...40_000, using: &random)))
    case 94..<96:
      driver.now = driver.now - .seconds(Int.random(in: 1...600, using: &random))
      try driver.settle()
    case 96:
      // Pauses end more often than they begin, so that things go on.
      let commands = [PoolCommand.pause, .resume, .resume, .resetBreaker]
      try driver.perform(commands.randomElement(using: &random) ?? .resume, name)
    case 97:
      try driver.restart(after: .seconds(Int.random(in: -100...900, using: &random)))
    case 98:
      if Bool.random(using: &random) {
        Self.makeEndless(&pools[index])
      } else {
        // An older revision may come back.
        pools[index].producer?.revision = Bool.random(using: &random) ? "1" : "2"
      }
      try driver.adopt(pools[index])
    default:
      pools[index].suspend.toggle()
      try driver.adopt(pools[index])
    }
  }

  private func check(_ driver: Driver, _ pools: [Pool]) throws {
    #expect(driver.outstanding.count <= driver.producers)
    #expect(Set(driver.outstanding.map(\.run)).count == driver.outstanding.count)
    for kept in try driver.store.pools() {
      let pool = kept.pool
      let status = try driver.status(pool.name)
      #expect(status.stock == kept.stock)
      #expect(status.paused == kept.paused)
      #expect(status.memory.failures == kept.memory.failures)
      #expect(kept.stock.available >= 0)
      #expect(kept.stock.available + kept.inFlight <= pool.stock.max)
      #expect(status.inFlight == kept.inFlight)
      #expect(kept.runs.count { $0.state == .running } <= pool.producer?.concurrency ?? 0)
      let producers = driver.outstanding.count { $0.pool == pool.name }
      #expect(producers <= pool.producer?.concurrency ?? 0)
      // Of a schedule whose times wait, one does; missed ones, which all run, apart.
      for schedule in pool.schedules where schedule.overlap == .queue {
        let waiting = kept.runs.filter { $0.schedule == schedule.name && $0.state == .queued }
        #expect(waiting.count { $0.why == nil } <= 1)
      }
      #expect(status.runs.map(\.id) == kept.runs.map(\.id))
      for (run, row) in zip(status.runs, kept.runs) {
        #expect(run.state == row.state && run.asked == row.asked && run.covered == row.covered)
        #expect(run.stored == row.stored && run.cursor == row.cursor)
        #expect(run.slice == row.slice)
        #expect(run.covered <= run.asked || run.state == .queued)
      }
    }
    for launch in driver.outstanding {
      let status = try driver.status(launch.pool)
      // The producer of a replaced run was told to end, and nothing of it is kept any more.
      if driver.cancelled.contains(launch.run) {
        #expect(!status.runs.contains { $0.id == launch.run })
        #expect(throws: StoreError.fenced) { try driver.commit(launch, 1) }
        continue
      }
      let run = try #require(status.runs.first { $0.id == launch.run })
      #expect(run.state == .running && run.slice?.number == launch.slice)
      #expect(run.slice?.asked == launch.count && run.cursor == launch.cursor)
    }
  }

  /// The pools that are suspended or paused.
  private func standing(_ driver: Driver, _ pools: [Pool]) throws -> Set<String> {
    Set(try pools.filter { try driver.status($0.name).standstill != nil }.map(\.name))
  }

  /// Does many steps, checks after each, and gives the runs that the store keeps in the end.
  private func play(_ seed: UInt64) throws -> [Run] {
    var random = SeededRandom(seed: seed)
    var pools = Self.pools(&random)
    let driver = try Driver(pools, producers: Int(1 + seed % 3), seed: seed)
    for _ in 0..<500 {
      let before = driver.launches.count
      let atRest = try standing(driver, pools)
      try step(driver, &pools, &random)
      try check(driver, pools)
      let launched = driver.launches.dropFirst(before)
      let stood = atRest.intersection(try standing(driver, pools))
      #expect(launched.allSatisfy { !stood.contains($0.pool) })
    }
    return try driver.runs()
  }

  @Test(arguments: UInt64(1)...8)
  func thePromisesHold(_ seed: UInt64) throws {
    let runs = try play(seed)
    let nominal = runs.compactMap { run in
      run.nominalAt.map { "\(run.pool) \(run.schedule ?? "") \($0.milliseconds)" }
    }
    #expect(Set(nominal).count == nominal.count)
    // Every end but a plain success says why.
    for run in runs where [.skipped, .short, .failed, .replaced].contains(run.state) {
      #expect(run.why?.isEmpty == false)
    }
  }

  @Test func theStepsLeadToRunsOfEveryState() throws {
    let runs = try (UInt64(1)...4).flatMap(play)
    for state in RunState.allCases {
      #expect(runs.contains { $0.state == state }, "\(state)")
    }
  }

  @Test func thousandsOfPoolsAtRestCostNothing() {
    let statuses = (0..<5000).map { PoolStatus(pool: makePool("pool-\($0)")) }
    var state = EngineState(pools: statuses, producers: 4, automatic: true, awakeSince: noon)
    var seen: [String] = []
    while !state.isSettled {
      let tick = state.tick(at: noon)
      #expect(tick.examined.count == Limits.poolsPerTick)
      #expect((tick.deadline == noon) == !state.isSettled)
      seen += tick.examined
    }
    #expect(seen == statuses.map(\.pool.name))
    var stock = Stock()
    stock.available = 5
    state.stockChanged(["pool-17": stock])
    #expect(state.tick(at: noon).examined == ["pool-17"])
    #expect(state.tick(at: noon + .seconds(1)).examined == [])
  }

  @Test func poolsThatAreNewsAllTheTimeDoNotKeepOthersWaiting() {
    let names = (0..<1000).map { "pool-\($0)" }
    let statuses = names.map { name in
      PoolStatus(pool: makePool(name) { $0.schedules = [schedule("0 * * * *")] })
    }
    var state = EngineState(
      pools: statuses, producers: 10_000, automatic: true, awakeSince: noon - .seconds(60))
    while !state.isSettled { _ = state.tick(at: noon - .seconds(60)) }
    // At noon every pool is to be looked at, while claims go on in more pools than a tick looks at.
    var stocks = Dictionary(uniqueKeysWithValues: names.prefix(300).map { ($0, Stock()) })
    var launched: [String] = []
    for tick in 0..<7 {
      for name in stocks.keys { stocks[name]?.claimed = tick }
      state.stockChanged(stocks)
      let decided = state.tick(at: noon + .milliseconds(tick))
      #expect(decided.examined.count <= Limits.poolsPerTick)
      #expect(decided.deadline.map { $0 <= noon + .milliseconds(tick) } ?? false)
      launched += decided.launches.map(\.pool)
    }
    #expect(Set(launched) == Set(names) && launched.count == names.count)
  }
}
