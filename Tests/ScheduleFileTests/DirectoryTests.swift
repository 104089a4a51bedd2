import Foundation
import Glibc
import Testing

@testable import ScheduleFile

/// A folder that is there as long as a test runs.
final class Folder {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
    try FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  func write(_ name: String, _ text: String, mode: mode_t = 0o644) throws {
    try text.write(toFile: "\(path)/\(name)", atomically: false, encoding: .utf8)
    try #require(chmod("\(path)/\(name)", mode) == 0)
  }
}

@Suite struct DirectoryTests {
  @Test func yamlFilesAreReadInTheOrderOfTheirNames() throws {
    let folder = try Folder()
    try folder.write("b.yaml", "pool: b\n")
    try folder.write("a.yml", "pool: a\nproducer: {command: [./make]}\nstock: {target: 1}\n")
    try folder.write(".hidden.yaml", "pool: hidden\n")
    try folder.write("schedule.schema.json", "{}")
    try folder.write("c.yaml~", "pool: c\n")
    try FileManager.default.createDirectory(
      atPath: "\(folder.path)/deeper", withIntermediateDirectories: true)
    try folder.write("deeper/d.yaml", "pool: d\n")
    let loaded = try ScheduleDirectory.load(folder.path)
    #expect(loaded.files.map(\.path) == ["\(folder.path)/a.yml", "\(folder.path)/b.yaml"])
    #expect(loaded.pools.map(\.name) == ["a", "b"])
    #expect(loaded.pools[0].producer?.executable == "\(folder.path)/make")
    #expect(loaded.files[1].text == "pool: b\n")
    #expect(loaded.diagnostics == [])
  }

