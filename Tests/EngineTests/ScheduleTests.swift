import Larder
import Testing

@testable import Engine

@Suite struct ScheduleTests {
  private func hourly(_ catchup: ScheduleSpec.Catchup = .latest) -> Pool {
    makePool { $0.schedules = [schedule("0 * * * *", catchup: catchup)] }
  }

  private func times(_ runs: [Run]) -> [String] {
    runs.map { "\($0.state) \($0.nominalAt.map { RFC3339.format(seconds: $0.seconds) } ?? "-")" }
  }

  @Test func aNominalTimeRunsOnceAndOnTime() throws {
    let driver = try Driver([hourly()], at: at("2026-06-01T11:59:30Z"))
    #expect(driver.deadline == noon)
    #expect(driver.launches == [])
    try driver.advance(to: noon - .milliseconds(1))
    #expect(driver.launches == [])
    try driver.advance(to: noon)
    #expect(driver.launches.map(\.count) == [10])
    let run = try #require(try driver.runs().first)
    #expect(run.reason == .schedule && run.nominalAt == noon && run.asked == 100)
    try driver.finishAll()
    try driver.advance(to: noon + .seconds(3599))
    #expect(times(try driver.runs()) == ["succeeded 2026-06-01T12:00:00Z"])
    #expect(try driver.status().stock.available == 100)
  }

