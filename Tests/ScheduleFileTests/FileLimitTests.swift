import Larder
import Testing

@testable import ScheduleFile

/// Each limit of a schedule file's values from both sides.
@Suite struct FileLimitTests {
  private func isGood(_ keys: String, pool: String = "p") -> Bool {
    Data.parse("pool: \(pool)\n\(keys)\n").pool != nil
  }

  private func text(_ count: Int) -> String { String(repeating: "a", count: count) }

  private func isGood(producer: String) -> Bool {
    isGood("producer: {command: [make], \(producer)}\nstock: {target: 1}")
  }

  @Test(arguments: [-1, 0, 1])
  func textsHaveSoManyCharacters(_ more: Int) {
    let isTaken = more <= 0
    #expect(isGood("", pool: text(Limits.poolNameBytes + more)) == isTaken)
    let name = text(FileLimits.scheduleNameCharacters + more)
    #expect(
      isGood(
        "producer: {command: [make]}\nstock: {target: 1}\n"
          + "schedules: [{name: \(name), cron: '@daily'}]") == isTaken)
    #expect(isGood(producer: "revision: \(text(FileLimits.revisionCharacters + more))") == isTaken)
    let url = "https://example.org/"
    let path = text(FileLimits.webhookURLBytes - url.utf8.count + more)
    #expect(isGood("claims: {webhook: {url: '\(url)\(path)', secret: ./key}}") == isTaken)
  }

  @Test(arguments: [-1, 0, 1])
  func listsHaveSoManyEntries(_ more: Int) {
    let isTaken = more <= 0
    let arguments = Array(repeating: "x", count: FileLimits.arguments.upperBound + more)
    #expect(
      isGood(
        "producer: {command: [\(arguments.joined(separator: ", "))]}\nstock: {target: 1}")
        == isTaken)
    let schedules = Array(repeating: "{cron: '@daily'}", count: Limits.schedulesPerPool + more)
    #expect(
      isGood(
        "producer: {command: [make]}\nstock: {target: 1}\n"
          + "schedules: [\(schedules.joined(separator: ", "))]") == isTaken)
    let span = "{from: 2026-03-01T08:00:00Z, to: 2026-03-01T12:00:00Z}"
    let spans = Array(repeating: span, count: Limits.excludedSpans + more)
    #expect(isGood("demand: {exclude: [\(spans.joined(separator: ", "))]}") == isTaken)
    let days = (0..<Limits.dayOverrides + more).map { place in
      let (year, rest) = place.quotientAndRemainder(dividingBy: 12 * 28)
      let (month, day) = rest.quotientAndRemainder(dividingBy: 28)
      func two(_ number: Int) -> String { number < 9 ? "0\(number + 1)" : "\(number + 1)" }
      return "202\(year)-\(two(month))-\(two(day)): sunday"
    }
    #expect(isGood("demand: {days: {\(days.joined(separator: ", "))}}") == isTaken)
  }

  @Test func listsStandInEachOtherSoDeep() {
    // One level is the file itself. No text is a list, so that the error tells which rule it was.
    func isTooDeep(_ lists: Int) -> Bool {
      let text = String(repeating: "[", count: lists) + String(repeating: "]", count: lists)
      return Data.parse("pool: p\ndescription: \(text)\n").diagnostics.contains {
        $0.message.contains("deep in each other")
      }
    }
    #expect(!isTooDeep(FileLimits.depth - 2))
    #expect(!isTooDeep(FileLimits.depth - 1))
    #expect(isTooDeep(FileLimits.depth))
  }

  @Test(arguments: [
    ("slice", Limits.sliceItems), ("concurrency", FileLimits.concurrency),
  ])
  func numbersOfProducersHaveARange(_ key: String, _ range: ClosedRange<Int>) {
    for (number, isTaken) in [
      (range.lowerBound - 1, false), (range.lowerBound, true), (range.upperBound, true),
      (range.upperBound + 1, false),
    ] {
      #expect(isGood(producer: "\(key): \(number)") == isTaken, "\(key): \(number)")
    }
  }

  @Test(arguments: [
    ("retry", "attempts", FileLimits.attempts), ("breaker", "failures", FileLimits.breakerFailures),
  ])
  func numbersOfTriesHaveARange(_ section: String, _ key: String, _ range: ClosedRange<Int>) {
    for (number, isTaken) in [
      (range.lowerBound - 1, false), (range.lowerBound, true), (range.upperBound, true),
      (range.upperBound + 1, false),
    ] {
      #expect(isGood(producer: "\(section): {\(key): \(number)}") == isTaken, "\(key): \(number)")
    }
  }

  @Test func stockHasARange() {
    let most = FileLimits.stock.upperBound
    for (max, isTaken) in [
      (0, false), (1, true), (most - 1, true), (most, true), (most + 1, false),
    ] {
      #expect(isGood("stock: {max: \(max)}") == isTaken, "max: \(max)")
      #expect(isGood("claims: {per_user: \(max)}") == (isTaken || max == 0), "per_user: \(max)")
    }
  }

  @Test(arguments: [-1, 0, 1])
  func timesHaveALongest(_ more: Int64) {
    func isGood(_ keys: String) -> Bool { self.isGood(keys) }
    let isTaken = more <= 0
    let hold = FileLimits.hold.components.seconds + more
    #expect(isGood("claims: {hold: \(hold)s}") == isTaken)
    let timeout = FileLimits.backorderTimeout.components.seconds + more
    #expect(isGood("claims: {backorder: {timeout: \(timeout)s}}") == isTaken)
    let jitter = FileLimits.jitter.components.seconds + more
    #expect(
      isGood(
        "producer: {command: [make]}\nstock: {target: 1}\n"
          + "schedules: [{cron: '@yearly', jitter: \(jitter)s}]") == isTaken)
  }
}
