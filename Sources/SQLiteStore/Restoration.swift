import Glibc
import Larder

/// Brings a backup back as the store.
package struct Restoration {
  private let source: StoreFiles
  private let files: StoreFiles
  private let now: Instant
  private let readDefinition: Definition.Reader

  /// - Parameters:
  ///   - file: the backup.
  ///   - path: the store's database; a missing one is made.
  package init(
    of file: String, to path: String, at now: Instant = .now(),
    readDefinition: @escaping Definition.Reader
  ) throws(StoreError) {
    source = try StoreFiles(file)
    files = try StoreFiles(path)
    self.now = now
    self.readDefinition = readDefinition
  }

  /// Puts a copy of the backup in the store's place, under its lock, and moves the old store aside.
  /// A crash leaves one of the two as a whole, or an order that the next one who takes the lock
  /// carries out.
  ///
  /// - Parameter reissuing: whether what was on the shelf may be handed out, though it may have been
  ///   since. Otherwise the shelf and what is held are quarantined, and runs end.
  /// - Throws: `noRestore` where the backup is refused; the store is then as it was.
  package func restore(reissuing: Bool) throws(StoreError) -> RestoredStore {
    try checkSource()
    let lock = try files.takeBareLock()
    defer { StoreFiles.release(lock: lock) }
    let replacement = files.replacement
    // An earlier restore comes to its end first, unless this one is to mend it.
    if !replacement.isStranded { try replacement.finish() }
    var result = RestoredStore(database: files.database)
    do throws(StoreError) {
      try copySource(to: replacement.incoming)
      try prepare(replacement.incoming, reissuing: reissuing, &result)
      try SyncedFile.sync(replacement.incoming)
      try SyncedFile.syncFolder(of: replacement.incoming)
      result.before = try replacement.place(at: now)
    } catch {
      if !replacement.isOrdered { replacement.discard() }
      throw error
    }
    return result
  }

  private func refusal(_ why: String) -> StoreError {
    .noRestore(path: source.database, why: why)
  }

  private func checkSource() throws(StoreError) {
    var backup = stat()
    guard stat(source.database, &backup) == 0 else {
      throw refusal(String(cString: strerror(errno)))
    }
    guard backup.st_mode & S_IFMT == S_IFREG else { throw refusal("it is no file") }
    var store = stat()
    if stat(files.database, &store) == 0, store.st_dev == backup.st_dev,
      store.st_ino == backup.st_ino
    {
      throw refusal("it is the store itself")
    }
    guard !source.isServed() else {
      throw refusal("it is served by another process: take a copy of it with `larder backup`")
    }
  }

  /// The backup is read only, and left as it is: it may be on a medium that allows no more.
  private func copySource(to incoming: String) throws(StoreError) {
    for part in ["", "-wal", "-journal"] where access(source.database + part, F_OK) == 0 {
      try SyncedFile.copy(source.database + part, to: incoming + part)
    }
  }

  /// Checks the copy, and makes a store of this version of it.
  private func prepare(
    _ incoming: String, reissuing: Bool, _ result: inout RestoredStore
  ) throws(StoreError) {
    do throws(StoreError) {
      let connection = try Connection(path: incoming, access: .writing)
      defer { connection.close() }
      try checkOrigin(connection)
      // Takes in what the log holds: the copy becomes one file.
      let mode = try connection.first("PRAGMA journal_mode = DELETE") { $0.text(0) }
      guard mode == "delete" else { throw StoreError.failed("its log can't be taken in") }
      try check(connection) { $0.checkIntegrity() }
      // Until it is whole and synced nobody sees the copy, and an error throws it away.
      try connection.run("PRAGMA synchronous = OFF")
      try connection.run("PRAGMA journal_mode = OFF")
      try Schema.migrate(connection)
      try check(connection) { $0.checkRules() }
      guard !reissuing else { return }
      var quarantine = Quarantine(connection, at: now)
      try quarantine.impose(&result)
    } catch {
      switch error {
      case .noRestore, .full: throw error
      default: throw refusal(Verifier.why(error))
      }
    }
  }

  private func checkOrigin(_ connection: Connection) throws(StoreError) {
    switch try Schema.origin(of: connection) {
    case .empty: throw refusal("it is empty")
    case .foreign: throw refusal("it is a database of another program")
    case .larder(let version) where version > Schema.version:
      throw refusal(
        "it has version \(version) of the schema, and this Larder knows versions up to "
          + "\(Schema.version): install the newer Larder that wrote it")
    case .larder: break
    }
  }

  private func check(
    _ connection: Connection, _ work: (inout Verifier) -> Void
  ) throws(StoreError) {
    var verifier = Verifier(connection, readDefinition)
    work(&verifier)
    guard let first = verifier.found.violations.first else { return }
    let others = verifier.found.violations.count - 1
    throw refusal(
      "it is damaged: \(first.place): \(first.problem)"
        + (others > 0 ? ", and \(others) more" : "")
        + "; `larder verify --store sqlite:FILE` lists what is wrong, take another backup")
  }
}
