import Cron
import Larder
import Testing

@Suite struct PolicyTests {
  private let now = at(noon)

  // MARK: Replenishment

  @Test func aRunFillsUpToItsTarget() {
    #expect(poolStatus(available: 30).order(for: run(.queued)).items == 70)
    #expect(poolStatus(available: 100).order(for: run(.queued)).items == 0)
    #expect(
      poolStatus(available: 120).order(for: run(.queued)).why
        == "nothing to order: 120 available against a target of 100")
  }

  @Test func whatRunningRunsWillBringCounts() {
    let status = poolStatus(available: 30) { $0.runs = [run(asked: 50, covered: 20, slice: 10)] }
    #expect(status.position == 60)
    #expect(status.inFlight == 10)
    #expect(status.room == 110)
    #expect(status.order(for: run(.queued)).items == 40)
    let full = poolStatus(available: 60) { $0.runs = [run(asked: 40)] }
    #expect(
      full.order(for: run(.queued)).why
        == "nothing to order: 60 available and 40 on order against a target of 100")
  }

  @Test func aScheduleMayHaveATargetOfItsOwn() throws {
    var spec = try schedule("0 * * * *")
    spec.target = 140
    let schedules = [spec]
    let status = poolStatus(available: 30) { $0.pool.schedules = schedules }
    var own = run(.queued)
    own.schedule = "hourly"
    #expect(status.order(for: own).items == 110)
    own.schedule = "removed"
    #expect(status.order(for: own).items == 70)
  }

  @Test func aCountIgnoresTheTargetButNotTheMax() {
    var manual = run(.queued, reason: .manual)
    manual.count = 40
    #expect(poolStatus(available: 100).order(for: manual).items == 40)
    #expect(poolStatus(available: 130).order(for: manual).items == 20)
    let full = poolStatus(available: 140) { $0.runs = [run(asked: 10)] }
    #expect(full.order(for: manual).items == 0)
    #expect(
      full.order(for: manual).why == "no room: 140 available and 10 on order against a max of 150")
  }

  @Test func aTargetAboveTheMaxIsCut() {
    let status = poolStatus(available: 120) { $0.pool.stock.target = 500 }
    #expect(status.order(for: run(.queued)).items == 30)
  }

  @Test func roomIsNeverNegative() {
    #expect(poolStatus(available: 500).room == 0)
    #expect(poolStatus(available: 140) { $0.runs = [run(asked: 50, slice: 50)] }.room == 0)
  }

  @Test func theReorderPointCallsForARun() {
    #expect(poolStatus(available: 20).reorder(at: now) == .now)
    #expect(poolStatus(available: 21).reorder(at: now) == .no)
    #expect(poolStatus { $0.pool.stock.reorderAt = 0 }.reorder(at: now) == .no)
    #expect(poolStatus { $0.pool.producer = nil }.reorder(at: now) == .no)
    #expect(poolStatus { $0.runs = [run(.queued)] }.reorder(at: now) == .no)
    #expect(poolStatus { $0.runs = [run(asked: 10, covered: 5)] }.reorder(at: now) == .no)
    let twice = poolStatus {
      $0.pool.producer?.concurrency = 2
      $0.runs = [run(asked: 10, covered: 5)]
    }
    #expect(twice.reorder(at: now) == .now)
    #expect(poolStatus { $0.runs = [run(asked: 30)] }.reorder(at: now) == .no)
    let atTarget = poolStatus(available: 20) { $0.pool.stock.target = 20 }
    #expect(atTarget.reorder(at: now) == .no)
  }

  @Test func fruitlessRunsMakeTheReorderPointWait() {
    func status(_ fruitless: Int, endedAgo seconds: Int) -> PoolStatus {
      poolStatus {
        $0.memory.fruitless = fruitless
        $0.memory.lastEndedAt = now - .seconds(seconds)
      }
    }
    #expect(status(1, endedAgo: 9).reorder(at: now) == .waits(until: now + .seconds(1)))
    #expect(status(1, endedAgo: 10).reorder(at: now) == .now)
    #expect(status(3, endedAgo: 10).reorder(at: now) == .waits(until: now + .seconds(30)))
    #expect(status(90, endedAgo: 0).reorder(at: now) == .waits(until: now + .seconds(300)))
    #expect(status(0, endedAgo: 0).reorder(at: now) == .now)
  }

  @Test func theBreakerOpensAndLetsOneRunTry() {
    func status(_ failures: Int, endedAgo seconds: Int, _ runs: [Run] = []) -> PoolStatus {
      poolStatus {
        $0.pool.producer?.concurrency = 3
        $0.memory.failures = failures
        $0.memory.fruitless = failures
        $0.memory.lastEndedAt = now - .seconds(seconds)
        $0.runs = runs
      }
    }
    #expect(status(4, endedAgo: 0).breakerOpenUntil(at: now) == nil)
    #expect(status(5, endedAgo: 0).breakerOpenUntil(at: now) == now + .seconds(600))
    #expect(status(5, endedAgo: 0).reorder(at: now) == .waits(until: now + .seconds(600)))
    #expect(status(5, endedAgo: 600).breakerOpenUntil(at: now) == nil)
    #expect(status(5, endedAgo: 600).reorder(at: now) == .now)
    #expect(status(5, endedAgo: 600, [run(asked: 5)]).reorder(at: now) == .no)
    #expect(status(0, endedAgo: 600, [run(asked: 5)]).reorder(at: now) == .now)
  }

  @Test(arguments: [
    ("retired", "retired: no schedule file declares it"),
    ("none", "no producer: `larder put keys` fills it"),
    ("suspended", "suspended by its schedule file"),
    ("paused", "paused: `larder resume keys` ends that"),
  ])
  func aStandstillStopsEverything(_ which: String, _ reason: String) throws {
    let hourly = [try schedule("0 * * * *")]
    let status = poolStatus {
      $0.pool.schedules = hourly
      switch which {
      case "retired": $0.retired = true
      case "none": $0.pool.producer = nil
      case "suspended": $0.pool.suspend = true
      default: $0.paused = true
      }
    }
    #expect(status.standstill == reason)
    #expect(status.reasons(at: now) == [reason])
    #expect(status.reorder(at: now) == .no)
    #expect(status.nextFire(after: now) == nil)
    #expect(status.expectedFill(at: now) == nil)
  }

  @Test func theNextFireIsTheEarliestOfActiveSchedules() throws {
    var suspended = try schedule("1 * * * *")
    suspended.suspend = true
    let schedules = [try schedule("0 15 * * *"), try schedule("30 * * * *"), suspended]
    let status = poolStatus { $0.pool.schedules = schedules }
    #expect(status.nextFire(after: now) == at("2026-06-01T12:30:00Z"))
    #expect(poolStatus().nextFire(after: now) == nil)
  }

  @Test func theExpectedFillFollowsWhatHappensNext() throws {
    let hourly = [try schedule("0 * * * *")]
    func fill(_ available: Int, _ change: (inout PoolStatus) -> Void = { _ in }) -> Instant? {
      poolStatus(available: available) {
        $0.pool.schedules = hourly
        $0.memory.typicalRunTime = .seconds(120)
        change(&$0)
      }.expectedFill(at: now)
    }
    #expect(fill(50) == at("2026-06-01T13:02:00Z"))
    #expect(fill(0) == at("2026-06-01T12:02:00Z"))
    #expect(fill(50) { $0.memory.typicalRunTime = nil } == at("2026-06-01T13:00:00Z"))
    #expect(fill(50) { $0.pool.schedules = [] } == nil)
    // A backorder starts a run where none is under way, however far the next time is.
    func backorder(_ available: Int, _ change: (inout PoolStatus) -> Void = { _ in }) -> Duration? {
      poolStatus(available: available) {
        $0.memory.typicalRunTime = .seconds(120)
        change(&$0)
      }.backorderRunTime(at: now)
    }
    #expect(backorder(50) == .seconds(120))
    #expect(backorder(50) { $0.memory.typicalRunTime = nil } == .zero)
    #expect(backorder(50) { $0.paused = true } == nil)
    #expect(backorder(50) { $0.runs = [run(asked: 10)] } == nil)
    #expect(backorder(200) == nil)
    var running = run(asked: 10)
    running.startedAt = now - .seconds(90)
    #expect(fill(0) { $0.runs = [running] } == now + .seconds(30))
    running.startedAt = now - .seconds(900)
    #expect(fill(0) { $0.runs = [running] } == now)
    #expect(
      fill(0) {
        $0.memory.fruitless = 1
        $0.memory.lastEndedAt = now
      } == now + .seconds(130))
    #expect(
      fill(0) {
        $0.memory.fruitless = 1
        $0.memory.lastEndedAt = now
        $0.pool.producer?.retry.backoff = .seconds(7200)
        $0.pool.producer?.retry.maxBackoff = .seconds(7200)
      } == at("2026-06-01T13:02:00Z"))
  }

  // MARK: Memory

  private func memory(_ fruitless: Int, _ failures: Int, typical: Int? = nil) -> RunMemory {
    RunMemory(
      fruitless: fruitless, failures: failures, lastEndedAt: now - .seconds(500),
      typicalRunTime: typical.map { .seconds($0) })
  }

  private func ended(stored: Int, after seconds: Int) -> Run {
    var run = run(asked: 10)
    run.stored = stored
    run.startedAt = now - .seconds(seconds)
    return run
  }

  @Test func theMemoryFollowsHowRunsEnd() {
    let old = memory(2, 2, typical: 100)
    let good = old.after(ended(stored: 10, after: 20), endingAs: .succeeded, at: now)
    #expect(
      good
        == RunMemory(
          fruitless: 0, failures: 0, lastEndedAt: now, typicalRunTime: .seconds(80)))
    let empty = old.after(ended(stored: 0, after: 20), endingAs: .succeeded, at: now)
    #expect((empty.fruitless, empty.failures) == (3, 0))
    let short = old.after(ended(stored: 4, after: 20), endingAs: .short, at: now)
    #expect((short.fruitless, short.failures) == (3, 0))
    #expect(short.typicalRunTime == .seconds(80))
    let nothing = old.after(ended(stored: 0, after: 20), endingAs: .short, at: now)
    #expect(nothing.typicalRunTime == .seconds(100))
    let failed = old.after(ended(stored: 4, after: 20), endingAs: .failed, at: now)
    #expect((failed.fruitless, failed.failures) == (3, 3))
    #expect(failed.typicalRunTime == .seconds(100))
    #expect(failed.lastEndedAt == now)
  }

  @Test func aFirstRunIsTypical() {
    let first = memory(0, 0).after(ended(stored: 1, after: 20), endingAs: .succeeded, at: now)
    #expect(first.typicalRunTime == .seconds(20))
  }

  @Test func runsThatNeverStartedLeaveNoTrace() {
    let old = memory(2, 1, typical: 100)
    for state in [RunState.skipped, .failed, .succeeded] {
      #expect(old.after(run(.queued), endingAs: state, at: now) == old)
    }
  }

  @Test func aClockThatRanBackMakesNoNegativeTimes() {
    let after = memory(0, 0).after(ended(stored: 5, after: -3600), endingAs: .succeeded, at: now)
    #expect(after.typicalRunTime == .zero)
  }

  // MARK: Reasons

  private func reasons(_ available: Int, _ change: (inout PoolStatus) -> Void = { _ in })
    -> [String]
  {
    poolStatus(available: available, change).reasons(at: now)
  }

  @Test func levelsSayWhyNothingRuns() throws {
    #expect(reasons(100) == ["at or above the target of 100"])
    #expect(
      reasons(50) == ["below the target of 100, above the reorder point of 20"])
    #expect(
      reasons(50) { $0.pool.stock.reorderAt = 0 }
        == ["below the target of 100, and there is no reorder point"])
    #expect(
      reasons(10) == ["at or below the reorder point of 20: a run is due"])
    let hourly = [try schedule("0 * * * *")]
    #expect(
      reasons(100) { $0.pool.schedules = hourly } == [
        "at or above the target of 100", "the next scheduled run is at 2026-06-01T13:00:00.000Z",
      ])
    #expect(
      reasons(10) {
        $0.memory.fruitless = 1
        $0.memory.lastEndedAt = now
      } == [
        "the reorder point waits until 2026-06-01T12:00:10.000Z: 1 run brought too little"
      ])
    #expect(
      reasons(10) {
        $0.memory.fruitless = 2
        $0.memory.lastEndedAt = now
      } == [
        "the reorder point waits until 2026-06-01T12:00:20.000Z: 2 runs in a row brought too little"
      ])
    #expect(
      reasons(10) {
        $0.memory.failures = 5
        $0.memory.fruitless = 5
        $0.memory.lastEndedAt = now
      } == ["the breaker is open until 2026-06-01T12:10:00.000Z: 5 runs in a row failed"])
  }

  @Test func levelsSayWhatRuns() {
    #expect(
      reasons(0) { $0.runs = [run(asked: 40, covered: 10), run(.queued, reason: .manual)] } == [
        "run r (schedule) is running: 10 of 40 items dealt with", "run r (manual) is queued",
      ])
    var retried = run(asked: 40, covered: 10, slice: 10)
    retried.slices[0].attempts = 2
    retried.slices[0].why = "exit 1"
    #expect(
      reasons(0) { $0.runs = [retried] } == [
        "run r (schedule) is running: 10 of 40 items dealt with, slice 1 at try 2 (exit 1)"
      ])
  }

  @Test func aPausedPoolTellsOfRunsThatWait() {
    #expect(
      reasons(0) {
        $0.paused = true
        $0.runs = [run(asked: 40, covered: 10)]
      } == [
        "paused: `larder resume keys` ends that",
        "run r (schedule) is running: 10 of 40 items dealt with",
      ])
  }

  @Test func everyLevelAtRestHasAReason() throws {
    let hourly = [try schedule("0 * * * *")]
    for available in [0, 1, 20, 21, 99, 100, 150] {
      for reorderAt in [0, 20] {
        for failures in [0, 1, 5] {
          for bits in 0..<16 {
            let status = poolStatus(available: available) {
              $0.pool.stock.reorderAt = reorderAt
              $0.memory.failures = failures
              $0.memory.fruitless = failures
              $0.memory.lastEndedAt = now
              if bits & 1 != 0 { $0.paused = true }
              if bits & 2 != 0 { $0.pool.schedules = hourly }
              if bits & 4 != 0 { $0.pool.producer = nil }
              if bits & 8 != 0 { $0.runs = [run(.queued)] }
            }
            #expect(!status.reasons(at: now).isEmpty)
          }
        }
      }
    }
  }

  @Test func warningsCallAnOperator() {
    #expect(poolStatus(available: 1).warnings(at: now) == [])
    #expect(poolStatus().warnings(at: now) == ["out of stock"])
    var failed = run(.failed)
    failed.why = "slice 1: the producer exited with 3"
    let status = poolStatus(available: 1) {
      $0.memory.failures = 5
      $0.memory.lastEndedAt = now
      $0.lastRun = failed
    }
    #expect(
      status.warnings(at: now) == [
        "the breaker is open until 2026-06-01T12:10:00.000Z",
        "the last run failed: slice 1: the producer exited with 3",
      ])
  }

  @Test func aStockCountsEveryState() {
    var stock = Stock()
    for (index, state) in ItemState.allCases.enumerated() { stock[state] = 1 << index }
    #expect(stock.produced == 127)
    for (index, state) in ItemState.allCases.enumerated() { #expect(stock[state] == 1 << index) }
  }
}
