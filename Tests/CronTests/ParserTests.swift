import Cron
import Testing

struct ParserTests {
  @Test(arguments: [
    "* * * * *", "  0\t6  * * MON-FRI ", "0 0 1,15,L * *", "0 0 l,lw,15w * fril",
    "00 007 01 jan,Mar-mAy sun", "0 0 ? * ?", "0 0 L-30 * *", "0 0 L-0 * *", "0 0 * * 7#5,0L",
    "0 0 1/7 JAN/3 *", "0 0 * * FRI-SUN/2", "*/60 */24 */31 */12 */7", "0 0 31W 1 *",
    "0 0 29W 2 *", "0 0 29 2 *", "*,5 * * * *", "59 59 23 31 12 *", "0 0 * * SUN-SUN",
    "0 0 * * 7-7", "@every 1s", "@every 1h30m", "@every  7d ", "@every 30m1h", " @daily ",
    "@every 146097d", "@every 5000000000s",
  ])
  func accepts(_ expression: String) throws {
    #expect(try parse(expression).source == expression)
  }

  @Test(arguments: [
    "", "   ", "*", "* * * *", "0 0 0 1 1 * 2030", "60 * * * *", "* 24 * * *", "* * 32 * *",
    "* * * 13 *", "* * * 0 *", "* * * * 8", "-1 * * * *", "1- * * * *", "-5 * * * *", ", * * * *",
    "*/ * * * *", "/5 * * * *", "*/-5 * * * *", "*/+5 * * * *", "*/61 * * * *", "* */25 * * *",
    "* * */32 * *", "* * * */13 *", "* * * * */8", "1-5/8 * * * 1-5/8", "** * * * *", "5* * * * *",
    "* * * * MON/2", "* * * * 0/7", "* * * * 1-", "* * * * #2", "* * * * MON#", "* * * * MON#0",
    "* * * * MON#6", "* * * * 8#1", "* * * * MON-FRI#2", "* * * * L", "* * * * 5L#2",
    "* * * * MONL2", "* * L-31 * *", "* * L- * *", "* * L-3W * *", "* * W * *", "* * 0W * *",
    "* * 32W * *", "* * WL * *", "* * L/2 * *", "* * 15W/2 * *", "* * 1-L * *", "* * 1-15W * *",
    "* * ?/2 * *", "* * ?,5 * *", "* * 5,? * *", "* ? * * *", "* * * ? *", "? * * * * *",
    "H * * * *", "H/15 * * * *", "H(0-29) * * * *", "0-~ * * * *", "* * * FRI *", "* * * JANUARY *",
    "* * JAN * *", "JAN * * * *", "* L * * *", "* * * L *", "* * 5#2 * *", "1.5 * * * *",
    "0x5 * * * *", "* * * * \u{FF15}", "*\u{A0}* * * *", "* * * *\n*", "0 0 * * *\n",
    "0 0 * * * # note", "0 22-2 * * *", "0 0 * * FRI-MON", "0 0 * * FRI-0", "0 0 * NOV-FEB *",
    "0 0 * * 7-1", "0 0 30 2 *", "0 0 31 2,4,6,9,11 *", "0 0 31W 2,4 *", "0 0 30W 2 *",
    "0 0 L-29 2 *", "0 0 */31 * MON#2", "@reboot", "@Daily", "@HOURLY", "@secondly", "@",
    "@daily x",
    "@daily @daily", "@every", "@every 0s", "@every 90", "@every m", "@every 1.5h", "@every -5m",
    "@every 250ms", "@every 1500ms", "@every 1h 30m", "@every 5M", "@every 1w", "@every 146098d",
    "@every 99999999999999999999s", "@Every 5m", "@every5m", "5 @daily", "MON * * * *",
  ])
  func refuses(_ expression: String) throws {
    let error = try #require(cronError(expression))
    #expect(!error.message.isEmpty)
    guard let offset = error.offset else {
      #expect(error.length == 0)
      return
    }
    #expect(error.length >= 1)
    #expect(offset + error.length <= expression.unicodeScalars.count + 1)
  }

