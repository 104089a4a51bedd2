import Foundation

@testable import ScheduleFile

/// The files that the tests read.
enum Data {
  static let folder = Bundle.module.resourceURL!.appending(path: "Data")

  /// The folder in the project, for what is recorded or lies outside of the tests.
  static let sources = URL(filePath: #filePath).deletingLastPathComponent()

  /// The names of the YAML files of a folder, without their suffix.
  static func names(_ folder: String) -> [String] {
    let files = try! FileManager.default.contentsOfDirectory(
      atPath: Self.folder.appending(path: folder).path)
    return files.filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }.sorted()
  }

  static func bytes(_ path: String) -> [UInt8] {
    [UInt8](try! Foundation.Data(contentsOf: folder.appending(path: path)))
  }

  static func parse(_ text: String) -> ScheduleFile.Parsed {
    ScheduleFile.read(Array(text.utf8), file: "a.yaml", directory: "/srv/Schedules")
  }
}
