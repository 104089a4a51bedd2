import Cron
import Foundation
import Testing

/// The C library's own reader of the tz database, as an independent witness.
struct ZdumpTests {
  private static let path = "/usr/bin/zdump"

  @Test(
    .enabled(if: FileManager.default.isExecutableFile(atPath: path)), arguments: oddZones)
  func offsetsAgreeAroundEveryChange(_ name: String) throws {
    let zone = try Zone.load(name)
    var checked = 0
    for line in try dump(name).split(separator: "\n") {
      // A name, `Sun Mar 28 00:59:59 2027 UT`, `=`, the local time likewise, isdst, gmtoff.
      let words = line.split(separator: " ")
      guard words.count == 16, let offset = Int64(words[15].dropFirst("gmtoff=".count)),
        let month = Self.months.firstIndex(of: String(words[2]))
      else { continue }
      let month2 = month < 9 ? "0\(month + 1)" : "\(month + 1)"
      let at = instant("\(words[5])-\(month2)-\(words[3])T\(words[4])Z")
      #expect(zone.offset(at: at) == offset, "\(line)")
      checked += 1
    }
    #expect(checked > 2)
  }

  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  private func dump(_ name: String) throws -> String {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: Self.path)
    process.arguments = ["-v", "-c", "1850,2110", name]
    process.standardOutput = output
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: data, as: UTF8.self)
  }
}
