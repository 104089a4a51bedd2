import Larder

/// Merges neighbouring runs of the claims' index into one, piece by piece.
struct IndexMerge {
  /// Where the merge is in one of the runs.
  private struct Cursor {
    let run: IndexRun
    private var part = 0
    private var entries: [IndexEntry] = []
    private var at = -1

    init(_ run: IndexRun) { self.run = run }

    /// The next entry; nil behind the last.
    mutating func next(_ connection: Connection) throws(StoreError) -> IndexEntry? {
      at += 1
      if at >= entries.count {
        guard part < run.parts else { return nil }
        entries = try run.entries(of: part, connection)
        part += 1
        at = 0
      }
      return entries[at]
    }
  }

  let sources: [IndexRun]
  private(set) var builder: IndexBuilder
  private var cursors: [Cursor]
  /// The next entry of each.
  private var heads: [IndexEntry?] = []
  private let connection: Connection

  /// - Parameter sources: neighbours of one level.
  init(_ sources: [IndexRun], _ connection: Connection) throws(StoreError) {
    self.sources = sources
    self.connection = connection
    cursors = sources.map(Cursor.init)
    let first = sources.map(\.firstSeq).min() ?? 0
    let last = sources.map(\.lastSeq).max() ?? 0
    builder = try IndexBuilder(
      level: sources[0].level + 1, seqs: first...last,
      claims: sources.reduce(0) { $0 + $1.claims }, connection)
    for index in cursors.indices { heads.append(try cursors[index].next(connection)) }
  }

  /// Merges about so many entries; whether that was all.
  mutating func advance(by limit: Int) throws(StoreError) -> Bool {
    for _ in 0..<limit {
      var (lowest, index) = (IndexEntry?.none, 0)
      for (position, head) in heads.enumerated() {
        guard let head else { continue }
        if let known = lowest, known < head { continue }
        (lowest, index) = (head, position)
      }
      guard let lowest else {
        try builder.finish(replacing: sources)
        return true
      }
      heads[index] = try cursors[index].next(connection)
      try builder.append(lowest)
    }
    return false
  }
}
