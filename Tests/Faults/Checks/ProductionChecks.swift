/// I5, I7 and I9: what is stored against what producers printed and clients put.
struct ProductionChecks {
  private struct Place: Hashable {
    let run: String
    let slice: Int
  }

  private struct Spot: Hashable {
    let place: Place
    let line: Int
  }

  private let store: StoredRows
  private let puts: [Operation]
  private let entries: [Place: [Ledger.Entry]]
  private let slices: [Place: StoredRows.Slice]
  private let runs: [String: StoredRows.Run]
  private let made: [Place: [StoredRows.Item]]
  private let clockJumped: Bool

  init(evidence: Evidence, store: StoredRows) {
    self.store = store
    puts = evidence.history.operations.filter { $0.action == .put }
    entries = Dictionary(grouping: evidence.ledger.entries) { Place(run: $0.run, slice: $0.slice) }
    slices = Dictionary(store.slices.map { (Place(run: $0.run, slice: $0.slice), $0) }) { $1 }
    runs = Dictionary(store.runs.map { ($0.id, $0) }) { $1 }
    made = Dictionary(grouping: store.items.filter { $0.run != nil }) {
      Place(run: $0.run ?? "", slice: $0.slice ?? 0)
    }
    clockJumped = evidence.clockJumped
  }

  func violations() -> [Violation] {
    made.flatMap(printed) + slices.flatMap(complete) + entries.flatMap(asked) + twice() + put()
      + nominal() + totals() + replaced()
  }

  /// I5: items are lines of the ledger, each once and all of one try; I9: of a slice that is
  /// committed, and of a try that was done.
  private func printed(_ place: Place, _ items: [StoredRows.Item]) -> [Violation] {
    let what = "run \(place.run) slice \(place.slice)"
    guard slices[place]?.state == "committed" else {
      return [
        Violation(
          .i9, .phantom,
          "\(items.count) items of \(what), which is \(slices[place]?.state ?? "not there")")
      ]
    }
    let tries = entries[place] ?? []
    let lines = tries.map { entry in
      (entry: entry, has: items.filter { holds(entry, $0) }.count)
    }
    guard
      let best = lines.max(by: {
        ($0.has, $0.entry.isDone ? 1 : 0) < ($1.has, $1.entry.isDone ? 1 : 0)
      }),
      best.has > 0
    else {
      return [Violation(.i5, .phantom, "\(items.count) items of \(what) that nobody printed")]
    }
    if best.has < items.count {
      let others = items.filter { !holds(best.entry, $0) }
      let mixed = others.contains { item in tries.contains { holds($0, item) } }
      return [
        Violation(
          .i5, mixed ? .doubled : .phantom,
          "\(others.count) items of \(what) are not of the try that has the others: "
            + others.prefix(3).map(\.payload).joined(separator: ", "))
      ]
    }
    guard best.entry.isDone else {
      return [Violation(.i9, .phantom, "items of \(what) of a try that was not done")]
    }
    return []
  }

  private func holds(_ entry: Ledger.Entry, _ item: StoredRows.Item) -> Bool {
    guard let line = item.line, entry.lines.indices.contains(line - 1) else { return false }
    let printed = entry.lines[line - 1]
    return printed.payload == item.payload && printed.key == item.key && entry.pool == item.pool
  }

  /// I5: an acknowledged slice has all that its producer printed. I9: and is one that was done.
  private func complete(_ place: Place, _ slice: StoredRows.Slice) -> [Violation] {
    guard slice.state == "committed" else { return [] }
    let what = "run \(place.run) slice \(place.slice)"
    let items = made[place] ?? []
    let done = (entries[place] ?? []).filter(\.isDone)
    var found: [Violation] = []
    if done.isEmpty, items.isEmpty {
      found.append(Violation(.i9, .phantom, "\(what) is committed, and no try of it was done"))
    }
    if items.count != slice.stored {
      found.append(
        Violation(
          .i5, items.count < slice.stored ? .lost : .doubled,
          "\(what) stored \(slice.stored) items, and \(items.count) are there"))
    }
    let sum = slice.stored + slice.duplicates + slice.overfill
    if !done.isEmpty, !done.contains(where: { $0.lines.count == sum }) {
      let printed = done[done.count - 1].lines.count
      found.append(
        Violation(
          .i5, sum < printed ? .lost : .phantom,
          "\(what) accounts for \(sum) items, and its producer printed \(printed)"))
    }
    return found
  }

