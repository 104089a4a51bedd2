import CLinux
import Glibc
import Larder

/// The files of a store: the database, the lock that its server holds, and its socket.
package struct StoreFiles: Sendable, Hashable {
  /// The database's absolute path, links resolved, so that every name of it finds one lock.
  package let database: String

  /// Finds the files of the store at `path`. Only the folder must exist.
  package init(_ path: String) throws(StoreError) {
    if let resolved = Self.resolve(path) {
      guard !Self.isFolder(resolved) else {
        throw .unreadable(path: path, why: "it names a folder, not a file")
      }
      database = resolved
      return
    }
    let slash = path.lastIndex(of: "/")
    let folder = slash.map { String(path[...$0]) } ?? "."
    guard let resolved = Self.resolve(folder) else {
      throw .unreadable(
        path: path,
        why: "the folder \(folder) can't be entered: \(String(cString: strerror(errno)))")
    }
    let name = slash.map { path[path.index(after: $0)...] } ?? path[...]
    guard !name.isEmpty else { throw .unreadable(path: path, why: "it names a folder, not a file") }
    database = (resolved == "/" ? "" : resolved) + "/" + name
  }

  private static func resolve(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  private static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// Whoever writes the database holds an exclusive lock on this file while it lives.
  package var lock: String { database + ".lock" }
  /// The socket on which a server answers commands.
  package var socket: String { database + ".sock" }
  var log: String { database + "-wal" }
  /// There from the making of the database until it has a write-ahead log.
  private var journal: String { database + "-journal" }
  /// Puts another database in this one's place.
  var replacement: Replacement { Replacement(database: database) }

  /// Whether there is a store, or what a restore that was interrupted will make one of.
  package var exists: Bool { access(database, F_OK) == 0 || replacement.isOrdered }

  /// Whether another process writes the database now.
  package func isServed() -> Bool {
    let descriptor = open(lock, O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    return clinux_is_locked(descriptor) != 0
  }

  private static let lockTries = 60
  /// Microseconds between two tries.
  private static let lockPause: UInt32 = 50_000

  /// Takes the lock, finishes what a restore that was interrupted has begun, and gives the
  /// descriptor that holds the lock.
  func takeLock() throws(StoreError) -> Int32 {
    let lock = try takeBareLock()
    do throws(StoreError) {
      try replacement.finish()
    } catch {
      Self.release(lock: lock)
      throw error
    }
    return lock
  }

  /// Takes the lock, whatever state the files are in.
  func takeBareLock() throws(StoreError) -> Int32 {
    let descriptor = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw .unreadable(
        path: database, why: "its lock \(lock) can't be opened: \(String(cString: strerror(errno)))"
      )
    }
    // A child that a killed server was about to start has its lock for a moment, until it runs its
    // own program.
    var tries = Self.lockTries
    while clinux_lock_exclusively(descriptor) != 0 {
      tries -= 1
      guard tries > 0 else {
        close(descriptor)
        throw .served(path: database)
      }
      usleep(Self.lockPause)
    }
    return descriptor
  }

  /// Refuses to read while another database is being put in this one's place.
  func refuseWhileReplaced() throws(StoreError) {
    if replacement.isOrdered { throw .unfinishedRestore(path: database) }
  }

  /// Whether a crash left a transaction that can be undone by writing alone.
  var hasJournal: Bool { access(journal, F_OK) == 0 }

  /// Refuses a database that is not Larder's or newer than this program through a connection
  /// that leaves it as it is: closing one that may write would empty its write-ahead log.
  func check() throws(StoreError) {
    // What a crash left of the very first transaction can be undone by writing alone.
    guard exists, !hasJournal else { return }
    let connection = try Connection(path: database, access: .reading)
    defer { connection.close() }
    _ = try Schema.check(connection)
  }

  /// Gives the lock up that the descriptor holds.
  static func release(lock descriptor: Int32) {
    clinux_unlock(descriptor)
    close(descriptor)
  }

  /// Makes an empty database file that its owner alone can read, since payloads are secrets.
  func create() throws(StoreError) {
    let descriptor = open(database, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw .unreadable(path: database, why: String(cString: strerror(errno)))
    }
    close(descriptor)
  }

  /// Makes what is in the write-ahead log durable, whoever wrote it.
  ///
  /// A sync alone would not do. Where a sync has failed once, Linux holds the pages for written and
  /// writes them no more (https://wiki.postgresql.org/wiki/Fsync_Errors): they can be read and are
  /// not on disk. Written once more they go there, or the sync fails.
  func rewriteLog() throws(StoreError) {
    // SQLite's locks are on the database and its shared memory: closing the log drops none.
    guard access(log, F_OK) == 0 else { return }
    try SyncedFile.rewrite(log)
  }
}
