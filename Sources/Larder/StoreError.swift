/// Why a store could not do what it was asked.
package enum StoreError: Error, Sendable, Hashable, CustomStringConvertible {
  /// Another process serves the store.
  case served(path: String)
  /// There is no database at the path.
  case missing(path: String)
  /// The file is no database of Larder's, or cannot be read.
  case unreadable(path: String, why: String)
  /// The file was a database of Larder's, or should be one, and is damaged.
  case damaged(path: String, why: String)
  /// A restore is putting another database in this one's place, or was interrupted while it did.
  case unfinishedRestore(path: String)
  /// The database was written by a newer Larder.
  case newer(path: String, version: Int, supported: Int)
  /// The disk is full; nothing of the transaction was kept.
  case full(String)
  /// A commit ended in an I/O error: nobody knows whether it took place. Whoever holds the
  /// store must stop and open it anew, which resolves it.
  case unknownCommit(String)
  /// Something else failed; nothing of the transaction was kept.
  case failed(String)
  /// A backup could not be written.
  case noBackup(path: String, why: String)
  /// A file could not be restored; the store is as it was.
  case noRestore(path: String, why: String)
  /// The run or slice was given up, so nothing of it may be stored.
  case fenced
  case unknownPool(String)

  /// Whether nothing more may be asked of the store: whoever holds it must stop.
  package var isFinal: Bool {
    switch self {
    case .unknownCommit, .damaged: true
    default: false
    }
  }

  /// Whether an operator should hear of it, since it is neither an answer to what was asked for nor
  /// told of in another way.
  package var isTrouble: Bool {
    switch self {
    case .unreadable, .failed: true
    default: false
    }
  }

  package var description: String {
    switch self {
    case .served(let path):
      "\(path) is served by another process: stop it first, or use its commands and socket"
    case .missing(let path):
      "there is no store at \(path): `larder serve` makes one; --store names another"
    case .unreadable(let path, let why):
      "\(path) can't be used as a store: \(why)"
    case .damaged(let path, let why):
      "\(path) can't be used as a store: \(why); `larder verify` says what is wrong, "
        + "`larder restore FILE` brings a backup back, --store names another file"
    case .unfinishedRestore(let path):
      "a restore of \(path) is under way or was interrupted: run larder restore again, or "
        + "larder serve, which finishes it"
    case .newer(let path, let version, let supported):
      "\(path) has version \(version) of the schema, and this Larder knows versions up to "
        + "\(supported): install the newer Larder that wrote it, bring an older backup back with "
        + "`larder restore FILE`, or name another store with --store"
    // What the disk's own policy says is a whole sentence.
    case .full(let why): why.hasPrefix("the disk ") ? why : "the disk is full: \(why)"
    case .unknownCommit(let why): "a commit failed and may or may not have taken place: \(why)"
    case .failed(let why): "the store failed: \(why)"
    case .noBackup(let path, let why): "\(path) can't be written: \(why)"
    case .noRestore(let path, let why):
      "\(path) can't be restored: \(why); the store was left as it was"
    case .fenced: "the run was given up"
    case .unknownPool(let pool): "there is no pool \(pool)"
    }
  }
}
