import Cron
import Larder
import Testing

@Suite struct JitterTests {
  private func jittered(
    _ jitter: Duration, _ cron: String = "0 * * * *", catchup: ScheduleSpec.Catchup = .latest,
    zone: String = "UTC"
  ) throws -> ScheduleSpec {
    var spec = try schedule(cron, zone: zone, catchup: catchup)
    spec.jitter = jitter
    return spec
  }

  // MARK: Delays

  @Test(arguments: [
    ("keys", "hourly", "2026-06-01T12:00:00Z", 600, 469_116),
    ("keys", "hourly", "2026-06-01T13:00:00Z", 600, 156_716),
    ("keys", "nightly", "2026-06-01T12:00:00Z", 600, 577_485),
    ("movie-tickets", "hourly", "2026-06-01T12:00:00Z", 600, 354_345),
    ("keys", "hourly", "2026-06-01T12:00:00Z", 86_400, 41_706_409),
    ("keys", "hourly", "1969-12-31T23:00:00Z", 600, 236_508),
  ])
  func anUpgradeMovesNoStart(
    _ pool: String, _ name: String, _ time: String, _ seconds: Int, _ delay: Int64
  ) throws {
    var spec = try jittered(.seconds(seconds))
    spec.name = name
    #expect(spec.delay(of: at(time), in: pool).inMilliseconds == delay)
    #expect(spec.start(of: at(time), in: pool) == at(time) + .milliseconds(delay))
  }

  @Test func withoutJitterNothingIsDelayed() throws {
    let spec = try jittered(.zero)
    for hour in 0..<100 {
      #expect(spec.delay(of: at(noon) + .seconds(3600 * hour), in: "keys") == .zero)
    }
  }

  @Test func delaysAreBoundedAndReachBothEnds() throws {
    for bound in [1, 2, 7, 1000] as [Int64] {
      let spec = try jittered(.milliseconds(bound))
      let delays = Set(
        (0..<20_000).map {
          spec.delay(of: at(noon) + .seconds($0), in: "keys").inMilliseconds
        })
      #expect(delays == Set(0...bound))
    }
  }

  @Test func delaysAreSpreadEvenlyOverTheRange() throws {
    let spec = try jittered(.seconds(600))
    // Neighbouring times of one schedule, and one time of many pools or schedules.
    let times = (0..<10_000).map { spec.delay(of: at(noon) + .seconds($0), in: "keys") }
    let pools = (0..<10_000).map { spec.delay(of: at(noon), in: "pool-\($0)") }
    let names = (0..<10_000).map { index in
      var other = spec
      other.name = "schedule-\(index)"
      return other.delay(of: at(noon), in: "keys")
    }
    for delays in [times, pools, names] {
      var tenths = Array(repeating: 0, count: 10)
      for delay in delays { tenths[min(9, Int(delay.inMilliseconds / 60_000))] += 1 }
      #expect(tenths.allSatisfy { (850...1150).contains($0) }, "\(tenths)")
      #expect(Set(delays).count > 9500)
    }
  }

  @Test func poolsAndSchedulesAreToldApartWhereTheirNamesMeet() throws {
    var spec = try jittered(.seconds(86_400))
    spec.name = "c"
    let first = spec.delay(of: at(noon), in: "ab")
    spec.name = "bc"
    #expect(spec.delay(of: at(noon), in: "a") != first)
  }

  // MARK: What is due

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

  @Test func aTimeIsDueWhenItsDelayIsOver() throws {
    let spec = try jittered(.seconds(600))
    // 12:00 is delayed by 469.116 s.
    let early = due(
      spec, considered: "2026-06-01T11:30:00Z", now: "2026-06-01T12:07:49.115Z")
    #expect(early.fires == [])
    for now in ["12:07:49.116", "12:07:55", "12:07:59.115"] {
      let due = due(spec, considered: "2026-06-01T11:30:00Z", now: "2026-06-01T\(now)Z")
      #expect(texts(due) == ["onTime 2026-06-01T12:00:00Z"])
      #expect(due.considered >= at(noon) && due.considered < at("2026-06-01T13:00:00Z"))
    }
    let late = due(spec, considered: "2026-06-01T11:30:00Z", now: "2026-06-01T12:07:59.116Z")
    #expect(texts(late) == ["caughtUp 2026-06-01T12:00:00Z"])
  }

  @Test func aTimeWhoseDelayOutlastsADowntimeIsOnTime() throws {
    let spec = try jittered(.seconds(600), catchup: .none)
    let before = due(
      spec, considered: "2026-06-01T11:30:00Z", awake: "2026-06-01T12:05:00Z",
      now: "2026-06-01T12:05:00Z")
    #expect(before.fires == [])
    let then = due(
      spec, considered: "2026-06-01T11:30:00Z", awake: "2026-06-01T12:05:00Z",
      now: "2026-06-01T12:07:50Z")
    #expect(texts(then) == ["onTime 2026-06-01T12:00:00Z"])
    let missed = due(
      spec, considered: "2026-06-01T11:30:00Z", awake: "2026-06-01T12:07:49.116Z",
      now: "2026-06-01T12:07:50Z")
    #expect(texts(missed) == ["passedOver 2026-06-01T12:00:00Z"])
  }

