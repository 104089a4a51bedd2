import Larder
import ScheduleFile

/// The schedule files of a folder against the definitions that the store keeps.
struct Comparison {
  /// What is to be changed about the definitions in force.
  private(set) var changes = DefinitionChanges()
  /// Bad files of pools that have a definition, in words.
  private(set) var warnings: [String] = []
  /// Bad files of pools that never had a definition.
  private(set) var rejected: [LoadedFile] = []

  init(_ files: [LoadedFile], with kept: [KeptDefinition]) {
    let byPool = Dictionary(uniqueKeysWithValues: kept.map { ($0.pool, $0) })
    let byFile = Dictionary(grouping: kept.filter { !$0.retired }, by: \.file)
    let good = Set(files.compactMap(\.pool?.name))
    var declared = good
    for file in files {
      if let pool = file.pool {
        let definition = Definition(pool: pool, source: file.text, file: file.path)
        if byPool[pool.name].map({ !$0.isInForce(definition) }) ?? true {
          changes.adopted.append(definition)
        }
        continue
      }
      // What the file declared last, be it under another name than now.
      let declaredHere = byFile[file.path] ?? []
      let named = file.poolName.flatMap { byPool[$0] }
      let last = declaredHere.first { $0.pool == file.poolName } ?? declaredHere.first ?? named
      guard let last else {
        rejected.append(file)
        continue
      }
      declared.insert(last.pool)
      if last.retired || good.contains(last.pool) {
        warnings.append("not in force: \(file.errorText)")
      } else {
        keep(last, insteadOf: file)
      }
    }
    changes.retired = kept.filter { !$0.retired && !declared.contains($0.pool) }.map(\.pool)
  }

  private mutating func keep(_ last: KeptDefinition, insteadOf file: LoadedFile) {
    let problem = file.errorText
    warnings.append("\(last.pool) goes on by its last good definition: \(problem)")
    if last.problem != problem { changes.problems[last.pool] = problem }
  }
}

extension KeptDefinition {
  /// Whether the store says just what the file says.
  fileprivate func isInForce(_ definition: Definition) -> Bool {
    source == definition.source && file == definition.file && !retired && problem == nil
  }
}

extension LoadedFile {
  /// The errors in one line.
  var errorText: String {
    diagnostics.filter { $0.severity == .error }
      .map { "\($0.file):\($0.line):\($0.column): \($0.message)" }.joined(separator: "; ")
  }
}
