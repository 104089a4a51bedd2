import API
import Glibc
import HTTPServer
import Larder
import Producer
import SQLiteStore

extension Context {
  /// The way to read: the server that was named, or the store itself.
  func readingClient() throws(CommandError) -> any Client {
    if let server = arguments.value(.server) { return try RemoteClient(server) }
    return try LocalClient(reading: try storePath())
  }

  /// Whether the store that is read has no server.
  func isUnserved() throws(CommandError) -> Bool {
    if arguments.value(.server) != nil { return false }
    return try !storeFiles().isServed()
  }

  /// What a command needs of a store that it opens itself.
  enum Purpose {
    /// Claims and items are changed: the store must be there.
    case changing
    /// A pool is paused or the like: the store must be there.
    case commanding
    /// Items are put into the pool, whose schedule file is taken in first.
    case putting(pool: String)
    /// The pool's producer is run, whose schedule file is taken in first.
    case running(pool: String)

    var pool: String? {
      switch self {
      case .changing, .commanding: nil
      case .putting(let pool), .running(let pool): pool
      }
    }

    var engine: LocalClient.EngineUse {
      switch self {
      case .changing, .putting: .none
      case .commanding: .commands
      case .running: .runs
      }
    }
  }

  /// The way to write: the server that was named, else the one that serves the store, else the
  /// store itself under its lock.
  func writingClient(for purpose: Purpose) throws(CommandError) -> any Client {
    if let server = arguments.value(.server) { return try RemoteClient(server) }
    let files = try storeFiles()
    // A server that starts has the lock before it has the socket, and a command that writes has
    // no socket but is soon done.
    for _ in 0..<Self.tries {
      if files.isServed() {
        if access(files.socket, F_OK) == 0, let client = Self.connect(files.socket) {
          return client
        }
      } else if let client = try open(files, purpose) {
        return client
      }
      usleep(Self.pause)
    }
    throw .failed("\(StoreError.served(path: files.database))")
  }

  private static let tries = 100
  /// Microseconds between two tries.
  private static let pause: UInt32 = 50_000

  /// A client of the server at the socket, if one answers there.
  private static func connect(_ socket: String) -> RemoteClient? {
    guard let client = try? RemoteClient("unix:\(socket)") else { return nil }
    if (try? client.send(APIRequest("GET", ["livez"]), patiently: false))?.status == 200 {
      return client
    }
    client.close()
    return nil
  }

  /// Opens the store for this command; nil where somebody else was faster.
  private func open(
    _ files: StoreFiles, _ purpose: Purpose
  ) throws(CommandError) -> LocalClient? {
    let store: SQLiteStore
    do throws(StoreError) {
      store = try SQLiteStore(
        path: files.database, creating: purpose.pool != nil, readDefinition: Node.readDefinition)
    } catch .served {
      return nil
    } catch {
      throw .failed("\(error)")
    }
    do throws(CommandError) {
      if let pool = purpose.pool { try Node.adopt(pool, from: schedules, into: store) }
      if purpose.engine == .runs {
        try CommandError.wrapping { try Node.endLeftovers(store, of: files.database) }
      }
      try CommandError.wrapping { try Node.endOverdue(store) }
    } catch {
      store.close()
      throw error
    }
    nonisolated(unsafe) let owned = store  // nothing here uses it any more
    return try LocalClient(writing: owned, path: files.database, engine: purpose.engine)
  }
}
