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

  /// What was decided about the files of a folder.
  struct Adoption {
    /// To be put in force.
    var definitions: [Definition] = []
    /// Pools whose files are gone.
    var retired: [String] = []
    /// Bad files whose pools go on by their last good definition.
    var warnings: [String] = []
    /// Bad files of pools that have no definition.
    var errors: [Diagnostic] = []
  }

  /// Compares the files of a folder with the definitions that the store keeps.
  static func compare(
    _ files: [LoadedFile], with kept: [(pool: String, file: String)]
  ) -> Adoption {
    var adoption = Adoption()
    var declared: Set<String> = []
    for file in files {
      if let pool = file.pool {
        declared.insert(pool.name)
        adoption.definitions.append(Definition(pool: pool, source: file.text, file: file.path))
        continue
      }
      let last = kept.first { $0.file == file.path } ?? kept.first { $0.pool == file.poolName }
      if let last {
        declared.insert(last.pool)
        let errors = file.diagnostics.filter { $0.severity == .error }
        adoption.warnings.append(
          "\(last.pool) goes on by its last good definition, since its file is bad: "
            + errors.map { "\($0.file):\($0.line):\($0.column): \($0.message)" }
            .joined(separator: "; "))
      } else {
        adoption.errors += file.diagnostics
      }
    }
    adoption.retired = kept.map(\.pool).filter { !declared.contains($0) }
    return adoption
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
