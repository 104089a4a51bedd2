import Cron
import Larder
import Testing

@Suite struct DueTimesTests {
  private func due(
    _ spec: ScheduleSpec, considered: String, awake: String = "2000-01-01T00:00:00Z", now: String
  ) -> DueTimes {
    DueTimes(
      spec, in: "keys",
      mark: ScheduleMark(timing: spec.timing, active: true, considered: at(considered)),
      awakeSince: at(awake), at: at(now))
  }

  private func texts(_ due: DueTimes) -> [String] {
    due.fires.map { "\($0.kind) \(RFC3339.format(seconds: $0.nominalAt.seconds))" }
  }

  @Test func aTimeThatComesIsOnTime() throws {
    let spec = try schedule("0 * * * *")
    #expect(
      due(spec, considered: "2026-06-01T11:30:00Z", now: "2026-06-01T11:59:59.999Z").fires == [])
    for now in ["12:00:00", "12:00:00.02", "12:00:09.999"] {
      let due = due(spec, considered: "2026-06-01T11:30:00Z", now: "2026-06-01T\(now)Z")
      #expect(texts(due) == ["onTime 2026-06-01T12:00:00Z"])
      #expect(due.fires[0].why == nil)
      #expect(due.considered == Instant(seconds: at("2026-06-01T\(now)Z").seconds))
      let again = DueTimes(
        spec, in: "keys",
        mark: ScheduleMark(timing: spec.timing, active: true, considered: due.considered),
        awakeSince: at("2000-01-01T00:00:00Z"), at: at("2026-06-01T\(now)Z"))
      #expect(again.fires == [])
    }
  }

  @Test func aTimeThatIsNoticedLateWasMissed() throws {
    let due = due(
      try schedule("0 * * * *"), considered: "2026-06-01T11:30:00Z",
      now: "2026-06-01T12:00:10Z")
    #expect(texts(due) == ["caughtUp 2026-06-01T12:00:00Z"])
    #expect(due.fires[0].why == "one time was missed; catchup: latest")
  }

  @Test(arguments: [
    ("2026-06-01T11:59:59.999Z", "onTime 2026-06-01T12:00:00Z"),
    ("2026-06-01T12:00:00Z", "caughtUp 2026-06-01T12:00:00Z"),
    ("2026-06-01T12:00:01Z", "caughtUp 2026-06-01T12:00:00Z"),
  ])
  func whatCameBeforeTheStartWasMissed(_ awake: String, _ expected: String) throws {
    let due = due(
      try schedule("0 * * * *"), considered: "2026-06-01T11:30:00Z", awake: awake,
      now: "2026-06-01T12:00:01Z")
    #expect(texts(due) == [expected])
  }

  @Test func aMissedTimeGivesWayToANewerOneThatHasJustCome() throws {
    func kinds(_ catchup: ScheduleSpec.Catchup) throws -> [String] {
      texts(
        due(
          try schedule("*/10 * * * * *", catchup: catchup), considered: "2026-06-01T11:59:30Z",
          now: "2026-06-01T12:00:05Z"))
    }
    #expect(
      try kinds(.latest) == [
        "passedOver 2026-06-01T11:59:50Z", "onTime 2026-06-01T12:00:00Z",
      ])
    #expect(
      try kinds(.all) == [
        "caughtUp 2026-06-01T11:59:40Z", "caughtUp 2026-06-01T11:59:50Z",
        "onTime 2026-06-01T12:00:00Z",
      ])
  }

  @Test func catchupDecidesWhichMissedTimesRun() throws {
    func fires(_ catchup: ScheduleSpec.Catchup, _ window: Int = 86_400) throws -> DueTimes {
      due(
        try schedule("0 * * * *", catchup: catchup, window: .seconds(window)),
        considered: "2026-06-01T08:00:00Z", awake: "2026-06-01T12:30:00Z",
        now: "2026-06-01T12:30:00Z")
    }
    #expect(texts(try fires(.latest)) == ["caughtUp 2026-06-01T12:00:00Z"])
    #expect(try fires(.latest).fires[0].why == "4 times were missed; catchup: latest")
    #expect(texts(try fires(.none)) == ["passedOver 2026-06-01T12:00:00Z"])
    #expect(
      try fires(.none).fires[0].why == "4 times were missed, and the schedule says catchup: none")
    #expect(
      texts(try fires(.all)) == [
        "caughtUp 2026-06-01T09:00:00Z", "caughtUp 2026-06-01T10:00:00Z",
        "caughtUp 2026-06-01T11:00:00Z", "caughtUp 2026-06-01T12:00:00Z",
      ])
    // 90 minutes reach to 11:00 and hold it still.
    #expect(
      texts(try fires(.all, 5400)) == [
        "caughtUp 2026-06-01T11:00:00Z", "caughtUp 2026-06-01T12:00:00Z",
      ])
    #expect(texts(try fires(.all, 5399)) == ["caughtUp 2026-06-01T12:00:00Z"])
    for catchup in [ScheduleSpec.Catchup.all, .latest] {
      let due = try fires(catchup, 60)
      #expect(texts(due) == ["passedOver 2026-06-01T12:00:00Z"])
      #expect(
        due.fires[0].why == "4 times were missed, none within the catchup_window of 1m")
    }
  }

  @Test func missedTimesAreBounded() throws {
    let due = due(
      try schedule("* * * * * *", catchup: .all, window: .seconds(36_525 * 86_400)),
      considered: "2000-01-01T00:00:00Z", awake: "2026-06-01T12:00:00Z",
      now: "2026-06-01T12:00:00.5Z")
    #expect(due.fires.count == Limits.caughtUpRuns)
    #expect(due.fires.first?.nominalAt == at("2026-06-01T11:58:21Z"))
    #expect(due.fires.last?.nominalAt == at(noon))
    #expect(due.fires[0].why == "more than 10000 times were missed; catchup: all")
  }

  @Test func missedAndPunctualTimesMeetWithoutGapOrDouble() throws {
    let due = due(
      try schedule("* * * * * *", catchup: .all), considered: "2026-06-01T11:59:40Z",
      now: "2026-06-01T12:00:00.5Z")
    #expect(
      due.fires.map(\.nominalAt) == (1...20).map { at("2026-06-01T11:59:40Z") + .seconds($0) })
    #expect(due.fires.map(\.kind).prefix(10).allSatisfy { $0 == .caughtUp })
    #expect(due.fires.map(\.kind).suffix(10).allSatisfy { $0 == .onTime })
  }

  @Test func aClockThatRanBackStartsNothing() throws {
    let due = due(
      try schedule("* * * * *", catchup: .all), considered: "2026-06-01T12:00:00Z",
      now: "2026-06-01T11:00:00Z")
    #expect(due.fires == [])
  }

  @Test func aWallClockTimeInAGapFiresOnceAfterIt() throws {
    let spec = try schedule("30 2 * * *", zone: "Europe/Berlin", catchup: .all)
    let due = due(
      spec, considered: "2026-03-28T00:00:00Z", awake: "2026-03-31T00:00:00Z",
      now: "2026-03-31T00:00:00Z")
    // 28 March in winter time, 29 March at the end of the gap; 30 March is older than a day.
    #expect(texts(due) == ["caughtUp 2026-03-30T00:30:00Z"])
    let days = ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]
    for (earlier, later) in zip(days, days.dropFirst()) {
      #expect(
        texts(self.due(spec, considered: earlier, now: later)) == ["onTime \(later)"])
    }
  }

  @Test func aWallClockTimeInAnOverlapFiresInTheFirstPassOnly() throws {
    let spec = try schedule("30 2 * * *", zone: "Europe/Berlin")
    let first = due(
      spec, considered: "2026-10-24T12:00:00Z", now: "2026-10-25T00:30:00Z")
    #expect(texts(first) == ["onTime 2026-10-25T00:30:00Z"])
    #expect(
      due(spec, considered: "2026-10-25T00:30:00Z", now: "2026-10-25T01:30:05Z").fires == [])
  }

  @Test func anHourlyTimelineFiresInBothPasses() throws {
    let spec = try schedule("30 * * * *", zone: "Europe/Berlin", catchup: .all)
    let due = due(
      spec, considered: "2026-10-24T23:59:00Z", awake: "2026-10-25T02:00:00Z",
      now: "2026-10-25T02:00:00Z")
    #expect(
      texts(due) == ["caughtUp 2026-10-25T00:30:00Z", "caughtUp 2026-10-25T01:30:00Z"])
  }
}
