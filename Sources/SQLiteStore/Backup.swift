import CSQLite
import Glibc
import Larder

/// A consistent copy of a database in a new file.
struct Backup {
  let connection: Connection
  let path: String

  /// Writes the copy beside its place and moves it there when it is on disk, so that no half
  /// copy ever stands under its name. An existing file is never overwritten.
  func write() throws(StoreError) {
    guard access(path, F_OK) != 0 else {
      throw .noBackup(path: path, why: "it exists already, so name a new file")
    }
    removeLeftovers()
    let partial = prefix + "\(getpid())"
    // Payloads are secrets: the owner alone may read the copy.
    let descriptor = open(partial, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw .noBackup(path: path, why: String(cString: strerror(errno)))
    }
    defer {
      Glibc.close(descriptor)
      // An I/O error leaves SQLite's own file of the copy there too.
      for part in Replacement.parts { unlink(partial + part) }
    }
    try copy(to: partial)
    guard fsync(descriptor) == 0, link(partial, path) == 0 else {
      throw .noBackup(path: path, why: String(cString: strerror(errno)))
    }
    syncFolder()
  }

  private var prefix: String { path + ".partial-" }

  /// Removes what was left by processes that were killed while they wrote this very copy.
  private func removeLeftovers() {
    let slash = path.lastIndex(of: "/")
    let folder = slash.map { String(path[...$0]) } ?? "./"
    let name = String(prefix[(slash.map { path.index(after: $0) } ?? path.startIndex)...])
    guard let names = opendir(folder) else { return }
    defer { closedir(names) }
    while let entry = readdir(names) {
      let found = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard found.hasPrefix(name) else { continue }
      // SQLite's own files of it have a suffix more.
      let number = found.dropFirst(name.count).prefix { $0 != "-" }
      guard let process = Int32(number), process > 0, kill(process, 0) != 0, errno == ESRCH
      else { continue }
      unlink(folder + found)
    }
  }

  private func copy(to partial: String) throws(StoreError) {
    var target: OpaquePointer?
    defer { sqlite3_close_v2(target) }
    let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX
    guard sqlite3_open_v2(partial, &target, flags, nil) == SQLITE_OK,
      let backup = sqlite3_backup_init(target, "main", connection.handle, "main")
    else { throw failure(of: target) }
    // All pages in one step: one read transaction, so one state of the database.
    let code = sqlite3_backup_step(backup, -1)
    guard sqlite3_backup_finish(backup) == SQLITE_OK, code == SQLITE_DONE else {
      throw failure(of: target)
    }
  }

  private func failure(of target: OpaquePointer?) -> StoreError {
    let failure = SQLiteFailure(code: SQLITE_ERROR, connection: target)
    return failure.primary == SQLITE_FULL
      ? .full(failure.message) : .noBackup(path: path, why: failure.message)
  }

  private func syncFolder() {
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    Glibc.close(descriptor)
  }
}
