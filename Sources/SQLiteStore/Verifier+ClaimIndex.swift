import Larder

extension Verifier {
  /// Claims that are read and sorted at once, to be held against a run.
  private static let claimsAtOnce = 250_000

  /// Looks whether each claim is found by its user and by its key.
  mutating func checkClaimIndex() {
    attempt("the claims' index") { verifier throws(StoreError) in
      let hashes = try ClaimIndex.hashes(verifier.connection)
      for run in try IndexRun.all(.current, verifier.connection) {
        verifier.attempt("run \(run.id) of the claims' index") { verifier throws(StoreError) in
          try verifier.check(run, hashes)
        }
      }
    }
  }

  private mutating func check(_ run: IndexRun, _ hashes: ClaimHashes) throws(StoreError) {
    let filter = try run.filter(connection)
    var next = run.firstSeq
    while let last = try check(run, filter, from: next, hashes) { next = last + 1 }
  }

  /// Checks claims from a place on, and gives the last one's; nil where there was none.
  private mutating func check(
    _ run: IndexRun, _ filter: UserFilter, from first: Int64, _ hashes: ClaimHashes
  ) throws(StoreError) -> Int64? {
    var expected: [IndexEntry] = []
    var last: Int64?
    try connection.run(
      """
      SELECT seq, user, pool, principal, key FROM claims WHERE seq >= ? AND seq <= ?
      ORDER BY seq LIMIT ?
      """, [.integer(first), .integer(run.lastSeq), .integer(Self.claimsAtOnce)]
    ) { row in
      let seq = row.int64(0)
      expected.append(IndexEntry(hash: hashes.user(row.text(1)), seq: seq))
      if let key = row.optionalText(4) {
        let hash = hashes.key(key, of: row.text(3), user: row.text(1), pool: row.text(2))
        expected.append(IndexEntry(hash: hash, seq: seq))
      }
      last = seq
    }
    expected.sort()
    let missing = try run.missing(of: expected, connection)
    let filtered = expected.filter { $0.isUsers && !filter.mayHave($0.hash) }
    for entry in (missing + filtered).prefix(Limits.violationsListed) {
      let id = try connection.first("SELECT id FROM claims WHERE seq = ?", [.integer(entry.seq)]) {
        $0.text(0)
      }
      add(
        "claim \(id ?? "at \(entry.seq)")",
        "it is not found by its \(entry.isUsers ? "user" : "key")")
    }
    return last
  }
}

extension IndexRun {
  /// Those of sorted entries that it does not have.
  fileprivate func missing(
    of expected: [IndexEntry], _ connection: Connection
  ) throws(StoreError) -> [IndexEntry] {
    var missing: [IndexEntry] = []
    var (part, entries, at) = (0, [IndexEntry](), 0)
    for entry in expected {
      while at == entries.count || entries[at] < entry {
        if at < entries.count {
          at += 1
        } else if part < parts {
          entries = try self.entries(of: part, connection)
          (part, at) = (part + 1, 0)
        } else {
          break
        }
      }
      if at == entries.count || entries[at] != entry { missing.append(entry) }
    }
    return missing
  }
}
