import Cron
import Foundation
import Testing

/// Builds TZif files, good and bad.
private struct FileBuilder {
  var version = UInt8(ascii: "2")
  var transitions: [(time: Int64, type: UInt8)] = []
  var offsets: [Int32] = [0]
  var leapSeconds = 0
  var footer = "UTC0"

  func bytes() -> [UInt8] {
    var bytes = block(width: 4)
    if version != 0 {
      bytes += block(width: 8)
      bytes += Array("\n\(footer)\n".utf8)
    }
    return bytes
  }

  private func block(width: Int) -> [UInt8] {
    // As recommended, the first block of a later version is as good as empty.
    let isEmpty = width == 4 && version != 0
    let shown = isEmpty ? [] : transitions
    let types = isEmpty ? [0] : offsets
    let leaps = isEmpty ? 0 : leapSeconds
    var bytes = Array("TZif".utf8) + [version] + [UInt8](repeating: 0, count: 15)
    for count in [0, 0, leaps, shown.count, types.count, 4] {
      bytes += bigEndian(Int64(count), 4)
    }
    for transition in shown { bytes += bigEndian(transition.time, width) }
    bytes += shown.map(\.type)
    for offset in types { bytes += bigEndian(Int64(offset), 4) + [0, 0] }
    bytes += Array("UTC\0".utf8)
    for leap in 0..<leaps { bytes += bigEndian(Int64(78_796_800 + leap), width) + [0, 0, 0, 1] }
    return bytes
  }

  private func bigEndian(_ value: Int64, _ width: Int) -> [UInt8] {
    (0..<width).reversed().map { UInt8(truncatingIfNeeded: value >> Int64(8 * $0)) }
  }
}

struct ZoneFileTests {
  private func error(_ bytes: [UInt8]) -> ZoneError? {
    do throws(ZoneError) {
      _ = try Zone(name: "Test/Zone", bytes: bytes)
      return nil
    } catch {
      return error
    }
  }

  private func zone(_ footer: String) throws -> Zone {
    var file = FileBuilder()
    file.footer = footer
    return try Zone(name: "Test/Zone", bytes: file.bytes())
  }

