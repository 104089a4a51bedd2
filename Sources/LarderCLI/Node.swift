import Engine
import Larder
import Producer
import SQLiteStore
import ScheduleFile

/// Putting the parts together around one store.
enum Node {
  /// Reads a definition that the store has kept.
  static let readDefinition: Definition.Reader = { source, file throws(StoreError) in
    let slash = file.lastIndex(of: "/") ?? file.startIndex
    let parsed = ScheduleFile.parse(
      Array(source.utf8), file: file, directory: String(file[..<slash]))
    guard let pool = parsed.pool else {
      let why = parsed.diagnostics.map(\.rendered).joined(separator: "\n")
      throw .failed("the definition that the store keeps of \(file) can't be read:\n\(why)")
    }
    return pool
  }

  static func readers(_ path: String) throws(StoreError) -> StoreReaders {
    try StoreReaders { () throws(StoreError) in
      try SQLiteReader(path: path, readDefinition: readDefinition)
    }
  }

  /// Takes in the one pool's file, if the folder has it.
  static func adopt(
    _ pool: String, from folder: String, into store: SQLiteStore
  ) throws(CommandError) {
    try CommandError.wrapping {
      let kept = try store.definitions().first { $0.pool == pool }
      let files: [LoadedFile]
      do throws(ScheduleDirectory.ReadError) {
        files = try ScheduleDirectory.load(folder).files
      } catch {
        // Without the folder the definition that the store keeps counts.
        if error.isMissing { return }
        guard kept != nil else { throw CommandError.failed("\(error)") }
        Terminal.warning("\(pool) goes on by its last good definition: \(error)")
        return
      }
      guard let file = find(pool, in: files, keptFrom: kept?.file) else { return }
      guard let definition = file.pool else {
        let why = file.diagnostics.map(\.rendered).joined(separator: "\n")
        guard kept != nil else {
          throw CommandError.failed("the pool's schedule file is bad:\n\(why)")
        }
        Terminal.warning("\(pool) goes on by its last good definition:\n\(why)")
        return
      }
      try store.adopt(
        Definition(pool: definition, source: file.text, file: file.path), at: .now())
    }
  }

  /// The file that declares the pool. One that can't be read doesn't say so: it is the pool's where
  /// the pool was declared there before, and without that any of them may be.
  private static func find(
    _ pool: String, in files: [LoadedFile], keptFrom path: String?
  ) -> LoadedFile? {
    files.first { ($0.pool?.name ?? $0.poolName) == pool }
      ?? files.first { $0.poolName == nil && (path == nil || $0.path == path) }
  }

  /// Ends holds and backorders whose time is over, as a server would have done meanwhile: what a
  /// command finds on the shelf must not depend on whether one ran.
  static func endOverdue(_ store: any Store) throws(StoreError) {
    let now = Instant.now()
    for status in try store.pools() where status.stock.nextLapse.map({ $0 <= now }) ?? false {
      while try store.lapse(pool: status.pool.name, at: now, limit: Limits.lapseSlice) > 0 {}
    }
  }

  /// Ends the processes of runs that a crash of the last server left behind.
  ///
  /// A replaced run has ended before its producer did. So its processes are found by what they say
  /// themselves, however long ago that was.
  static func endLeftovers(
    _ store: any Store, of database: String
  ) throws(StoreError) {
    let pools = try store.pools()
    var runs = pools.flatMap(\.runs).filter { $0.state == .running }
    runs += pools.compactMap(\.lastRun).filter { $0.state == .replaced }
    let named = Leftovers.namedRuns().subtracting(runs.map(\.id))
    if !named.isEmpty {
      let reader = try SQLiteReader(path: database, readDefinition: readDefinition)
      defer { reader.close() }
      for id in named {
        if let run = try reader.run(id), run.state == .replaced { runs.append(run) }
      }
    }
    let ended = Leftovers.end(
      runs: Set(runs.map(\.id)), identities: runs.compactMap(\.process))
    if ended > 0 { Terminal.error("larder: ended \(ended) processes that a crash left behind\n") }
  }
}
