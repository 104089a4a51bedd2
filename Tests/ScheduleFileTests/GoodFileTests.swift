import Cron
import Larder
import Sizing
import Testing

@testable import ScheduleFile

@Suite struct GoodFileTests {
  private func pool(_ name: String) throws -> Pool {
    let result = ScheduleFile.parse(
      Data.bytes("good/\(name).yaml"), file: "\(name).yaml", directory: "/srv/Schedules")
    #expect(result.diagnostics == [])
    return try #require(result.pool)
  }

  @Test(arguments: Data.names("good"))
  func goodFilesHaveNothingToSay(_ name: String) throws {
    _ = try pool(name)
  }

  @Test func theLeastFileHasEveryDefault() throws {
    let pool = try pool("minimal")
    #expect(pool.name == "vouchers")
    #expect(pool.description == "")
    #expect(pool.suspend == false)
    #expect(pool.producer == nil)
    #expect(pool.stock == StockPolicy())
    #expect(pool.stock.target == nil)
    #expect(pool.stock.reorderAt == 0)
    #expect(pool.stock.max == 10_000)
    #expect(pool.stock.shelfLife == nil)
    #expect(pool.stock.takesAll == false)
    #expect(pool.stock.duplicates == .ignore)
    #expect(pool.stock.onRevision == .keep)
    #expect(pool.schedules.isEmpty)
    #expect(pool.claims.order == .fefo)
    #expect(pool.claims.perUser == 1)
    #expect(pool.claims.minRemaining == .zero)
    #expect(pool.claims.hold == .seconds(600))
    #expect(pool.claims.onMiss == .reject)
    #expect(pool.claims.backorderTimeout == .seconds(900))
    #expect(pool.claims.onRelease == .discard)
    #expect(pool.claims.webhook == nil)
  }

  @Test func leftOutKeysOfProducersAndSchedulesHaveTheirDefaults() throws {
    let parsed = Data.parse(
      """
      pool: p
      producer: {command: [make]}
      stock: {target: 1}
      schedules: [{cron: "@daily"}, {cron: "@hourly"}]
      """)
    let pool = try #require(parsed.pool)
    let producer = try #require(pool.producer)
    #expect(producer.output == .jsonl)
    #expect(producer.environment == [:])
    #expect(producer.secrets == [:])
    #expect(producer.slice == 100)
    #expect(producer.timeout == .seconds(300))
    #expect(producer.concurrency == 1)
    #expect(producer.rate == nil)
    #expect(producer.retry.attempts == 5)
    #expect(producer.retry.backoff == .seconds(10))
    #expect(producer.retry.maxBackoff == .seconds(300))
    #expect(producer.breaker.failures == 5)
    #expect(producer.breaker.cooldown == .seconds(600))
    #expect(producer.revision == "")
    #expect(pool.schedules.map(\.name) == ["schedule-1", "schedule-2"])
    let schedule = pool.schedules[0]
    #expect(schedule.zone.name == "UTC")
    #expect(schedule.target == nil)
    #expect(schedule.jitter == .zero)
    #expect(schedule.overlap == .skip)
    #expect(schedule.catchup == .latest)
    #expect(schedule.catchupWindow == .seconds(86_400))
    #expect(schedule.suspend == false)
  }

  @Test func theFileOfTheDesignIsThePoolOfTheDefaults() throws {
    let pool = try pool("full")
    #expect(pool.name == "movie-tickets")
    var producer = ProducerSpec(
      command: ["./producers/buy-tickets", "--cinema", "central"],
      executable: "/srv/Schedules/producers/buy-tickets", directory: "/srv/Schedules/producers")
    #expect(pool.producer == producer)
    producer.slice += 1
    #expect(pool.producer != producer)
    var stock = StockPolicy()
    stock.target = 100
    #expect(pool.stock == stock)
    #expect(pool.claims == ClaimPolicy())
    #expect(pool.schedules.map(\.name) == ["hourly"])
    #expect(pool.schedules[0].timing == "0 * * * * UTC")
    #expect(pool.schedules[0].target == 800)
  }

