import Larder
import Testing

@Suite struct RunTests {
  private func scheduled(_ id: String, _ schedule: String, at nominal: Instant) -> Run {
    var run = Run(id: id, pool: "p", reason: .schedule, state: .queued, createdAt: start)
    run.schedule = schedule
    run.nominalAt = nominal
    run.why = "late"
    return run
  }

  @Test(arguments: StoreKind.all)
  func aNominalTimeHasOneRun(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", produced())
    try fixture.adopt("q", produced())
    let first = scheduled("1", "hourly", at: start)
    let twice = scheduled("2", "hourly", at: start)
    #expect(try fixture.store.record([.open(first), .open(twice)], at: start) == [true, false])
    #expect(try fixture.store.record([.open(twice)], at: start) == [false])
    try fixture.crash()
    #expect(try fixture.store.record([.open(twice)], at: start) == [false])
    let ended: [RunEvent] = [.end(run: "1", state: .skipped, why: nil), .open(twice)]
    #expect(try fixture.store.record(ended, at: start) == [true, false])
    // Another time, schedule or pool is another run, and so is each run without a schedule.
    var elsewhere = scheduled("5", "hourly", at: start)
    elsewhere.pool = "q"
    let manual = ["6", "7"].map {
      RunEvent.open(Run(id: $0, pool: "p", reason: .manual, state: .queued, createdAt: start))
    }
    #expect(
      try fixture.store.record(
        [
          .open(scheduled("3", "hourly", at: start + .milliseconds(1))),
          .open(scheduled("4", "daily", at: start)), .open(elsewhere),
        ] + manual, at: start) == [true, true, true, true, true])
    #expect(try fixture.reader.run("2") == nil)
    let shown = try fixture.reader.runs(pool: nil, before: nil, limit: 99)
    #expect(shown.rows.map(\.id) == ["7", "6", "5", "4", "3", "1"])
    #expect(try fixture.reader.runs(pool: "q", before: nil, limit: 99).rows.map(\.id) == ["5"])
  }

  @Test(arguments: StoreKind.all)
  func aSkippedRunTakesItsNominalTime(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", produced())
    var skipped = scheduled("1", "hourly", at: start)
    skipped.state = .skipped
    skipped.why = "overlap"
    skipped.endedAt = start
    #expect(try fixture.store.record([.open(skipped)], at: start) == [true])
    let again = RunEvent.open(scheduled("2", "hourly", at: start))
    #expect(try fixture.store.record([again], at: start) == [false])
    let shown = try fixture.shownRun("1")
    #expect(shown == skipped)
    #expect(try fixture.status().runs.isEmpty)
    #expect(try fixture.status().lastRun == nil)
  }

  @Test(arguments: StoreKind.all)
  func aRunGoesThroughItsStates(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", produced())
    var expected = scheduled("r", "hourly", at: start - .seconds(60))
    expected.count = 7
    func step(_ event: RunEvent, _ seconds: Int64) throws -> Run {
      #expect(try fixture.store.record([event], at: start + .seconds(seconds)) == [true])
      return try fixture.shownRun("r")
    }
    #expect(try step(.open(expected), 0) == expected)
    expected.state = .running
    expected.asked = 7
    expected.startedAt = start + .seconds(1)
    #expect(try step(.start(run: "r", asked: 7), 1) == expected)
    expected.slices = [
      Slice(number: 1, state: .running, asked: 4, startedAt: start + .seconds(2))
    ]
    #expect(
      try step(.attempt(run: "r", slice: 1, asked: 4, attempt: 1, recalling: 0), 2) == expected)
    let process = ProcessIdentity(pid: .max, startTime: 1 << 62, bootID: "boot")
    expected.process = process
    #expect(try step(.process(run: "r", process), 3) == expected)
    expected.slices[0].why = "exit 75"
    expected.log = "x"
    #expect(
      try step(
        .failedAttempt(run: "r", slice: 1, why: "exit 75", log: [120], final: false), 4)
        == expected)
    expected.slices[0].attempts = 2
    expected.slices[0].why = nil
    #expect(
      try step(.attempt(run: "r", slice: 1, asked: 4, attempt: 2, recalling: 0), 5) == expected)
    expected.slices[0].why = "exit 1"
    expected.slices[0].state = .failed
    expected.slices[0].endedAt = start + .seconds(6)
    #expect(
      try step(.failedAttempt(run: "r", slice: 1, why: "exit 1", log: [], final: true), 6)
        == expected)
    expected.state = .failed
    expected.why = "slice 1: exit 1"
    expected.endedAt = start + .seconds(7)
    #expect(
      try step(.end(run: "r", state: .failed, why: "slice 1: exit 1"), 7) == expected)
    try fixture.crash()
    #expect(try fixture.shownRun("r") == expected)
  }

  @Test(arguments: StoreKind.all)
  func endingARunGivesItsSliceUpAndKeepsWhyItWasLate(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", produced())
    let events: [RunEvent] = [
      .open(scheduled("r", "hourly", at: start)), .start(run: "r", asked: 5),
      .attempt(run: "r", slice: 1, asked: 5, attempt: 1, recalling: 0),
      .end(run: "r", state: .replaced, why: nil),
    ]
    #expect(try fixture.store.record(events, at: start) == [true, true, true, true])
    let run = try fixture.shownRun("r")
    #expect(run.state == .replaced)
    #expect(run.why == "late")
    #expect(run.slices.map(\.state) == [.failed])
    #expect(run.slices.map(\.endedAt) == [start])
    #expect(run.inFlight == 0)
    #expect(try fixture.status().lastRun?.id == "r")
  }

  @Test(arguments: StoreKind.all)
  func stepsInAWrongStateDoNothing(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", produced())
    let process = ProcessIdentity(pid: 9, startTime: 9, bootID: "other")
    func refused(_ id: String, _ events: [RunEvent]) throws {
      let before = try fixture.reader.run(id)
      let memory = try fixture.status().memory
      for event in events {
        #expect(
          try fixture.store.record([event], at: start + .seconds(99)) == [false], "\(event)")
        #expect(try fixture.reader.run(id) == before, "\(event)")
      }
      #expect(try fixture.status().memory == memory)
    }
    func begin(_ id: String) -> RunEvent { .start(run: id, asked: 99) }
    func attempt(_ id: String, _ slice: Int = 1) -> RunEvent {
      .attempt(run: id, slice: slice, asked: 99, attempt: 9, recalling: 0)
    }
    func fail(_ id: String, _ slice: Int = 1) -> RunEvent {
      .failedAttempt(run: id, slice: slice, why: "stray", log: [66], final: true)
    }
    func end(_ id: String) -> RunEvent { .end(run: id, state: .failed, why: "stray") }
    let nobody = [
      begin("n"), attempt("n"), fail("n"), end("n"), .process(run: "n", process),
    ]
    try refused("n", nobody)
    // Nothing of the stray steps waits for a run that comes by this id later.
    let late = Run(id: "n", pool: "p", reason: .manual, state: .queued, createdAt: start)
    #expect(try fixture.store.record([.open(late)], at: start) == [true])
    #expect(try fixture.shownRun("n") == late)
    try refused("n", [attempt("n"), fail("n"), .process(run: "n", process)])
    #expect(try fixture.store.record([end("n")], at: start) == [true])
    try refused("n", [begin("n"), attempt("n"), fail("n"), end("n"), .process(run: "n", process)])

    try fixture.startRun("r")
    try refused("r", [begin("r"), fail("r", 2)])
    try fixture.commit("r", items(0..<1))
    try refused("r", [attempt("r"), fail("r")])
    let running = RunEvent.attempt(run: "r", slice: 2, asked: 5, attempt: 1, recalling: 0)
    #expect(try fixture.store.record([running, fail("r", 2)], at: start) == [true, true])
    try refused("r", [attempt("r", 2), fail("r", 2)])
    #expect(try fixture.store.record([end("r")], at: start) == [true])
    try refused(
      "r", [begin("r"), attempt("r", 3), fail("r", 2), end("r"), .process(run: "r", process)])
  }

  @Test(arguments: StoreKind.all)
  func whatIsRememberedOfRunsSurvives(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", produced())
    var memory = RunMemory(fruitless: 0, failures: 0, lastEndedAt: nil, typicalRunTime: nil)
    func run(
      _ id: String, _ stored: Int, of asked: Int? = nil, _ state: RunState, took: Int64
    ) throws {
      try fixture.startRun(id, asked: asked ?? max(1, stored))
      if stored > 0 { try fixture.commit(id, items(0..<stored)) }
      let end = start + .milliseconds(took)
      #expect(
        try fixture.store.record([.end(run: id, state: state, why: nil)], at: end) == [true])
      memory.lastEndedAt = end
      try fixture.crash()
    }
    #expect(try fixture.status().memory == memory)
    try run("a", 3, .succeeded, took: 4000)
    memory.typicalRunTime = .milliseconds(4000)
    #expect(try fixture.status().memory == memory)
    try run("b", 0, .failed, took: 9000)
    try run("c", 2, .failed, took: 9000)
    memory.fruitless = 2
    memory.failures = 2
    #expect(try fixture.status().memory == memory)
    try run("d", 2, of: 5, .short, took: 8000)
    memory.fruitless = 3
    memory.failures = 0
    memory.typicalRunTime = .milliseconds(5000)
    #expect(try fixture.status().memory == memory)
    // A run that took all there was, and found the supplier's end.
    try run("all", 4, of: 5, .succeeded, took: 5000)
    memory.fruitless = 4
    #expect(try fixture.status().memory == memory)
    try run("e", 1, .succeeded, took: 1000)
    memory.fruitless = 0
    memory.typicalRunTime = .milliseconds(4000)
    #expect(try fixture.status().memory == memory)
    // A run that never started leaves no trace, and a definition wipes nothing out.
    let skipped = Run(id: "f", pool: "p", reason: .manual, state: .queued, createdAt: start)
    #expect(
      try fixture.store.record(
        [.open(skipped), .end(run: "f", state: .skipped, why: nil)], at: start + .seconds(99))
        == [true, true])
    try fixture.adopt("p", produced(max: 50))
    #expect(try fixture.status().memory == memory)
    #expect(try fixture.store.pools().first?.memory == memory)
    #expect(try fixture.status().lastRun?.id == "e")
  }

  @Test(arguments: StoreKind.all)
  func marksAreKept(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", produced())
    try fixture.adopt("q", produced())
    let first = ScheduleMark(timing: "0 * * * * UTC", active: true, considered: start)
    let second = ScheduleMark(
      timing: "5 * * * * UTC", active: false, considered: start + .milliseconds(1))
    let events: [RunEvent] = [
      .mark(pool: "p", schedule: "a", first), .mark(pool: "p", schedule: "b", first),
      .mark(pool: "q", schedule: "a", second), .mark(pool: "p", schedule: "b", second),
    ]
    #expect(try fixture.store.record(events, at: start) == [true, true, true, true])
    try fixture.crash()
    let pools = try fixture.store.pools()
    #expect(pools.map(\.marks) == [["a": first, "b": second], ["a": second]])
    #expect(try fixture.status().marks == pools[0].marks)
  }

  @Test(arguments: StoreKind.all)
  func unfinishedRunsComeBackAsTheyWere(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", produced())
    try fixture.startRun("done", asked: 1)
    try fixture.commit("done", items(0..<1))
    try fixture.startRun("r", asked: 3)
    try fixture.commit("r", items(1..<4), cursor: "page-2")
    let process = ProcessIdentity(pid: 77, startTime: 123_456, bootID: "boot")
    let events: [RunEvent] = [
      .end(run: "done", state: .succeeded, why: nil),
      .attempt(run: "r", slice: 2, asked: 3, attempt: 1, recalling: 0), .process(run: "r", process),
      .failedAttempt(run: "r", slice: 2, why: "exit 75", log: [], final: false),
      .attempt(run: "r", slice: 2, asked: 3, attempt: 2, recalling: 0),
      .failedAttempt(run: "r", slice: 2, why: "exit 75", log: [], final: false),
      .open(Run(id: "q", pool: "p", reason: .reorder, state: .queued, createdAt: start)),
    ]
    #expect(try fixture.store.record(events, at: start).allSatisfy { $0 })
    for again in [fixture.crash, fixture.reopen] {
      try again()
      let status = try #require(try fixture.store.pools().first)
      #expect(status.runs.map(\.id) == ["r", "q"])
      let run = status.runs[0]
      #expect(run.state == .running)
      #expect(run.cursor == "page-2")
      #expect(run.covered == 3)
      #expect(run.stored == 3)
      #expect(run.process == process)
      #expect(run.slice?.number == 2)
      #expect(run.slice?.attempts == 2)
      #expect(run.slice?.asked == 3)
      #expect(run.slice?.why == "exit 75")
      #expect(status.inFlight == 3)
      #expect(status.runs[1].state == .queued)
      #expect(status.lastRun?.id == "r")
      #expect(try fixture.status().runs == status.runs)
    }
    // The interrupted slice can still be kept, once.
    #expect(try fixture.commit("r", slice: 2, items(4..<5)) == PutResult(stored: 1))
  }
  @Test(arguments: StoreKind.all)
  func aPauseAndAResetAreKept(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", produced())
    try fixture.adopt("q", produced())
    for (index, state) in [RunState.failed, .failed].enumerated() {
      try fixture.startRun("r\(index)")
      _ = try fixture.store.record([.end(run: "r\(index)", state: state, why: nil)], at: start)
    }
    #expect(try fixture.status().memory.failures == 2)
    let events: [RunEvent] = [
      .pause(pool: "p", true), .resetBreaker(pool: "p"), .pause(pool: "nowhere", true),
      .resetBreaker(pool: "nowhere"),
    ]
    #expect(try fixture.store.record(events, at: start) == [true, true, false, false])
    try fixture.crash()
    for status in try [fixture.status(), try #require(fixture.store.pools().first)] {
      #expect(status.paused)
      #expect(status.memory.failures == 0 && status.memory.fruitless == 2)
    }
    #expect(try !fixture.status("q").paused)
    // Another definition does not end a pause.
    try fixture.adopt("p", produced(max: 5))
    #expect(try fixture.status().paused)
    #expect(try fixture.store.record([.pause(pool: "p", false)], at: start) == [true])
    #expect(try !fixture.status().paused)
  }
}