  @Test(arguments: [
    ("0 24 * * *", 2, 2), ("0 0 * * Monday", 8, 6), ("0,,5 * * * *", 2, 1), ("0, * * * *", 2, 1),
    ("*/90 * * * *", 2, 2), ("0 22-2 * * *", 2, 4), ("\u{1F600} 24 * * *", 0, 1),
    ("0 0 1,\u{663} * *", 6, 1), ("0 0 0 1 1 * 2030 x", 12, 6), ("0 0 30 2 *", 4, 4),
    ("0 0 1-32 * *", 6, 2), ("  @reboot", 2, 7), ("@every 90", 7, 2), ("@daily x y", 7, 3),
    ("0 0 * * MON#6", 12, 1), ("0 0 * * 1/2", 8, 3), ("* * *", 0, 5), ("0 0 */31 * MON#2", 4, 12),
  ])
  func pointsAtTheBadPart(_ expression: String, _ offset: Int, _ length: Int) throws {
    let error = try #require(cronError(expression))
    #expect(error.offset == offset)
    #expect(error.length == length)
  }

  @Test(arguments: [
    ("0 22-2 * * *", "write 22-23,0-2"), ("0 23-2 * * *", "write 23,0-2"),
    ("0 22-0 * * *", "write 22-23,0"), ("0 0 * * FRI-MON", "write 5-6,0-1"),
    ("0 0 * NOV-FEB *", "write 11-12,1-2"), ("0 0 * * L5", "write 5L"), ("H * * * *", "jitter"),
    ("0~30 * * * *", "jitter"), ("@reboot", "reorder_at"), ("0 0 0 1 1 * 2030", "year"),
    ("0 0 * * 1/2", "1-6/2"), ("0 0 * * Monday", "write MON"), ("0 0 * MARCH *", "write MAR"),
    ("0 24 * * *", "midnight is 0"), ("@Daily", "@daily"), ("@every 90", "90m"),
    ("@every 250ms", "45s"), ("*/90 * * * *", "@every"), ("? * * * *", "write *"),
    ("0 0 30 2 *", "L is the last day"),
  ])
  func hints(_ expression: String, _ part: String) throws {
    let hint = try #require(cronError(expression)?.hint)
    #expect(hint.contains(part), "\(hint)")
  }

