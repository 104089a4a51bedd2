import Cron
import Larder
import Testing

@Suite struct TimeTextTests {
  @Test(
    arguments: [
      (0, "1970-01-01T00:00:00.000Z"), (1, "1970-01-01T00:00:00.001Z"),
      (-1, "1969-12-31T23:59:59.999Z"), (-1000, "1969-12-31T23:59:59.000Z"),
      (-1001, "1969-12-31T23:59:58.999Z"), (951_782_400_000, "2000-02-29T00:00:00.000Z"),
      (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
      (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
      (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
      (-62_135_596_800_000, "0001-01-01T00:00:00.000Z"),
    ] as [(Int64, String)])
  func instantsAreWrittenAndReadBack(_ milliseconds: Int64, _ text: String) {
    let instant = Instant(milliseconds: milliseconds)
    #expect(RFC3339.format(instant) == text)
    #expect(RFC3339.parse(text) == instant)
    #expect(RFC3339.format(seconds: instant.seconds) == text.prefix(19) + "Z")
  }

  @Test(arguments: [
    ("2026-11-24T20:00:00Z", "2026-11-24T20:00:00.000Z"),
    ("2026-11-24t20:00:00z", "2026-11-24T20:00:00.000Z"),
    ("2026-11-24 20:00:00Z", "2026-11-24T20:00:00.000Z"),
    ("2026-11-24T20:00:00+02:00", "2026-11-24T18:00:00.000Z"),
    ("2026-11-24T20:00:00-09:30", "2026-11-25T05:30:00.000Z"),
    ("2026-01-01T00:30:00+05:45", "2025-12-31T18:45:00.000Z"),
    ("2026-11-24T20:00:00-00:00", "2026-11-24T20:00:00.000Z"),
    ("2026-11-24T20:00:00.5Z", "2026-11-24T20:00:00.500Z"),
    ("2026-11-24T20:00:00.05Z", "2026-11-24T20:00:00.050Z"),
    ("2026-11-24T20:00:00.123999999Z", "2026-11-24T20:00:00.123Z"),
    ("1969-12-31T23:59:59.25Z", "1969-12-31T23:59:59.250Z"),
    ("2024-02-29T12:00:00.1+14:00", "2024-02-28T22:00:00.100Z"),
    ("9999-12-31T23:59:59-05:00", "9999-12-31T23:59:59.999Z"),
    ("0001-01-01T00:00:00+05:00", "0001-01-01T00:00:00.000Z"),
  ])
  func offsetsAndFractionsAreRead(_ text: String, _ utc: String) throws {
    #expect(RFC3339.format(try #require(RFC3339.parse(text))) == utc)
  }

  @Test(arguments: [
    "", "2026", "2026-11-24", "2026-11-24T20:00Z", "2026-11-24T20:00:00", "2026-11-24T20:00:00.Z",
    "2026-11-24T20:00:00+2:00", "2026-11-24T20:00:00+0200", "2026-11-24T20:00:00+24:00",
    "2026-11-24T20:00:00+02:60", "2026-11-24T20:00:00ZZ", "2026-11-24T20:00:00Z ",
    " 2026-11-24T20:00:00Z", "2026-11-24T24:00:00Z", "2026-11-24T20:60:00Z",
    "2026-11-24T20:00:60Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z",
    "2026-11-31T00:00:00Z", "2026-02-29T00:00:00Z", "1900-02-29T00:00:00Z",
    "2026-11-00T00:00:00Z", "-001-01-01T00:00:00Z", "-2026-01-01T00:00:00Z",
    "+2026-01-01T00:00:00Z", "12026-01-01T00:00:00Z", "2026-11-24T20:00:00,5Z",
    "2026/11/24T20:00:00Z", "2026-11-24T20.00.00Z", "2026-11-24_20:00:00Z", "２026-11-24T20:00:00Z",
  ])
  func otherTextsAreNoTimes(_ text: String) {
    #expect(RFC3339.parse(text) == nil)
  }

  @Test func everyInstantOfFourDigitYearsComesBack() {
    var random = SeededRandom(seed: 3)
    for _ in 0..<5000 {
      let milliseconds = Int64.random(
        in: -62_135_596_800_000...253_402_300_799_999, using: &random)
      let instant = Instant(milliseconds: milliseconds)
      #expect(RFC3339.parse(RFC3339.format(instant)) == instant)
    }
  }

  @Test(arguments: [(0, 0), (999, 0), (1000, 1), (-1, -1), (-1000, -1), (-1001, -2)])
  func secondsAreRoundedTowardsThePast(_ milliseconds: Int, _ seconds: Int) {
    #expect(Instant(milliseconds: Int64(milliseconds)).seconds == Int64(seconds))
  }

  @Test func sumsOfInstantsDoNotOverflow() {
    let latest = Instant(milliseconds: .max)
    #expect(latest + .seconds(1) == latest)
    let earliest = Instant(milliseconds: .min)
    #expect(earliest - .seconds(1) == earliest && earliest + .seconds(Int64.min) == earliest)
    #expect((latest - earliest).inMilliseconds == .max)
    #expect((earliest - latest).inMilliseconds == .min)
    #expect(Duration.seconds(Int64.max).inMilliseconds == .max)
    #expect(DurationText.format(.seconds(Int64.max)).hasSuffix("ms"))
    #expect(at("2026-06-01T12:00:00Z") + .milliseconds(1500) == at("2026-06-01T12:00:01.5Z"))
    #expect(at("2026-06-01T12:00:01.5Z") - .seconds(2) == at("2026-06-01T11:59:59.5Z"))
    #expect(at("2026-06-01T12:00:01.5Z") - at("2026-06-01T12:00:00Z") == .milliseconds(1500))
  }

  @Test(arguments: [
    ("0s", 0), ("0ms", 0), ("250ms", 250), ("10s", 10_000), ("5m", 300_000), ("24h", 86_400_000),
    ("7d", 604_800_000), ("1h30m", 5_400_000), ("1d2h3m4s5ms", 93_784_005), ("90m", 5_400_000),
    ("007s", 7000), ("36525d", 3_155_760_000_000),
  ])
  func durationsAreRead(_ text: String, _ milliseconds: Int) {
    #expect(DurationText.parse(text) == .milliseconds(milliseconds))
  }

  @Test(arguments: [
    "", "5", "s", "-5s", "+5s", "5 s", " 5s", "5s ", "5S", "1.5h", "5sec", "5w", "30m1h", "1m1m",
    "1ms1s", "1h30", "36526d", "36525d1ms", "99999999999999999999s", "9223372036854775807d", "٣s",
    "none", "5s,", "5m\u{0}",
  ])
  func otherTextsAreNoDurations(_ text: String) {
    #expect(DurationText.parse(text) == nil)
  }

  @Test(arguments: [
    (0, "0s"), (1, "1ms"), (1000, "1s"), (600_000, "10m"), (5_400_000, "1h30m"),
    (86_400_000, "1d"), (93_784_005, "1d2h3m4s5ms"), (61_001, "1m1s1ms"),
  ])
  func durationsAreWritten(_ milliseconds: Int, _ text: String) {
    #expect(DurationText.format(.milliseconds(milliseconds)) == text)
  }

  @Test func durationsComeBack() {
    var random = SeededRandom(seed: 5)
    for _ in 0..<5000 {
      let duration = Duration.milliseconds(Int64.random(in: 0...3_155_760_000_000, using: &random))
      #expect(DurationText.parse(DurationText.format(duration)) == duration)
    }
  }

  @Test(arguments: [
    (600.0, 3600, 100, 600_000), (10, 1, 1, 100), (10, 1, 25, 2500), (3, 1, 1, 334),
    (1, 86_400, 2000, 172_800_000_000), (0.5, 86_400, 2000, 345_600_000_000),
    (999_999_999, 1, 1, 1), (1, 1, 0, 0),
  ])
  func aRateGivesTheTimeOfASlice(_ items: Double, _ per: Int, _ count: Int, _ milliseconds: Int) {
    #expect(
      Rate(items: items, per: .seconds(per)).time(for: count) == .milliseconds(milliseconds))
  }

  @Test(arguments: [
    (0, "0s"), (999, "0s"), (1000, "1s"), (59_999, "59s"), (60_000, "1m"), (750_999, "12m30s"),
    (3_600_000, "1h"), (3_659_000, "1h"), (3_661_000, "1h1m"), (86_399_999, "23h59m"),
    (90_061_000, "1d1h"), (86_400_000 * 400 + 59_000, "400d"), (-5000, "0s"),
  ])
  func roughDurationsHaveTwoUnits(_ milliseconds: Int, _ text: String) {
    #expect(DurationText.rough(.milliseconds(milliseconds)) == text)
  }

  @Test func waitsDoubleUpToTheirCeiling() {
    var retry = RetryPolicy()
    retry.backoff = .seconds(10)
    retry.maxBackoff = .seconds(300)
    let waits = (0...8).map { retry.ceiling(afterFailures: $0).inMilliseconds / 1000 }
    #expect(waits == [10, 10, 20, 40, 80, 160, 300, 300, 300])
    #expect(retry.ceiling(afterFailures: .max) == .seconds(300))
    retry.maxBackoff = .seconds(5)
    #expect(retry.ceiling(afterFailures: 1) == .seconds(5))
    retry.backoff = .zero
    #expect(retry.ceiling(afterFailures: .max) == .zero)
    retry.backoff = .milliseconds(1)
    retry.maxBackoff = .seconds(36_525 * 86_400)
    #expect(retry.ceiling(afterFailures: .max) == .seconds(36_525 * 86_400))
    retry.backoff = retry.maxBackoff
    #expect(retry.ceiling(afterFailures: 1000) == retry.maxBackoff)
  }
}
