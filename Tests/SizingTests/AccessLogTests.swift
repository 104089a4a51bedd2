import Larder
import Sizing
import Testing

struct AccessLogTests {
  private func read(_ lines: [String], timeField: String? = nil) throws -> DemandSeries {
    try AccessLog.read(Array(lines.joined(separator: "\n").utf8), timeField: timeField)
  }

  @Test func linesOfTheCommonLogFormatAreCounted() throws {
    let lines = [
      #"10.0.0.1 - - [01/Jun/2026:02:00:00 +0200] "GET / HTTP/1.1" 200 12"#,
      #"10.0.0.1 - ada [31/May/2026:17:04:59 -0700] "GET /[x HTTP/1.1" 200 12 "-" "curl""#,
      "", #"[::1] - [y] [01/Jun/2026:00:14:59 +0000] "GET / HTTP/1.1" 200 12"#,
    ]
    for lines in [lines, lines.reversed(), lines.map { $0 + "\r" }] {
      #expect(try read(lines) == DemandSeries(start: monday, requests: [2, 0, 1]))
    }
    #expect(AccessLog.isLog(Array(lines.joined(separator: "\n").utf8)))
  }

  @Test(arguments: [
    #"{"time": "2026-06-01T00:03:00Z"}"#,
    #"{"level": 1, "timestamp": "2026-06-01T02:03:00+02:00"}"#,
    #"{"ts": 1780272180.25, "request": {"time": "x"}}"#, #"{"@timestamp": 1780272180250}"#,
    #"{"ts": "1780272180.250"}"#, #"{"time_local": "01/Jun/2026:00:03:00 +0000"}"#,
    #"{"time": null, "date": "2026-06-01T00:03:00Z"}"#,
  ])
  func jsonLinesSayTheirTime(_ line: String) throws {
    let later = #"{"time": "2026-06-01T00:05:00Z"}"#
    #expect(AccessLog.isLog(Array(line.utf8)))
    #expect(try read([line, later]) == DemandSeries(start: monday, requests: [1, 1]))
  }

  @Test func theMemberWithTheTimeCanBeNamed() throws {
    let lines = [#"{"time": "2026-06-01T01:00:00Z", "when": "2026-06-01T00:00:00Z"}"#]
    #expect(try read(lines, timeField: "when").start == monday)
    #expect(try read(lines).start == monday + 12)
  }

  @Test(arguments: [
    (["{}"], 1, "no time in time, timestamp"), ([#"{"time": "noon"}"#], 1, "no time in"),
    ([#"{"ts": -5}"#], 1, "no time in"), ([#"{"ts": 1e300}"#], 1, "no time in"),
    ([#"{"ts": 1}"#, "{"], 2, "is no JSON"),
    ([#"{"ts": 1}"#, "x [01/Jun/2026:00:00:00 0200] y"], 2, "no time like"),
    ([#"{"ts": 1}"#, "x [31/Jun/2026:00:00:00 +0200] y"], 2, "no time like"),
    ([#"{"ts": 1}"#, "x [01/Jun/2026:00:00:00 +02"], 2, "no time like"),
    ([], 0, "no line"), (["", " "], 0, "no line"),
    ([#"{"ts": 1}"#, #"{"ts": 1780272180}"#], 0, "cover more than"),
  ])
  func refusesWhatHasNoTime(_ lines: [String], _ line: Int, _ message: String) throws {
    let error = try #require(throws: DemandFile.Malformed.self) { try read(lines) }
    #expect(error.line == line)
    #expect(error.message.contains(message), "\(error.message)")
  }

  @Test(arguments: [
    "", "start,requests\n2026-06-01T00:00Z,3\n", "# {\nstart,requests\n", "hello\n{}",
  ])
  func otherTextsAreNoLogs(_ text: String) {
    #expect(!AccessLog.isLog(Array(text.utf8)))
  }
}