  @Test func theSecondFileOfAPoolIsAnErrorThatNamesTheFirst() throws {
    let folder = try Folder()
    try folder.write("1.yaml", "pool: p\nsuspend: maybe\n")
    try folder.write("2.yaml", "description: x\npool: 'p'\n")
    try folder.write("3.yaml", "pool: q\n")
    let loaded = try ScheduleDirectory.load(folder.path + "/")
    #expect(loaded.pools.map(\.name) == ["q"])
    #expect(loaded.files[1].poolName == "p")
    #expect(
      loaded.files[1].diagnostics.map(\.rendered) == [
        """
        \(folder.path)/2.yaml:2:7: error: the pool `p` is declared by \(folder.path)/1.yaml already
        pool: 'p'
              ^~~
        hint: one pool has one file: rename the pool, or take one of the two away
        """
      ])
    #expect(loaded.diagnostics.count == 2)
  }

  @Test func aMissingFolderIsATypedError() throws {
    let folder = try Folder()
    #expect(throws: ScheduleDirectory.ReadError.unreadable("\(folder.path)/none", code: ENOENT)) {
      try ScheduleDirectory.load("\(folder.path)/none")
    }
    try folder.write("file", "")
    #expect(throws: ScheduleDirectory.ReadError.unreadable("\(folder.path)/file", code: ENOTDIR)) {
      try ScheduleDirectory.load("\(folder.path)/file")
    }
  }

  @Test func anEmptyFolderIsNoError() throws {
    let folder = try Folder()
    let loaded = try ScheduleDirectory.load(folder.path)
    #expect(loaded.files.isEmpty)
  }

  @Test func whatCannotBeReadIsAnErrorAtItsStart() throws {
    let folder = try Folder()
    try FileManager.default.createDirectory(
      atPath: "\(folder.path)/folder.yaml", withIntermediateDirectories: true)
    try #require(mkfifo("\(folder.path)/pipe.yaml", 0o600) == 0)
    try FileManager.default.createSymbolicLink(
      atPath: "\(folder.path)/link.yaml", withDestinationPath: "nowhere")
    try folder.write("large.yaml", String(repeating: "#", count: 1024 * 1024 + 1))
    try folder.write("just.yaml", "pool: p\n" + String(repeating: "#", count: 1024 * 1024 - 8))
    let loaded = try ScheduleDirectory.load(folder.path)
    #expect(loaded.pools.map(\.name) == ["p"])
    #expect(
      loaded.diagnostics.map(\.rendered) == [
        "\(folder.path)/folder.yaml:1:1: error: this is not a file that can be read\n"
          + "hint: is it a folder?",
        "\(folder.path)/large.yaml:1:1: error: the file is larger than 1024 KiB\n"
          + "hint: a schedule file declares one pool; is this another file?",
        "\(folder.path)/link.yaml:1:1: error: the file cannot be read: No such file or directory\n"
          + "hint: look at its name, and at what a link leads to",
        "\(folder.path)/pipe.yaml:1:1: error: this is not a file that can be read\n"
          + "hint: is it a folder?",
      ])
  }

  @Test func aFolderHasSoManyFiles() throws {
    let folder = try Folder()
    for name in ["a", "b", "c"] { try folder.write("\(name).yaml", "pool: \(name)\n") }
    try folder.write("no-schedule.txt", "")
    #expect(try ScheduleDirectory.load(folder.path, atMost: 4).pools.count == 3)
    #expect(try ScheduleDirectory.load(folder.path, atMost: 3).pools.count == 3)
    let error = #expect(throws: ScheduleDirectory.ReadError.self) {
      try ScheduleDirectory.load(folder.path, atMost: 2)
    }
    #expect(error?.description.contains("has more than 2 schedule files: ") == true)
  }

  @Test(arguments: [mode_t(0o664), 0o646, 0o620, 0o602])
  func aFileThatGroupOrOthersMayWriteIsRefusedWithTheWayOut(_ mode: mode_t) throws {
    let folder = try Folder()
    try folder.write("shared.yaml", "pool: shared\n", mode: mode)
    try folder.write("mine.yaml", "pool: mine\n", mode: 0o644)
    let loaded = try ScheduleDirectory.load(folder.path)
    #expect(loaded.pools.map(\.name) == ["mine"])
    #expect(loaded.files[1].text == "", "nothing of it is taken in")
    #expect(
      loaded.diagnostics.map(\.rendered) == [
        "\(folder.path)/shared.yaml:1:1: error: the file may be written by its group or by others\n"
          + "hint: chmod go-w \(folder.path)/shared.yaml"
      ])
  }

  @Test func aFolderThatGroupOrOthersMayWriteIsRefusedWithTheWayOut() throws {
    let folder = try Folder()
    try folder.write("a.yaml", "pool: a\n")
    for mode in [mode_t(0o775), 0o757, 0o1777] {
      try #require(chmod(folder.path, mode) == 0)
      let error = #expect(throws: ScheduleDirectory.ReadError.self) {
        try ScheduleDirectory.load(folder.path)
      }
      #expect(error?.isMissing == false)
      #expect(
        error?.description
          == "the folder of schedule files `\(folder.path)` may be written by its group or by "
          + "others: chmod go-w \(folder.path)")
    }
    try #require(chmod(folder.path, 0o755) == 0)
    #expect(try ScheduleDirectory.load(folder.path).pools.map(\.name) == ["a"])
  }

  @Test func filesThatAreNamedAreReadFromTheWorkingFolder() throws {
    let folder = try Folder()
    try folder.write("a.yaml", "pool: a\n")
    try folder.write("b.yaml", "pool: a\n")
    let up = String(repeating: "../", count: 30)
    let name = up + String(folder.path.dropFirst()) + "/a.yaml"
    let loaded = ScheduleDirectory.load(files: [name, name, "\(folder.path)/b.yaml"])
    #expect(loaded.files[0].path == "\(folder.path)/a.yaml")
    #expect(loaded.files[1].diagnostics == [], "the same file twice is one file")
    #expect(
      loaded.files[2].diagnostics.map(\.message) == [
        "the pool `a` is declared by \(name) already"
      ])
  }
}
