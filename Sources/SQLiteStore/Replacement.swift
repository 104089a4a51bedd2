import CSQLite
import Glibc
import Larder

/// Puts a prepared database in another one's place, in steps that a crash may come between.
///
/// The steps begin with an order, a small file beside the database that appears as a whole. Before
/// it the old database is the store; from then on the prepared one is: nobody opens either while
/// the order stands, and whoever takes the lock next carries out what is left of it. So a log of
/// the old database never meets the new one, and neither is ever opened without its own.
struct Replacement {
  /// The path of the database.
  let database: String

  /// A database with the files that belong to it: without the others it may lack what was
  /// committed last.
  static let parts = ["", "-wal", "-shm", "-journal"]

  /// Where the new database is prepared.
  var incoming: String { database + ".incoming" }
  /// The order, which holds the name that the old database gets.
  private var order: String { database + ".restore" }

  private var draft: String { order + ".draft" }

  var isOrdered: Bool { Self.exists(order) }

  /// Whether there is an order that nobody can carry out, since what was prepared is gone.
  var isStranded: Bool { isOrdered && !Self.exists(incoming) && !Self.exists(database) }

  /// Orders the prepared database to be put in place, which `finish` does. It must be on disk.
  ///
  /// - Returns: where the old database goes; nil where there is none.
  func place(at now: Instant) throws(StoreError) -> String? {
    // What an order before this one has moved already must not be parted from the rest.
    let aside = (try? asideOfOrder()) ?? unusedName(at: now)
    let isReplacing = Self.parts.contains { Self.exists(database + $0) || Self.exists(aside + $0) }
    unlink(draft)
    do throws(StoreError) {
      try SyncedFile.write(Array(Self.name(of: aside).utf8), to: draft)
      try move(draft, to: order)
    } catch {
      unlink(draft)
      throw error
    }
    try SyncedFile.syncFolder(of: database)
    try finish()
    return isReplacing ? aside : nil
  }

  /// Carries out what is left of an order; without one removes what was prepared in vain.
  func finish() throws(StoreError) {
    guard isOrdered else { return discard() }
    let aside = try asideOfOrder()
    if Self.exists(incoming) {
      // The database first: it must not be found without its log.
      for part in Self.parts where Self.exists(database + part) {
        try move(database + part, to: aside + part)
      }
      try SyncedFile.syncFolder(of: database)
      try move(incoming, to: database)
      try SyncedFile.syncFolder(of: database)
    } else if isStranded {
      throw .failed(
        "a restore was interrupted and its copy \(incoming) is gone: run larder restore again; the "
          + "store before it is \(aside)")
    }
    guard unlink(order) == 0 else { throw SyncedFile.failure(of: order) }
    try SyncedFile.syncFolder(of: database)
  }

  /// Removes what was prepared.
  func discard() {
    for part in Self.parts { unlink(incoming + part) }
    unlink(draft)
  }

  private func asideOfOrder() throws(StoreError) -> String {
    let name = String(decoding: try SyncedFile.read(order, atMost: 4096), as: UTF8.self)
    let isName = !name.isEmpty && !name.contains { $0 == "/" || $0 == "\0" }
    guard isName, name.hasPrefix(Self.name(of: database) + ".") else {
      throw .failed("\(order) can't be understood: run larder restore again after moving it away")
    }
    return folder + name
  }

  private func unusedName(at now: Instant) -> String {
    let time = RFC3339.format(seconds: now.seconds).filter { $0 != "-" && $0 != ":" }
    let name = "\(database).before-\(time)"
    func isUsed(_ name: String) -> Bool { Self.parts.contains { Self.exists(name + $0) } }
    guard isUsed(name) else { return name }
    var number = 2
    while isUsed("\(name)-\(number)") { number += 1 }
    return "\(name)-\(number)"
  }

  private func move(_ old: String, to new: String) throws(StoreError) {
    if new != order, Self.exists(new) {
      throw .failed("\(old) can't be moved to \(new), which exists: move one of them away")
    }
    guard rename(old, new) == 0 else { throw SyncedFile.failure(of: old) }
  }

  private var folder: String { String(database[...database.lastIndex(of: "/")!]) }

  private static func name(of path: String) -> String {
    String(path[path.index(after: path.lastIndex(of: "/")!)...])
  }

  private static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }
}

extension Connection {
  /// Whether the file that the connection has open has another name by now, or none.
  var hasMoved: Bool {
    var moved: Int32 = 0
    let code = sqlite3_file_control(handle, "main", SQLITE_FCNTL_HAS_MOVED, &moved)
    return code == SQLITE_OK && moved != 0
  }
}