  @Test func theInvertedRangesHintIsValidAndMeansTheSame() throws {
    #expect(
      try fires("0 22-23,0-2 * * *", after: "2027-01-01T21:30:00Z", count: 6) == [
        "2027-01-01T22:00:00Z", "2027-01-01T23:00:00Z", "2027-01-02T00:00:00Z",
        "2027-01-02T01:00:00Z", "2027-01-02T02:00:00Z", "2027-01-02T22:00:00Z",
      ])
  }

  @Test func refusesLongExpressionsBeforeLookingAtThem() throws {
    let longest = "*" + String(repeating: " ", count: 991) + "* * * *"
    #expect(longest.utf8.count == 999)
    #expect(cronError(longest + " ") == nil)
    let error = try #require(cronError(longest + "  "))
    #expect(error.message.contains("1000"))
    #expect(cronError(String(repeating: "1,", count: 5_000_000)) == error)
  }

  @Test func acceptsListsOfAllValuesOfAllFields() throws {
    func list(_ values: ClosedRange<Int>) -> String {
      values.map(String.init).joined(separator: ",")
    }
    let all = [0...59, 0...59, 0...23, 1...31, 1...12, 0...7].map(list).joined(separator: " ")
    let next = try parse(all).next(after: 100, in: .utc)
    #expect(next == 101)
  }

  @Test(arguments: [
    ("*/40 * * * *", "uneven"), ("0 */5 * * *", "uneven"), ("7/40 * * * *", "uneven"),
    ("0 0 */2 * MON", "both"), ("0 0 1,2 * */7", "both"), ("0 0 */31 * */7", "both"),
    ("0 0 30 2 MON", "day of month"), ("0 0 31W 4 MON#1", "day of month"),
  ])
  func warns(_ expression: String, _ part: String) throws {
    let warnings = try parse(expression).warnings
    #expect(warnings.contains { $0.contains(part) }, "\(warnings)")
  }

  @Test(arguments: [
    "*/15 * * * *", "5/15 * * * *", "0 0 */31 * *", "0 0 * * MON", "0 0 13 * FRI", "0-40/7 * * * *",
    "0 0 ? * MON", "0 0 * 2 MON#5", "@daily", "@every 7m",
  ])
  func hasNoWarningWhereNothingIsOdd(_ expression: String) throws {
    #expect(try parse(expression).warnings == [])
  }

  @Test(arguments: [
    ("@yearly", "0 0 1 1 *"), ("@annually", "0 0 1 1 *"), ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"), ("@daily", "0 0 * * *"), ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"), ("0 0 0 * * *", "0 0 * * *"), ("0 0 ? * ?", "0 0 * * *"),
    ("0 0 * * FRI-SUN", "0 0 * * 5,6,0"), ("0 0 * JAN/3 *", "0 0 * 1,4,7,10 *"),
    ("0 0 * * 7L", "0 0 * * SUNL"), ("0 0 lw * *", "0 0 LW * *"),
  ])
  func meansTheSame(_ left: String, _ right: String) throws {
    for zone in ["America/New_York", "Australia/Lord_Howe"] {
      let first = try fires(left, zone, after: "2027-01-01T00:00:00Z", count: 60)
      #expect(try first == fires(right, zone, after: "2027-01-01T00:00:00Z", count: 60))
    }
  }

  @Test func everyCountsFromTheEpochWhateverTheZone() throws {
    let expression = try parse("@every 90m")
    let zone = try Zone.load("America/New_York")
    let start = instant("2027-03-14T06:00:00Z")
    for after in stride(from: start, to: start + 20_000, by: 977) {
      let next = try #require(expression.next(after: after, in: zone))
      #expect(next % 5_400 == 0)
      #expect(next > after && next <= after + 5_400)
      #expect(expression.previous(atOrBefore: next - 1, in: zone) == next - 5_400)
    }
    #expect(expression.next(after: -1, in: zone) == 0)
    #expect(expression.next(after: -5_401, in: zone) == -5_400)
  }

  @Test func noTextTraps() {
    var random = Seeded(2)
    let pieces = [
      "*", "/", "-", ",", "L", "W", "#", "?", "0", "5", "31", "60", "99999999999", "MON", "feb",
      " ",
      "\t", "@", "every", "~", "H", "\u{301}", "\u{1F1E9}", "\0", "SUN", "7", "1",
    ]
    var valid = 0
    for _ in 0..<5_000 {
      let count = Int.random(in: 0...14, using: &random)
      let text = (0..<count).map { _ in pieces.randomElement(using: &random)! }.joined()
      for expression in [text, "0 0 \(text) * *", "0 0 * * \(text)", "@every \(text)"] {
        guard let parsed = try? parse(expression) else { continue }
        valid += 1
        #expect(parsed.next(after: 1_800_000_000, in: .utc) ?? 0 > 1_800_000_000)
      }
    }
    #expect(valid > 100)
  }

  @Test func messagesObeyNoTerminalAndStayShort() throws {
    let error = try #require(
      cronError("\u{1B}[31m\u{202E}" + String(repeating: "x", count: 900) + " * * * *"))
    #expect(!error.message.unicodeScalars.contains("\u{1B}"))
    #expect(!error.message.unicodeScalars.contains("\u{202E}"))
    #expect(error.message.count < 200)
  }
}