  /// I5: a slice is asked for again as it was, and each begins where the last one ended. I7: by a
  /// run that the store knows.
  private func asked(_ place: Place, _ tries: [Ledger.Entry]) -> [Violation] {
    let what = "run \(place.run) slice \(place.slice)"
    guard runs[place.run] != nil else {
      return [Violation(.i7, .other, "\(what) was asked for by no run of the store")]
    }
    let first = tries[0]
    if tries.contains(where: { $0.count != first.count || $0.cursor != first.cursor }) {
      return [
        Violation(
          .i5, .other,
          "\(what) was asked for differently: "
            + tries.map { "\($0.count) from \"\($0.cursor)\"" }.joined(separator: ", "))
      ]
    }
    guard place.slice > 1 else {
      return first.cursor.isEmpty
        ? [] : [Violation(.i5, .other, "\(what) begins with the cursor \(first.cursor)")]
    }
    let before = (entries[Place(run: place.run, slice: place.slice - 1)] ?? []).filter(\.isDone)
    guard before.contains(where: { ($0.next ?? $0.cursor) == first.cursor }) else {
      return [
        Violation(.i5, .other, "\(what) has a cursor that the one before did not leave")
      ]
    }
    return []
  }

  /// I5: nothing is stored twice.
  private func twice() -> [Violation] {
    var found: [Violation] = []
    var payloads: [String: StoredRows.Item] = [:]
    var spots: Set<Spot> = []
    for item in store.items {
      if let run = item.run, let slice = item.slice, let line = item.line,
        !spots.insert(Spot(place: Place(run: run, slice: slice), line: line)).inserted
      {
        found.append(
          Violation(.i5, .doubled, "run \(run) slice \(slice) line \(line) is stored twice"))
      } else if let other = payloads.updateValue(item, forKey: item.payload) {
        found.append(
          Violation(
            .i5, .doubled, "items \(other.id) and \(item.id) both have \(item.payload)"))
      }
    }
    return found
  }

  /// I5 for what clients put: all of an acknowledged request is there, and nothing else.
  private func put() -> [Violation] {
    var found: [Violation] = []
    let stored = Dictionary(
      store.items.filter { $0.run == nil }.map {
        (Ledger.Line(key: $0.key, payload: $0.payload), $0)
      }
    ) { $1 }
    var known: Set<Ledger.Line> = []
    for operation in puts where operation.outcome != .fail {
      known.formUnion(operation.lines)
      guard operation.outcome == .ok else { continue }
      let counts = operation.counts
      let overfill = counts["overfill"] ?? 0
      let sum = (counts["stored"] ?? 0) + (counts["duplicates"] ?? 0) + overfill
      let missing = operation.lines.count { stored[$0] == nil }
      if sum != operation.lines.count || missing > overfill {
        found.append(
          Violation(
            .i5, sum > operation.lines.count ? .phantom : .lost,
            "\(missing) lines of a request are not in the store, \(overfill) were refused",
            [operation]))
      }
    }
    for (line, item) in stored where !known.contains(line) {
      found.append(Violation(.i5, .phantom, "item \(item.id) was put by nobody: \(line.payload)"))
    }
    return found
  }

  /// I7: a nominal time has one run.
  private func nominal() -> [Violation] {
    struct Time: Hashable {
      let pool: String
      let schedule: String
      let at: Int64
    }
    var runAt: [Time: String] = [:]
    var found: [Violation] = []
    for run in store.runs {
      guard let schedule = run.schedule, let at = run.nominalAt else { continue }
      let time = Time(pool: run.pool, schedule: schedule, at: at)
      if let other = runAt.updateValue(run.id, forKey: time) {
        found.append(
          Violation(
            .i7, .doubled, "\(run.pool) \(schedule) at \(at) has the runs \(other) and \(run.id)"))
      }
    }
    return found
  }

  /// I5: a run has stored what its slices have.
  private func totals() -> [Violation] {
    var sums: [String: Int] = [:]
    for slice in store.slices where slice.state == "committed" {
      sums[slice.run, default: 0] += slice.stored
    }
    return store.runs.filter { $0.stored != sums[$0.id] ?? 0 }.map {
      Violation(
        .i5, .other, "run \($0.id) stored \($0.stored), and its slices \(sums[$0.id] ?? 0)")
    }
  }

  /// I9: no slice is committed after its run was replaced or had failed.
  private func replaced() -> [Violation] {
    guard !clockJumped else { return [] }
    return store.slices.compactMap { slice in
      guard slice.state == "committed", let run = runs[slice.run],
        ["replaced", "failed"].contains(run.state), let end = run.endedAt, let at = slice.endedAt,
        at > end
      else { return nil }
      return Violation(
        .i9, .phantom,
        "run \(run.id) was \(run.state) at \(end), and slice \(slice.slice) committed at \(at)")
    }
  }
}