  @Test func aRunThatOrdersNothingIsSkipped() throws {
    let driver = try Driver([hourly()], at: at("2026-06-01T11:59:30Z"))
    try driver.put(100)
    try driver.advance(to: noon)
    #expect(driver.launches == [])
    #expect(
      driver.ended.map(\.why) == ["nothing to order: 100 available against a target of 100"])
    #expect(times(try driver.runs()) == ["skipped 2026-06-01T12:00:00Z"])
    #expect(try driver.status().memory.lastEndedAt == nil)
  }

  @Test func aScheduleSeenForTheFirstTimeHasMissedNothing() throws {
    let driver = try Driver([hourly(.all)], at: noon)
    #expect(try driver.runs() == [])
    #expect(driver.deadline == noon + .seconds(3600))
  }

  @Test func missedTimesRunByCatchupAfterARestart() throws {
    for (catchup, expected) in [
      (ScheduleSpec.Catchup.none, ["skipped 2026-06-01T15:00:00Z"]),
      (.latest, ["succeeded 2026-06-01T15:00:00Z"]),
      (
        .all,
        [
          "succeeded 2026-06-01T13:00:00Z", "skipped 2026-06-01T14:00:00Z",
          "skipped 2026-06-01T15:00:00Z",
        ]
      ),
    ] {
      let driver = try Driver([hourly(catchup)], at: noon)
      try driver.restart(after: .seconds(3 * 3600 + 60))
      try driver.finishAll()
      #expect(times(try driver.runs()) == expected)
      try driver.restart(after: .seconds(1))
      #expect(times(try driver.runs()) == expected)
    }
  }

  @Test func catchUpRunsOfAScheduleGoOneAfterAnother() throws {
    var pool = hourly(.all)
    pool.producer?.concurrency = 5
    let driver = try Driver([pool], at: noon)
    try driver.restart(after: .seconds(3 * 3600 + 60))
    #expect(driver.outstanding.count == 1)
    #expect(try driver.status().runs.map(\.state) == [.running, .queued, .queued])
    // The first brings less than the target: the second orders what is missing when it starts.
    try driver.finish(driver.next(), printed: 7)
    #expect(try driver.status().runs.map(\.state) == [.running, .queued])
    #expect(try driver.status().runs[0].asked == 93)
    #expect(try driver.status().runs[0].why == "3 times were missed; catchup: all")
    try driver.finishAll()
    #expect(
      times(try driver.runs()).map { String($0.prefix(7)) } == ["short 2", "succeed", "skipped"])
  }

  @Test func aTimeIsSkippedWhileTheSchedulesOwnRunGoesOn() throws {
    var pool = hourly()
    pool.producer?.concurrency = 3
    let driver = try Driver([pool], at: at("2026-06-01T11:59:30Z"))
    try driver.advance(to: noon + .seconds(3600))
    let runs = try driver.runs()
    #expect(runs.map(\.state) == [.running, .skipped])
    #expect(runs[1].why == "overlap: run \(runs[0].id) of this schedule has not ended")
    #expect(runs[1].nominalAt == noon + .seconds(3600))
  }

  @Test func aFireThatFindsThePoolBusyWaitsAndTheNextDoesNot() throws {
    let pool = makePool {
      $0.schedules = [
        schedule("0 * * * *", name: "a"), schedule("5 * * * *", name: "b"),
        schedule("10 * * * *", name: "c"),
      ]
    }
    let driver = try Driver([pool], at: at("2026-06-01T11:59:30Z"))
    try driver.advance(to: noon + .seconds(660))
    let runs = try driver.runs()
    #expect(runs.map(\.schedule) == ["a", "b", "c"])
    #expect(runs.map(\.state) == [.running, .queued, .skipped])
    #expect(runs[2].why == "run \(runs[1].id) of schedule b waits already")
    while driver.outstanding.first?.run == runs[0].id {
      try driver.finish(driver.next(), printed: 1)
    }
    #expect(try driver.kept(runs[1].id).state == .running)
  }

  @Test func ofFiresAtOneInstantOneRunsAndOneWaits() throws {
    for concurrency in [1, 2] {
      let pool = makePool { pool in
        pool.producer?.concurrency = concurrency
        pool.stock.max = 1000
        pool.schedules = ["a", "b", "c", "d"].enumerated().map { index, name in
          var spec = schedule("0 * * * *", name: name)
          spec.target = 100 * (index + 1)
          return spec
        }
      }
      let driver = try Driver([pool], at: at("2026-06-01T11:59:30Z"))
      try driver.advance(to: noon)
      let states = try driver.runs().sorted { $0.schedule ?? "" < $1.schedule ?? "" }.map(\.state)
      #expect(
        states
          == (concurrency == 1
            ? [.running, .queued, .skipped, .skipped] : [.running, .running, .queued, .skipped]))
    }
  }

  @Test func suspendedPausedAndRetiredPoolsRunNothing() throws {
    var suspended = hourly(.all)
    suspended.suspend = true
    suspended.stock.reorderAt = 50
    let driver = try Driver([suspended], at: noon)
    try driver.advance(by: .seconds(3 * 3600))
    #expect(driver.launches == [])
    #expect(try driver.runs() == [])
    #expect(driver.deadline == nil)
    // Times that came while it was suspended were not missed.
    try driver.adopt(hourly(.all))
    #expect(try driver.runs() == [])
    try driver.advance(by: .seconds(3600))
    #expect(try driver.runs().count == 1)
    try driver.store.retire(["keys"], at: driver.now)
    try driver.restart(after: .seconds(7200))
    #expect(try driver.runs().map(\.state) == [.failed])
    #expect(driver.outstanding == [])
    #expect(try driver.runs()[0].why == "retired: no schedule file declares it")
    try driver.restart(after: .seconds(7200), [hourly(.all)])
    #expect(try driver.runs().count == 1)
  }

  @Test func aSuspendedScheduleHasNoMissedTimesLater() throws {
    var pool = hourly(.all)
    pool.schedules[0].suspend = true
    let driver = try Driver([pool], at: noon)
    try driver.advance(by: .seconds(7200))
    pool.schedules[0].suspend = false
    try driver.adopt(pool)
    #expect(try driver.runs() == [])
    #expect(driver.deadline == noon + .seconds(3 * 3600))
  }

  @Test func aScheduleThatWasTakenOutAndComesBackHasMissedNothing() throws {
    let driver = try Driver([hourly(.all)], at: noon)
    var without = hourly(.all)
    without.schedules = []
    try driver.adopt(without)
    try driver.advance(by: .seconds(3 * 3600))
    try driver.adopt(hourly(.all))
    #expect(try driver.runs() == [])
    try driver.advance(by: .seconds(3600))
    #expect(try driver.runs().count == 1)
  }

  @Test func aChangedDefinitionLosesNoRunThatIsUnderWay() throws {
    var pool = hourly(.all)
    pool.producer?.slice = 10
    let driver = try Driver([pool], at: noon)
    try driver.advance(by: .seconds(3600))
    let launch = try driver.next()
    pool.producer?.slice = 7
    pool.stock.reorderAt = 1
    try driver.adopt(pool)
    // The slice is the one that was asked for; the next is as the new definition says.
    #expect(driver.outstanding == [launch])
    try driver.finish(launch)
    #expect(driver.launches.map(\.run) == [launch.run, launch.run])
    #expect(driver.launches.map(\.count) == [10, 7])
    try driver.finishAll()
    #expect(try driver.runs().map(\.state) == [.succeeded])

    var changes = DefinitionChanges()
    changes.retired = ["keys"]
    try driver.advance(by: .seconds(1800))
    try driver.change(changes)
    try driver.advance(by: .seconds(7200))
    #expect(try driver.runs().count == 1)
    #expect(driver.deadline == nil)
  }

  @Test func anotherExpressionHasNoMissedTimes() throws {
    let driver = try Driver([hourly(.all)], at: noon)
    var other = hourly(.all)
    other.schedules = [schedule("*/10 * * * *", catchup: .all)]
    try driver.restart(after: .seconds(3599), [other])
    #expect(try driver.runs() == [])
    #expect(driver.deadline == noon + .seconds(3600))
  }

  @Test func aPoolAtRestWritesNothing() throws {
    var suspended = hourly()
    suspended.suspend = true
    let driver = try Driver([suspended], at: noon)
    try driver.put(5)
    var state = driver.state
    state.stockChanged(["keys": try driver.status().stock])
    #expect(state.tick(at: noon + .seconds(60)).events.isEmpty)
  }

  @Test func aForwardJumpOfTheClockCatchesUp() throws {
    let driver = try Driver([hourly()], at: noon)
    driver.now = noon + .seconds(5 * 3600 + 600)
    try driver.settle()
    #expect(times(try driver.runs()) == ["running 2026-06-01T17:00:00Z"])
    #expect(try driver.runs()[0].why == "5 times were missed; catchup: latest")
  }

  @Test func aBackwardJumpStartsNothingTwiceAndStopsNothing() throws {
    let driver = try Driver([hourly()], at: at("2026-06-01T11:30:00Z"))
    try driver.advance(to: noon)
    try driver.finishAll()
    driver.now = at("2026-06-01T11:59:59Z")
    try driver.settle()
    try driver.claim(count: 50)
    try driver.advance(to: noon + .seconds(60))
    #expect(times(try driver.runs()) == ["succeeded 2026-06-01T12:00:00Z"])
    #expect(driver.outstanding == [])
    try driver.advance(to: noon + .seconds(3600))
    #expect(times(try driver.runs()).last == "running 2026-06-01T13:00:00Z")
  }

  @Test func aClockThatWasFarAheadDoesNotSilenceSchedules() throws {
    let driver = try Driver([hourly()], at: noon)
    driver.now = noon + .seconds(400 * 86_400)
    try driver.settle()
    try driver.finishAll()
    try driver.claim(count: 100)
    driver.now = noon + .seconds(60)
    try driver.settle()
    try driver.advance(to: noon + .seconds(3600))
    let run = try #require(try driver.runs().last)
    #expect(run.nominalAt == noon + .seconds(3600))
    #expect(run.why == nil)
    try driver.restart(after: .seconds(60))
    #expect(driver.outstanding.map(\.run) == [run.id])
  }

  @Test func aClockSetBackBeforeTheStartStillFiresOnTime() throws {
    var pool = hourly(.none)
    pool.stock.target = 10
    let driver = try Driver([pool], at: noon)
    driver.now = at("2026-06-01T09:30:00Z")
    try driver.settle()
    try driver.advance(to: at("2026-06-01T10:00:00Z"))
    #expect(times(try driver.runs()) == ["running 2026-06-01T10:00:00Z"])
  }
}
