import Cron
import Foundation
import Testing

/// A folder of its own for each test, removed afterwards.
final class ZoneDatabaseTests {
  private let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("zones-\(UUID().uuidString)")

  init() throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  deinit {
    do {
      try FileManager.default.removeItem(at: folder)
    } catch {
      Issue.record(error)
    }
  }

  private func write(_ bytes: [UInt8], _ name: String) throws {
    let file = folder.appendingPathComponent(name)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: file)
  }

  private func error(_ name: String) -> ZoneError? {
    do throws(ZoneError) {
      _ = try ZoneDatabase(folder: folder.path).zone(named: name)
      return nil
    } catch {
      return error
    }
  }

  /// Version 1, with one offset.
  private let oneHourEast: [UInt8] =
    Array("TZif".utf8) + [UInt8](repeating: 0, count: 31) + [0, 0, 0, 0, 1, 0, 0, 0, 4]
    + [0, 0, 0x0E, 0x10, 0, 0] + Array("AAA\0".utf8)

  @Test func readsTheZonesOfItsFolder() throws {
    try write(oneHourEast, "Moon/Crater/North_Rim")
    let database = ZoneDatabase(folder: folder.path)
    #expect(try database.zone(named: "Moon/Crater/North_Rim").offset(at: 0) == 3_600)
    #expect(database.names() == ["Moon/Crater/North_Rim"])
    #expect(error("Moon/North_Rim")?.hint == "did you mean Moon/Crater/North_Rim?")
    #expect(error("Moon/Crater")?.message.contains("unknown") == true)
  }

  @Test func aZoneReadOnceStaysTheSame() throws {
    try write(oneHourEast, "Moon")
    let database = ZoneDatabase(folder: folder.path)
    let zone = try database.zone(named: "Moon")
    try write([], "Moon")
    #expect(try database.zone(named: "Moon") == zone)
  }

  @Test func aBadFileIsAnErrorEachTime() throws {
    try write(Array("TZif2".utf8), "Cut")
    try write(Array("Europe".utf8), "Text")
    try write([], "Empty")
    try write(oneHourEast + [UInt8](repeating: 0, count: 2 << 20), "Large")
    for _ in 0..<2 {
      #expect(error("Cut")?.message.contains("corrupt") == true)
      #expect(error("Text")?.message.contains("not a TZif file") == true)
      #expect(error("Empty")?.message.contains("not a TZif file") == true)
      #expect(error("Large")?.message.contains("too large") == true)
    }
    try write(oneHourEast, "Cut")
    #expect(error("Cut") == nil)
  }

  @Test func aPipeInTheFolderDoesNotBlock() throws {
    #expect(mkfifo(folder.appendingPathComponent("Pipe").path, 0o600) == 0)
    #expect(error("Pipe")?.message.contains("unknown") == true)
  }

  @Test func aFolderThatIsNotThereIsNamed() {
    let missing = ZoneDatabase(folder: folder.path + "/nowhere")
    #expect(missing.names() == [])
    #expect {
      try missing.zone(named: "Europe/Berlin")
    } throws: {
      ($0 as? ZoneError)?.message.contains("no tz database in \(missing.folder)") == true
    }
  }

  @Test func theSystemsNamesAreAllZones() throws {
    let names = ZoneDatabase.current.names()
    #expect(names.count > 300)
    #expect(names.contains("America/Argentina/Ushuaia"))
    for name in names { #expect(throws: Never.self) { try Zone.load(name) } }
  }
}
