/// I6: what levels count is what is there, and nothing that was produced vanishes from them.
struct LevelChecks {
  let evidence: Evidence

  func violations() -> [Violation] {
    seen() + (evidence.store.map(stored) ?? [])
  }

  private func seen() -> [Violation] {
    let levels = evidence.history.operations.filter { $0.action == .level && $0.outcome == .ok }
    return Dictionary(grouping: levels, by: \.pool).values.flatMap { levels in
      var found: [Violation] = []
      let answered = levels.sorted { $0.completed < $1.completed }
      var next = 0
      var most: Operation?
      for level in levels.sorted(by: { $0.invoked < $1.invoked }) {
        if let wrong = sumDiffers(level.counts) {
          found.append(Violation(.i6, .other, wrong, [level]))
        }
        while next < answered.count, answered[next].completed < level.invoked {
          if produced(answered[next].counts) > most.map({ produced($0.counts) }) ?? -1 {
            most = answered[next]
          }
          next += 1
        }
        if let most, produced(level.counts) < produced(most.counts) {
          found.append(
            Violation(.i6, .lost, "fewer items were produced than before", [most, level]))
        }
      }
      return found
    }
  }

  private func produced(_ counts: [String: Int]) -> Int { counts["produced"] ?? 0 }

  private func sumDiffers(_ counts: [String: Int]) -> String? {
    let sum = StoredRows.states.reduce(0) { $0 + (counts[$1] ?? 0) }
    return sum == produced(counts)
      ? nil : "produced \(produced(counts)) is not the sum \(sum) of the states"
  }

  private func stored(_ store: StoredRows) -> [Violation] {
    var counts: [String: [String: Int]] = [:]
    for item in store.items { counts[item.pool, default: [:]][item.state, default: 0] += 1 }
    var found: [Violation] = []
    for pool in Set(counts.keys).union(store.stock.keys) {
      for state in StoredRows.states {
        let there = counts[pool]?[state] ?? 0
        let counted = store.stock[pool]?[state] ?? 0
        if there != counted {
          found.append(
            Violation(.i6, .other, "\(pool) counts \(counted) \(state), and has \(there)"))
        }
        if let level = evidence.levels[pool], level[state] ?? 0 != there {
          found.append(
            Violation(
              .i6, .other, "the level of \(pool) says \(level[state] ?? 0) \(state), not \(there)"))
        }
      }
      if let wrong = evidence.levels[pool].flatMap(sumDiffers) {
        found.append(Violation(.i6, .other, "the level of \(pool): \(wrong)"))
      }
    }
    return found
  }
}