  @Test func aDowntimeIsCaughtUpByTimesWhoseDelayIsOver() throws {
    func fires(_ catchup: ScheduleSpec.Catchup) throws -> [String] {
      texts(
        due(
          try jittered(.seconds(600), catchup: catchup), considered: "2026-06-01T09:30:00Z",
          awake: "2026-06-01T12:05:00Z", now: "2026-06-01T12:05:00Z"))
    }
    #expect(try fires(.latest) == ["caughtUp 2026-06-01T11:00:00Z"])
    #expect(
      try fires(.all) == ["caughtUp 2026-06-01T10:00:00Z", "caughtUp 2026-06-01T11:00:00Z"])
    #expect(try fires(.none) == ["passedOver 2026-06-01T11:00:00Z"])
  }

  @Test func withAJitterLongerThanTheIntervalTimesKeepTheirOrder() throws {
    // 16:00 is due at 17:59:13.884; 17:00, due at 17:06:42.365, waits for it.
    let spec = try jittered(.seconds(7200))
    let early = due(spec, considered: "2026-06-01T15:00:00Z", now: "2026-06-01T17:30:00Z")
    #expect(early.fires == [])
    let both = due(spec, considered: "2026-06-01T15:00:00Z", now: "2026-06-01T17:59:14Z")
    #expect(texts(both) == ["onTime 2026-06-01T16:00:00Z", "onTime 2026-06-01T17:00:00Z"])
    #expect(both.considered == at("2026-06-01T17:00:00Z"))
  }

  /// Asks again and again, as an engine does that is restarted now and then, and collects the
  /// starts of all nominal times.
  private func starts(
    _ spec: ScheduleSpec, from: String, through end: String, step: Duration, _ seed: UInt64
  ) -> [Instant: Instant] {
    var random = SeededRandom(seed: seed)
    var mark = ScheduleMark(timing: spec.timing, active: true, considered: at(from))
    var awake = at(from)
    var now = at(from)
    var starts: [Instant: Instant] = [:]
    while now <= at(end) {
      let due = DueTimes(spec, in: "keys", mark: mark, awakeSince: awake, at: now)
      for fire in due.fires {
        #expect(fire.kind == .onTime)
        #expect(starts.updateValue(now, forKey: fire.nominalAt) == nil)
      }
      if !due.fires.isEmpty { mark.considered = due.considered }
      if Int.random(in: 0..<50, using: &random) == 0 { awake = now }
      now = now + step
    }
    return starts
  }

  @Test(arguments: ["Europe/Berlin", "UTC"])
  func everyTimeStartsOnceWithinItsJitterAcrossRestartsAndClockChanges(_ zone: String) throws {
    // The night in which clocks are set back, and that in which they are set forward.
    for (from, end) in [
      ("2026-10-24T20:00:00Z", "2026-10-25T06:00:00Z"),
      ("2026-03-28T20:00:00Z", "2026-03-29T06:00:00Z"),
    ] {
      for cron in ["*/5 * * * *", "30 * * * *", "30 2 * * *"] {
        let spec = try jittered(.seconds(300), cron, zone: zone)
        let starts = starts(spec, from: from, through: end, step: .milliseconds(2900), 3)
        var expected: [Instant] = []
        var time = at(from)
        while let next = spec.next(after: time), next + .seconds(303) <= at(end) {
          expected.append(next)
          time = next
        }
        #expect(!expected.isEmpty || zone == "UTC")
        for nominal in expected {
          let start = try #require(starts[nominal])
          let exact = spec.start(of: nominal, in: "keys")
          #expect(start >= exact && start < exact + .milliseconds(2900))
        }
      }
    }
  }

  @Test func theNextFireHasItsDelay() throws {
    let spec = try jittered(.seconds(600))
    func next(_ considered: String, _ now: String) -> Instant? {
      poolStatus {
        $0.pool.schedules = [spec]
        $0.marks = [
          spec.name: ScheduleMark(timing: spec.timing, active: true, considered: at(considered))
        ]
      }.nextFire(after: at(now))
    }
    let delayed = at("2026-06-01T12:07:49.116Z")
    #expect(next("2026-06-01T11:08:00Z", "2026-06-01T11:59:00Z") == delayed)
    // The time has passed, its delay has not.
    #expect(next("2026-06-01T11:08:00Z", "2026-06-01T12:03:00Z") == delayed)
    #expect(next(noon, "2026-06-01T12:08:00Z") == at("2026-06-01T13:02:36.716Z"))
    // Another timing, or none at all: the time that passed does not count.
    let strange = poolStatus { $0.pool.schedules = [spec] }
    #expect(strange.nextFire(after: at("2026-06-01T12:03:00Z")) == at("2026-06-01T13:02:36.716Z"))
  }
}
