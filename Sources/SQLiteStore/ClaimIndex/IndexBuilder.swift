import Larder

/// Writes a run of the claims' index, entry by entry in their order, in one transaction or several.
struct IndexBuilder {
  private(set) var run: IndexRun
  private(set) var filter: UserFilter
  private var entries: [IndexEntry] = []
  /// Parts of the filter that are written.
  private var filtersWritten = 0
  private let connection: Connection

  /// Begins a run, which counts once it is finished.
  init(
    level: Int, seqs: ClosedRange<Int64>, claims: Int, _ connection: Connection
  ) throws(StoreError) {
    self.connection = connection
    filter = UserFilter(claims: claims)
    let id = try connection.first("SELECT max(run) FROM claim_index_runs") { $0.int64(0) } ?? 0
    run = IndexRun(id: id + 1, level: level, seqs: seqs, claims: claims, filters: filter.parts)
    entries.reserveCapacity(IndexPart.entries)
    try connection.run(
      """
      INSERT INTO claim_index_runs (\(IndexRun.columns), state) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
      """,
      [
        .integer(run.id), .integer(level), .integer(run.firstSeq), .integer(run.lastSeq),
        .integer(claims), .integer(0), .integer(run.filters),
        .text(IndexRun.State.building.rawValue),
      ])
  }

  mutating func append(_ entry: IndexEntry) throws(StoreError) {
    entries.append(entry)
    if entry.isUsers {
      try writeFilters(before: filter.part(of: entry.hash))
      #if MUTANTS
        // The filter forgets half of the users.
        if Mutant.current == .lossyFilter, entry.hash >> 8 & 1 == 0 { return try writeFull() }
      #endif
      filter.insert(entry.hash)
    }
    try writeFull()
  }

  private mutating func writeFull() throws(StoreError) {
    if entries.count == IndexPart.entries { try writePart() }
  }

  private mutating func writePart() throws(StoreError) {
    try connection.run(
      "INSERT INTO claim_index_parts (part, entries) VALUES (?, ?)",
      [.integer(run.rows.lowerBound + Int64(run.parts)), .blob(IndexPart.bytes(entries))])
    run.parts += 1
    entries.removeAll(keepingCapacity: true)
  }

  /// Writes the parts of the filter that nothing more is added to.
  private mutating func writeFilters(before part: Int) throws(StoreError) {
    while filtersWritten < part {
      try connection.run(
        "INSERT INTO claim_index_filters (part, bits) VALUES (?, ?)",
        [
          .integer(run.rows.lowerBound + Int64(filtersWritten)),
          .blob(filter.content(of: filtersWritten)),
        ])
      filtersWritten += 1
    }
  }

  /// Writes what is left and makes the run count, in place of others.
  mutating func finish(replacing sources: [IndexRun] = []) throws(StoreError) {
    if !entries.isEmpty { try writePart() }
    try writeFilters(before: filter.parts)
    for source in sources {
      try connection.run(
        "UPDATE claim_index_runs SET state = ? WHERE run = ?",
        [.text(IndexRun.State.obsolete.rawValue), .integer(source.id)])
    }
    try connection.run(
      "UPDATE claim_index_runs SET parts = ?, state = ? WHERE run = ?",
      [.integer(run.parts), .text(IndexRun.State.current.rawValue), .integer(run.id)])
  }
}
