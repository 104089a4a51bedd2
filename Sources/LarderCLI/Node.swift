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
    // Without the folder the definition that the store keeps counts.
    guard let loaded = try? ScheduleDirectory.load(folder) else { return }
    guard let file = loaded.files.first(where: { ($0.pool?.name ?? $0.poolName) == pool }) else {
      return
    }
    try CommandError.wrapping {
      let kept = try store.pools().contains { $0.pool.name == pool }
      guard let definition = file.pool else {
        let why = file.diagnostics.map(\.rendered).joined(separator: "\n")
        guard kept else { throw CommandError.failed("the pool's schedule file is bad:\n\(why)") }
        Terminal.warning("\(pool) goes on by its last good definition:\n\(why)")
        return
      }
      try store.adopt(
        Definition(pool: definition, source: file.text, file: file.path), at: .now())
    }
  }

  /// Ends the processes of runs that a crash of the last server left behind.
  static func endLeftovers(_ store: any Store) throws(StoreError) {
    let runs = try store.pools().flatMap(\.runs).filter { $0.state == .running }
    let ended = Leftovers.end(
      runs: Set(runs.map(\.id)), identities: runs.compactMap(\.process))
    if ended > 0 { Terminal.error("larder: ended \(ended) processes that a crash left behind\n") }
  }
}
