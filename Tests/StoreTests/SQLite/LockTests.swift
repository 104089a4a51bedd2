import Foundation
import Larder
import Testing

@testable import SQLiteStore

/// Another process that takes a file's lock, by its own name for the call.
private let lockProgram = """
  import fcntl, sys
  file = open(sys.argv[1], "r+")
  fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
  print(flush=True)
  if sys.argv[2:] == ["hold"]: sys.stdin.read()
  """

/// Another process that holds an exclusive lock on a file until it ends.
final class LockHolder {
  private let process = Process()

  init(_ path: String) throws {
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["python3", "-c", lockProgram, path, "hold"]
    let input = Pipe()
    let output = Pipe()
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    // The line that it prints shows that the lock is taken.
    try #require(try output.fileHandleForReading.read(upToCount: 1)?.count == 1)
    self.input = input
  }

  private let input: Pipe

  func kill() {
    Glibc.kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }
}

@Suite struct LockTests {
  private func open(_ path: String, creating: Bool = true) throws -> SQLiteStore {
    try SQLiteStore(path: path, creating: creating, readDefinition: readDefinition)
  }

  @Test func aSecondWriterIsRefusedUntilTheFirstCloses() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("larder.db")
    let first = try open(path)
    let files = try StoreFiles(path)
    #expect(files.isServed())
    #expect(throws: StoreError.served(path: files.database)) { try open(path) }
    // By every name of the file.
    try FileManager.default.createSymbolicLink(
      atPath: folder.path("link.db"), withDestinationPath: path)
    #expect(throws: StoreError.served(path: files.database)) { try open(folder.path("link.db")) }
    #expect(throws: StoreError.served(path: files.database)) {
      try open(folder.path + "/../" + (folder.path as NSString).lastPathComponent + "/larder.db")
    }
    // A refusal leaves the first one its lock.
    #expect(throws: StoreError.served(path: files.database)) { try open(path) }
    try first.adopt(try definition(), at: start)
    first.close()
    #expect(!files.isServed())
    let second = try open(path)
    #expect(try second.pools().count == 1)
    second.close()
  }

  @Test func theLockOfAnotherProcessEndsWithIt() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("larder.db")
    try open(path).close()
    let files = try StoreFiles(path)
    let holder = try LockHolder(files.lock)
    #expect(files.isServed())
    #expect(throws: StoreError.served(path: files.database)) { try open(path) }
    holder.kill()
    #expect(!files.isServed())
    try open(path).close()
  }

  @Test func otherProcessesSeeTheLockOfAnOpenStore() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("larder.db")
    let store = try open(path)
    func canBeLocked() throws -> Bool {
      let process = Process()
      process.executableURL = URL(filePath: "/usr/bin/env")
      process.arguments = ["python3", "-c", lockProgram, try StoreFiles(path).lock]
      process.standardOutput = FileHandle.nullDevice
      process.standardError = FileHandle.nullDevice
      try process.run()
      process.waitUntilExit()
      return process.terminationStatus == 0
    }
    #expect(try !canBeLocked())
    store.close()
    #expect(try canBeLocked())
  }

  @Test func aFailedOpeningGivesTheLockUp() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("larder.db")
    try Data("no database, but long enough to be looked at as one".utf8).write(
      to: URL(filePath: path))
    #expect(throws: StoreError.self) { try open(path) }
    #expect(try !StoreFiles(path).isServed())
    try FileManager.default.removeItem(atPath: path)
    try open(path).close()
  }
}
