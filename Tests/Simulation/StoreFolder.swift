import Foundation

/// The store's files in a folder of their own, in memory where that is possible, and what a crash
/// makes of them.
final class StoreFolder {
  private let root: String
  private var generation = 0

  init() {
    let memory = "/dev/shm"
    let parent =
      FileManager.default.isWritableFile(atPath: memory) ? memory : NSTemporaryDirectory()
    root = parent + "/larder-simulation-" + UUID().uuidString
    make(folder)
  }

  deinit { try? FileManager.default.removeItem(atPath: root) }

  private func make(_ path: String) {
    try! FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
  }

  private var folder: String { root + "/\(generation)" }
  var database: String { folder + "/larder.db" }
  private var log: String { database + "-wal" }

  /// The write-ahead log as it is now.
  var logState: WriteAheadLog? { WriteAheadLog(path: log) }

  /// Goes on with a copy of the files as they are while the store is open, as a kill would leave
  /// them. The store of the old files can be closed afterwards: `leaveOld` removes them.
  ///
  /// - Parameter logBytes: how much of the log reached the disk; nil: all of it.
  func copy(logBytes: Int?) throws {
    let old = database
    generation += 1
    make(folder)
    try FileManager.default.copyItem(atPath: old, toPath: database)
    guard let content = FileManager.default.contents(atPath: old + "-wal") else { return }
    let kept = content.prefix(logBytes ?? content.count)
    try kept.write(to: URL(filePath: log))
  }

  func leaveOld() {
    for old in 0..<generation { try? FileManager.default.removeItem(atPath: root + "/\(old)") }
  }
}

/// How far a write-ahead log goes: the file may be longer, since its space is used again.
struct WriteAheadLog: Equatable {
  private static let headerBytes = 32
  private static let frameHeaderBytes = 24

  /// Changes when the log is begun anew.
  private(set) var salt: [UInt8] = []
  private(set) var frames = 0
  private var pageBytes = 4096

  /// Nil where there is no log.
  init?(path: String) {
    guard let file = FileHandle(forReadingAtPath: path) else { return nil }
    defer { try? file.close() }
    guard let header = try? file.read(upToCount: Self.headerBytes),
      header.count == Self.headerBytes
    else { return }
    salt = Array(header[16..<24])
    pageBytes = header[8..<12].reduce(0) { $0 << 8 | Int($1) }
    while true {
      try? file.seek(toOffset: UInt64(bytes(frames: frames)))
      guard let frame = try? file.read(upToCount: Self.frameHeaderBytes),
        frame.count == Self.frameHeaderBytes, Array(frame[8..<16]) == salt
      else { return }
      frames += 1
    }
  }

  /// The size of a log of so many frames.
  func bytes(frames: Int) -> Int {
    Self.headerBytes + frames * (Self.frameHeaderBytes + pageBytes)
  }
}