  /// Asks for everything that a schedule would ask for.
  private func use(_ zone: Zone) throws {
    let daily = try parse("30 2 * * *")
    let often = try parse("*/7 1-3 * * *")
    for after in [Int64.min, -1 << 40, 0, 1_800_000_000, 1 << 37, .max] {
      for expression in [daily, often] {
        if let next = expression.next(after: after, in: zone) { #expect(next > after) }
        let from = expression.previous(atOrBefore: after, in: zone, notBefore: after &- 99_999_999)
        if let from { #expect(from <= after) }
      }
    }
  }

  @Test func readsVersion1() throws {
    var file = FileBuilder(version: 0)
    file.offsets = [3_600, 7_200]
    file.transitions = [(1_000, 1), (2_000, 0), (3_000, 1)]
    let zone = try Zone(name: "Test/Zone", bytes: file.bytes())
    #expect(
      [0, 999, 1_000, 2_000, 2_999, 3_000, 1 << 40].map(zone.offset) == [
        3_600, 3_600, 7_200, 3_600, 3_600, 7_200, 7_200,
      ])
  }

  @Test(arguments: [UInt8(ascii: "2"), UInt8(ascii: "3"), UInt8(ascii: "4")])
  func readsLaterVersions(_ version: UInt8) throws {
    var file = FileBuilder(version: version)
    file.offsets = [-3_600, 7_200]
    file.transitions = [(-(1 << 59), 1), (1 << 33, 0)]
    file.footer = "<-01>1"
    let zone = try Zone(name: "Test/Zone", bytes: file.bytes())
    #expect(zone.offset(at: (1 << 33) - 1) == 7_200)
    #expect(zone.offset(at: 1 << 33) == -3_600)
    try use(zone)
  }

  @Test(
    arguments: [Int64.max, 1 << 62, SupportedInstants.latest + 1], ["", "EST5EDT,M3.2.0,M11.1.0"])
  func transitionsAfterTheSupportedInstantsAreNone(_ last: Int64, _ footer: String) throws {
    var file = FileBuilder()
    file.offsets = [0, 7_200, -3_600]
    file.transitions = [(.min, 1), (1_000, 0), (2_000, 1), (last, 2)]
    file.footer = footer
    let zone = try Zone(name: "Test/Zone", bytes: file.bytes())
    #expect(zone.offset(at: SupportedInstants.latest) == 7_200)
    #expect(zone.offset(at: .max) == 7_200)
    try use(zone)
  }

  @Test func withoutAFooterTheLastOffsetStays() throws {
    var file = FileBuilder()
    file.offsets = [0, 7_200]
    file.transitions = [(1_000, 1)]
    file.footer = ""
    let zone = try Zone(name: "Test/Zone", bytes: file.bytes())
    #expect(zone.offset(at: 1 << 37) == 7_200)
  }

  @Test(arguments: [
    ("EST5EDT,M3.2.0,M11.1.0", "2040-07-01T00:00:00Z", -14_400),
    ("EST5EDT,M3.2.0,M11.1.0", "2040-12-01T00:00:00Z", -18_000),
    ("EST5EDT,0/0,J365/25", "2040-12-31T23:59:59Z", -14_400),
    ("EST5EDT,0/0,J365/25", "2041-01-01T05:00:00Z", -14_400),
    ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2040-03-25T01:00:00Z", -3_600),
    ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2040-03-25T00:59:59Z", -7_200),
    ("IST-1GMT0,M10.5.0,M3.5.0/1", "2040-12-01T00:00:00Z", 0),
    ("IST-1GMT0,M10.5.0,M3.5.0/1", "2040-07-01T00:00:00Z", 3_600),
    ("AAA-1BBB,J60/0,J300/0", "2040-02-29T22:59:59Z", 3_600),
    ("AAA-1BBB,J60/0,J300/0", "2040-02-29T23:00:00Z", 7_200),
    ("AAA-1BBB,59/0,300/0", "2040-02-28T23:00:00Z", 7_200),
    ("AAA-1BBB,M3.1.0/-167,M10.1.0/167", "2040-02-26T01:00:00Z", 7_200),
    ("AAA-1BBB,M3.1.0/-167,M10.1.0/167", "2040-02-25T23:59:59Z", 3_600),
    ("AAA-5:45:30", "2040-01-01T00:00:00Z", 20_730),
    ("<+1245>-12:45", "2040-01-01T00:00:00Z", 45_900),
  ])
  func followsFooters(_ footer: String, _ at: String, _ offset: Int64) throws {
    #expect(try zone(footer).offset(at: instant(at)) == offset)
  }

  @Test(arguments: [
    "X", "EST", "5", "EST5EDT", "EST5EDT,", "EST5EDT,M3.2.0", "EST5EDT,M3.2.0,",
    "EST5EDT,M13.2.0,M1.1.0",
    "EST5EDT,M3.6.0,M11.1.0", "EST5EDT,M3.2.7,M11.1.0", "EST5EDT,J0,J365", "EST5EDT,366,1",
    "EST5EDT,M3.2.0/168,M11.1.0", "EST25", "EST5:60", "<EST5", "<>5", "EST5 ",
    "EST5EDT,M3.2.0,M11.1.0,",
    "EST9999999999999999999", "\u{0}\u{0}\u{0}",
  ])
  func refusesBadFooters(_ footer: String) throws {
    var file = FileBuilder()
    file.footer = footer
    let found = try #require(error(file.bytes()))
    #expect(found.message.contains("footer"))
  }

  @Test func refusesFilesThatAreWrong() throws {
    #expect(error([])?.message.contains("not a TZif") == true)
    #expect(error(Array("TZif".utf8))?.message.contains("corrupt") == true)
    var file = FileBuilder()
    file.transitions = [(2_000, 0), (1_000, 0)]
    #expect(error(file.bytes())?.message.contains("order") == true)
    file.transitions = [(1_000, 1)]
    #expect(error(file.bytes())?.message.contains("type") == true)
    file = FileBuilder(offsets: [100_000])
    #expect(error(file.bytes())?.message.contains("offset") == true)
    file = FileBuilder(leapSeconds: 2)
    #expect(error(file.bytes())?.message.contains("leap seconds") == true)
  }

  @Test(arguments: ["Europe/Berlin", "America/New_York", "Africa/Casablanca", "UTC"])
  func cutFilesAreRefused(_ name: String) throws {
    let bytes = try database(name)
    for count in 0..<bytes.count {
      #expect(error(Array(bytes.prefix(count))) != nil, "the first \(count) bytes")
    }
    #expect(error(bytes) == nil)
  }

  @Test(arguments: ["Europe/Berlin", "Africa/Casablanca", "Pacific/Apia", "Etc/GMT+5"])
  func garbledFilesNeverTrap(_ name: String) throws {
    let bytes = try database(name)
    var random = Seeded(3)
    var accepted = 0
    for _ in 0..<400 {
      var garbled = bytes
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        // Half of the changes meet the last part: headers and footers matter most.
        let start = Bool.random(using: &random) ? 0 : max(0, garbled.count - 60)
        let index = Int.random(in: start..<garbled.count, using: &random)
        garbled[index] = [0, 0x7F, 0x80, 0xFF, UInt8.random(in: 0...255, using: &random)]
          .randomElement(using: &random)!
      }
      if let zone = try? Zone(name: name, bytes: garbled) {
        accepted += 1
        try use(zone)
      }
    }
    #expect(accepted > 0)
  }

  @Test func randomTablesNeverTrap() throws {
    var random = Seeded(4)
    for _ in 0..<300 {
      var file = FileBuilder()
      file.offsets = (0..<4).map { _ in Int32.random(in: -89_999...93_599, using: &random) }
      let span = Int64(1) << Int64.random(in: 4...62, using: &random)
      let times = Set((0..<40).map { _ in Int64.random(in: -span...span, using: &random) })
      file.transitions = times.sorted().map { ($0, UInt8.random(in: 0...3, using: &random)) }
      file.footer = ["", "UTC0", "EST5EDT,M3.2.0,M11.1.0", "A0B,0/-167,365/167"]
        .randomElement(using: &random)!
      guard let zone = try? Zone(name: "Test/Zone", bytes: file.bytes()) else { continue }
      try use(zone)
    }
  }

  private func database(_ name: String) throws -> [UInt8] {
    let folder = ProcessInfo.processInfo.environment["TZDIR"] ?? "/usr/share/zoneinfo"
    return [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)")))
  }
}