  @Test func everyKeyReachesTheModel() throws {
    let pool = try pool("everything-else")
    #expect(pool.name == "reports.daily_2")
    #expect(pool.description == "Reports that customers open in the morning.\n")
    #expect(pool.suspend)
    let producer = try #require(pool.producer)
    #expect(producer.command == ["render-report", "--copies", "2", "ü"])
    #expect(producer.executable == "render-report")
    #expect(producer.directory == "/srv/Schedules")
    #expect(producer.output == .lines)
    #expect(
      producer.environment == [
        "PATH": "/opt/bin", "LANG": "C.UTF-8", "PORT": "8080", "_x": "", "DEBUG": "true",
      ])
    #expect(producer.secrets == ["TOKEN": "/srv/secrets/token", "KEY": "/etc/larder/key"])
    #expect(producer.slice == 2000)
    #expect(producer.timeout == .seconds(5400))
    #expect(producer.concurrency == 3)
    #expect(producer.rate == Rate(items: 2.5, per: .seconds(1)))
    #expect(producer.retry.attempts == 1)
    #expect(producer.retry.backoff == .milliseconds(250))
    #expect(producer.retry.maxBackoff == .seconds(1))
    #expect(producer.breaker.failures == 1)
    #expect(producer.breaker.cooldown == .zero)
    #expect(producer.revision == "1.10")
    #expect(pool.stock.target == 7)
    #expect(pool.stock.reorderAt == 3)
    #expect(pool.stock.max == 9)
    #expect(pool.stock.shelfLife == .seconds(7 * 86_400))
    #expect(pool.stock.takesAll == false)
    #expect(pool.stock.duplicates == .replace)
    #expect(pool.stock.onRevision == .replace)
    #expect(pool.stock.costs == Costs(miss: 2.5, waste: 0, holding: 0.125))
    #expect(pool.claims.order == .fifo)
    #expect(pool.claims.perUser == 0)
    #expect(pool.claims.minRemaining == .seconds(60))
    #expect(pool.claims.hold == .seconds(30 * 86_400))
    #expect(pool.claims.onMiss == .backorder)
    #expect(pool.claims.backorderTimeout == .milliseconds(1))
    #expect(pool.claims.onRelease == .restock)
    #expect(
      pool.claims.webhook
        == WebhookSpec(url: "https://example.org/hook?a=%20", secret: "/srv/secrets/hook.key"))
    let excluded = pool.demand.excluded.map { [$0.lowerBound, $0.upperBound].map(RFC3339.format) }
    #expect(
      excluded == [
        ["2026-03-01T08:00:00.000Z", "2026-03-01T11:00:00.000Z"],
        ["2026-02-01T00:00:00.500Z", "2026-02-02T00:00:00.000Z"],
      ])
    let days = [(24, 0), (28, 6)].map { (CivilDate(year: 2026, month: 12, day: $0)!, $1) }
    #expect(pool.demand.days == Dictionary(uniqueKeysWithValues: days))
  }

  @Test(arguments: [
    ("hold: 0s", true), ("hold: 30d", true), ("hold: 30d1ms", false), ("hold: none", false),
    ("backorder: {timeout: 1ms}", true), ("backorder: {timeout: 0s}", false),
    ("backorder: {timeout: 30d}", true), ("backorder: {timeout: 30d1ms}", false),
    ("on_miss: reject, backorder: {timeout: 1h}", true),
  ])
  func holdsAndBackordersLastThirtyDaysAtMost(_ entry: String, _ isGood: Bool) {
    let parsed = Data.parse("pool: p\nclaims: {\(entry)}\n")
    #expect((parsed.pool != nil) == isGood)
    #expect(parsed.diagnostics.isEmpty == isGood)
  }

  @Test func aPoolMayAllowNoHolds() throws {
    let claims = try #require(Data.parse("pool: p\nclaims: {hold: 0s}\n").pool).claims
    #expect(claims.hold == .zero)
    #expect(claims.onRelease == .discard)
  }

  @Test func everyKeyOfASchedulesReachesTheModel() throws {
    let schedules = try pool("everything-else").schedules
    #expect(schedules.map(\.name) == ["schedule-1", "schedule-2", "at night"])
    #expect(schedules[0].cron.source == "30 5 * * MON-FRI")
    #expect(schedules[0].zone.name == "Europe/Berlin")
    #expect(schedules[0].target == 9)
    #expect(schedules.map(\.jitter) == [.seconds(5400), .zero, .seconds(86_400)])
    #expect(schedules.map(\.overlap) == [.queue, .replace, .skip])
    #expect(schedules[0].catchup == .all)
    #expect(schedules[0].catchupWindow == .seconds(129_600))
    #expect(schedules[0].suspend)
    #expect(schedules[1].catchup == .none)
    #expect(schedules[1].zone.name == "UTC")
  }

  @Test func runsOfAPoolMayTakeAllThereIs() throws {
    let pool = try pool("take-all")
    #expect(pool.stock.target == nil)
    #expect(pool.stock.takesAll)
    #expect(pool.stock.reorderAt == 1)
    #expect(pool.stock.max == 100)
    #expect(pool.stock.duplicates == .replace)
    #expect(pool.stock.onRevision == .keep)
    #expect(pool.schedules.map(\.target) == [nil, 80])
  }

  @Test(arguments: ["producer: {command: [make]}\n", ""])
  func theReorderPointOfAPoolThatTakesAllMayLieBelowItsMaximum(_ producer: String) throws {
    let file = "pool: p\n\(producer)stock: {target: all, max: 200, reorder_at: 199}\n"
    let parsed = Data.parse(file)
    #expect(parsed.diagnostics.filter { $0.severity == .error } == [])
    #expect(try #require(parsed.pool).stock.reorderAt == 199)
    let above = Data.parse(file.replacing("199", with: "201"))
    #expect(above.pool == nil)
  }

  @Test(arguments: [
    ("slice: 51", true), ("slice: 50", false), ("retry: {}", true), ("slice: none", false),
  ])
  func aMaximumBelowASliceIsWarnedOfWhereRunsTakeAll(_ entry: String, _ isWarned: Bool) {
    func warnings(_ target: String) -> [Diagnostic] {
      Data.parse(
        "pool: p\nproducer: {command: [make], \(entry)}\nstock: {target: \(target), max: 50}\n"
      ).diagnostics.filter { $0.severity == .warning }
    }
    #expect(warnings("all").map(\.message.isEmpty) == (isWarned ? [false] : []))
    #expect(warnings("5") == [])
  }

  @Test(arguments: [
    ("0s", Duration.zero), ("250ms", .milliseconds(250)), ("24h", .seconds(86_400)),
    ("1d", .seconds(86_400)), ("1d1ms", nil), ("25h", nil), ("none", nil),
  ])
  func jitterIsADurationUpToADay(_ text: String, _ jitter: Duration?) {
    let parsed = Data.parse(
      """
      pool: p
      producer: {command: [make]}
      stock: {target: 1}
      schedules: [{cron: "@daily", jitter: \(text)}]
      """)
    #expect(parsed.pool?.schedules.first?.jitter == jitter)
    #expect(parsed.diagnostics.isEmpty == (jitter != nil))
  }

  @Test(arguments: [
    ("./a/b", "/srv/Schedules/a/b", "/srv/Schedules/a"),
    ("../bin/make", "/srv/bin/make", "/srv/bin"),
    ("bin/make", "/srv/Schedules/bin/make", "/srv/Schedules/bin"),
    ("/usr//bin/./env", "/usr/bin/env", "/usr/bin"),
    ("/make", "/make", "/"),
    ("../../../make", "/make", "/"),
    ("make", "make", "/srv/Schedules"),
  ])
  func aProgramIsFoundFromTheFilesFolder(_ program: String, _ path: String, _ folder: String) {
    let pool = Data.parse("pool: p\nproducer: {command: [\(program)]}\nstock: {target: 1}\n").pool
    #expect(pool?.producer?.executable == path)
    #expect(pool?.producer?.directory == folder)
    #expect(pool?.producer?.command == [program])
  }

  @Test(arguments: [
    ("600/h", 600.0, 3600), ("10/s", 10, 1), ("0.5/m", 0.5, 60),
    ("999999999/d", 999_999_999, 86_400),
  ])
  func ratesAreANumberInATime(_ text: String, _ items: Double, _ seconds: Int) {
    let parsed = Data.parse(
      "pool: p\nproducer: {command: [make], rate: \(text)}\nstock: {target: 1}\n")
    #expect(parsed.pool?.producer?.rate == Rate(items: items, per: .seconds(seconds)))
  }

  @Test func theSlowestRateOverflowsNothing() {
    let rate = Data.parse(
      "pool: p\nproducer: {command: [make], rate: 0.001/d}\nstock: {target: 1}\n"
    ).pool?.producer?.rate
    #expect(rate?.time(for: Limits.poolMax) == .seconds(8_640_000_000_000_000))
  }
}
