import Cron
import Sizing

/// Requests as web servers and proxies log them, a line each: in the common log format or one that
/// begins like it, or as JSON objects that have a time. Lines may stand in any order.
package enum AccessLog {
  /// Where JSON lines are looked at for their time, in this order.
  package static let timeFields = [
    "time", "timestamp", "@timestamp", "ts", "time_iso8601", "time_local", "start_time", "date",
  ]

  /// Whether a text is such a log and not a demand file: the first line that says something tells.
  package static func isLog(_ text: [UInt8]) -> Bool {
    for line in lines(of: text) {
      if line.first == UInt8(ascii: "#") || isBlank(line) { continue }
      return line.first == UInt8(ascii: "{") || time(ofCommonLog: line) != nil
    }
    return false
  }

  /// Counts the lines by their bins, from the first one's to the last one's.
  /// - Parameter timeField: the member of JSON lines that has the time; nil: one of `timeFields`.
  package static func read(
    _ text: [UInt8], timeField: String? = nil
  ) throws(DemandFile.Malformed) -> DemandSeries {
    guard text.count <= Limits.demandFileBytes else {
      throw DemandFile.Malformed(
        line: 0, message: "more than \(Limits.demandFileBytes) bytes: import it in parts")
    }
    var counts: [Int: Int] = [:]
    var number = 0
    for line in lines(of: text) {
      number += 1
      if isBlank(line) { continue }
      counts[try time(of: line, at: number, timeField).bin, default: 0] += 1
    }
    guard let first = counts.keys.min(), let last = counts.keys.max() else {
      throw DemandFile.Malformed(line: 0, message: "there is no line in it")
    }
    guard last - first < Limits.demandBins else {
      throw DemandFile.Malformed(
        line: 0, message: "the lines cover more than \(Limits.demandBins) times 5 minutes")
    }
    return DemandSeries(start: first, requests: (first...last).map { counts[$0, default: 0] })
  }

  private static func lines(of text: [UInt8]) -> [ArraySlice<UInt8>] {
    text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
  }

  private static func isBlank(_ line: ArraySlice<UInt8>) -> Bool {
    line.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
  }

  private static func time(
    of line: ArraySlice<UInt8>, at number: Int, _ field: String?
  ) throws(DemandFile.Malformed) -> Instant {
    if line.first == UInt8(ascii: "{") { return try time(ofJSON: line, at: number, field) }
    guard let time = time(ofCommonLog: line) else {
      throw DemandFile.Malformed(
        line: number,
        message: "the line has no time like [10/Oct/2026:13:55:36 +0200]: take such lines out")
    }
    return time
  }

  // MARK: JSON lines

  private static func time(
    ofJSON line: ArraySlice<UInt8>, at number: Int, _ field: String?
  ) throws(DemandFile.Malformed) -> Instant {
    let found = line.withUnsafeBufferPointer { bytes -> Result<Instant?, JSONError> in
      Result { () throws(JSONError) in
        let members = try JSONReader.members(of: bytes)
        for name in field.map({ [$0] }) ?? timeFields {
          guard let value = members.first(where: { $0.name == name })?.value else { continue }
          let text =
            JSONReader.string(value, of: bytes)
            ?? String(decoding: bytes[value.range], as: UTF8.self)
          if let time = time(text) { return time }
        }
        return nil
      }
    }
    switch found {
    case .success(let time?): return time
    case .success(nil):
      let names = field ?? timeFields.joined(separator: ", ")
      throw DemandFile.Malformed(
        line: number, message: "the object has no time in \(names): --time names its member")
    case .failure(let error):
      throw DemandFile.Malformed(line: number, message: "the line is no JSON: \(error.message)")
    }
  }

  /// RFC 3339, the common log's form, or seconds or milliseconds since the epoch.
  private static func time(_ text: String) -> Instant? {
    if let number = Double(text), number.isFinite, number > 0 {
      let milliseconds = number < secondsEnd ? number * 1000 : number
      guard milliseconds < lastMillisecond else { return nil }
      return Instant(milliseconds: Int64(milliseconds))
    }
    return RFC3339.parse(text) ?? time(ofCommonLog: Array("[\(text)]".utf8)[...])
  }

  /// A number from here on counts milliseconds: as seconds it would be after the year 5000.
  private static let secondsEnd = 1e11
  private static let lastMillisecond = 253_402_300_800_000.0

  // MARK: The common log format

  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  /// The first `[10/Oct/2026:13:55:36 +0200]` of a line.
  private static func time(ofCommonLog line: ArraySlice<UInt8>) -> Instant? {
    let length = 28
    var rest = line
    while let open = rest.firstIndex(of: UInt8(ascii: "[")) {
      rest = rest[(open + 1)...]
      guard rest.count >= length - 1 else { return nil }
      if let time = time(inBrackets: Array(rest.prefix(length - 1))) { return time }
    }
    return nil
  }

  /// - Parameter text: `10/Oct/2026:13:55:36 +0200]`
  private static func time(inBrackets text: [UInt8]) -> Instant? {
    func number(_ range: Range<Int>) -> Int? {
      var value = 0
      for byte in text[range] {
        guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
        value = value * 10 + Int(byte - UInt8(ascii: "0"))
      }
      return value
    }
    let marks: [(Int, Character)] = [
      (2, "/"), (6, "/"), (11, ":"), (14, ":"), (17, ":"), (20, " "), (26, "]"),
    ]
    guard marks.allSatisfy({ text[$0.0] == $0.1.asciiValue }),
      let month = months.firstIndex(of: String(decoding: text[3..<6], as: UTF8.self)),
      let day = number(0..<2), let year = number(7..<11), let hour = number(12..<14),
      let minute = number(15..<17), let second = number(18..<20),
      let date = CivilDate(year: year, month: month + 1, day: day),
      // A leap second counts as the one before it.
      let time = CivilTime(date: date, hour: hour, minute: minute, second: min(second, 59)),
      let ahead = number(22..<24), let minutes = number(24..<26), ahead < 24, minutes < 60,
      text[21] == UInt8(ascii: "+") || text[21] == UInt8(ascii: "-")
    else { return nil }
    let offset = (ahead * 60 + minutes) * (text[21] == UInt8(ascii: "-") ? -60 : 60)
    return Instant(seconds: time.secondsSinceEpoch - Int64(offset))
  }
}
