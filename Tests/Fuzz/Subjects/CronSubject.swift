import Cron

/// Zones that are unlike one another; a line says which, by its first byte.
private let zones = [
  "UTC", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca",
  "Antarctica/Troll", "Europe/Dublin",
].compactMap { try? Zone.load($0) }

func checkCron(_ bytes: [UInt8]) throws(Broken) {
  let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
  let source = String(decoding: lines[0], as: UTF8.self)
  let expression: CronExpression
  do throws(CronError) {
    expression = try CronExpression.parse(source)
  } catch {
    return try check(error, of: source)
  }
  let again = try? CronExpression.parse(source)
  try require(again == expression, "the same text gives another expression")
  let after = lines.count > 1 ? Int64(String(decoding: lines[1], as: UTF8.self)) ?? 0 : 0
  let zone = zones[Int(lines.count > 2 ? lines[2].first ?? 0 : 0) % zones.count]
  try FireTimes.check(expression, after: after, in: zone)
}

private func check(_ error: CronError, of source: String) throws(Broken) {
  try require(!error.message.isEmpty, "no message")
  guard let offset = error.offset else {
    return try require(error.length == 0, "a length without a place")
  }
  // What is missing at the end is shown behind it.
  let count = source.unicodeScalars.count
  try require(
    (0...count).contains(offset) && error.length >= 1 && offset + error.length <= count + 1,
    "the error is at \(offset), of length \(error.length), in \(count) characters")
}
