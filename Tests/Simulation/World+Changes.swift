import Engine
import Larder

/// Changes of definitions, as a server notices them.
extension World {
  /// Puts changes in force that were noticed together, and gives them as the engine takes them.
  @discardableResult
  func put(_ changes: [Change]) throws -> DefinitionChanges {
    var wanted = DefinitionChanges()
    var designs = model.designs
    for change in changes {
      let name = name(change.pool)
      // Of each pool the last one counts, as where a file is read when all is quiet.
      wanted.adopted.removeAll { $0.pool.name == name }
      wanted.retired.removeAll { $0 == name }
      wanted.problems[name] = nil
      switch change {
      case .anew(let pool, let seed):
        var random = SeededRandom(seed: seed)
        designs[name] = PoolDesign(pool, &random)
      case .edit(let pool, let seed):
        var random = SeededRandom(seed: seed)
        designs[name] = designs[name]?.edited(pool, &random)
      case .comeBack: break
      case .remove:
        wanted.retired.append(name)
        continue
      case .spoil:
        wanted.problems[name] = "\(name).yaml:3:1: error: it is bad"
        continue
      }
      if let design = designs[name] { wanted.adopted.append(try design.definition()) }
    }
    try write { () throws(StoreError) in
      try store.change(wanted, at: now)
    } then: { _ in
      model.designs = designs
      follow(wanted)
      try tellChanges()
    }
    return wanted
  }

  private func follow(_ changes: DefinitionChanges) {
    for definition in changes.adopted {
      let name = definition.pool.name
      model.pools[name] = definition.pool
      model.retired.remove(name)
      model.problems[name] = nil
      // Another definition may have a lower `max`, or fewer producers.
      overfull[name] = .max
      unsettled.insert(name)
      runs.allowance[name] = busy(name)
      tally["definition in force", default: 0] += 1
    }
    for name in changes.retired {
      model.retired.insert(name)
      model.problems[name] = nil
      tally["retired pool", default: 0] += 1
    }
    for (name, problem) in changes.problems {
      model.problems[name] = problem
      tally["bad file", default: 0] += 1
    }
  }

  /// Runs of a pool that are running, and those that were replaced and whose producer has not
  /// ended.
  func busy(_ pool: String) -> Int {
    runs.running(pool).union(withProducer(pool)).count
  }

  /// Runs of a pool that the engine takes to be with a producer.
  func withProducer(_ pool: String) -> Set<String> {
    Set((outstanding + inbox.results.map(\.launch)).filter { $0.pool == pool }.map(\.run))
  }
}
