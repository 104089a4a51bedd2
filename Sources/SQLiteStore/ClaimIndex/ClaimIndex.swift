import Larder

/// Finds claims by their user and by their key.
///
/// Users come in no order. An index of the database over them would write another page for each
/// claim; instead the newest claims are kept in memory, and now and then they go into a sorted run on
/// disk, which runs of its size are merged with (a log-structured merge tree: O'Neil and others,
/// 1996). After a start the claims behind the last run are read again.
final class ClaimIndex {
  /// Runs of one level that are merged.
  private static let fanout = 8
  /// More than there are of any number of claims that came one after the other.
  private static let mostRunsAtStart = 64

  let hashes: ClaimHashes
  private let connection: Connection
  private var tail = ClaimTail(expected: 2 * Limits.claimTail)
  /// The newest claims first, with their filters as far as these may take memory. A run without one
  /// is searched for each claim.
  private var runs: [(run: IndexRun, filter: UserFilter?)] = [] { didSet { findMergeable() } }
  /// The oldest runs of a level that has enough of them. Looked for where the runs change, and not for
  /// each claim.
  private var mergeable: [IndexRun]?
  private var merge: IndexMerge?
  /// Runs whose parts are to be deleted.
  private var obsolete: [IndexRun] = []
  /// How many claims the tail has when it is written.
  private var full = Limits.claimTail
  /// Whether the disk had no room: nothing but the tail is tried again.
  private var rests = false
  /// Where the next claim goes. Never a place that a run speaks of, also where its claim was purged.
  private(set) var nextSeq: Int64 = 1

  /// Reads what is in memory of the index, and writes runs of what is not in it yet.
  init(_ connection: Connection) throws(StoreError) {
    self.connection = connection
    hashes = try Self.hashes(connection)
    try connection.transaction { () throws(StoreError) in try giveUpUnfinished() }
    try readRuns()
    try readTail()
    // Where very many claims came at once, as from an older store, each search would ask every run.
    while runs.count > Self.mostRunsAtStart, upkeepWaits { try keepUp() }
  }

  static func hashes(_ connection: Connection) throws(StoreError) -> ClaimHashes {
    let secret = try connection.first("SELECT first, second FROM claim_index_secret") {
      (UInt64(bitPattern: $0.int64(0)), UInt64(bitPattern: $0.int64(1)))
    }
    guard let secret else {
      throw .damaged(path: connection.path, why: "the secret of the claims' index is missing")
    }
    return ClaimHashes(secret: secret)
  }

  private func readRuns() throws(StoreError) {
    runs = []
    obsolete = try IndexRun.all(.obsolete, connection)
    for run in try IndexRun.all(.current, connection) {
      runs.append((run, mayKeepFilter(of: run.filters) ? try run.filter(connection) : nil))
    }
  }

  private func mayKeepFilter(of parts: Int) -> Bool {
    let kept = runs.reduce(0) { $0 + ($1.filter?.bytes.count ?? 0) }
    return kept + UserFilter.bytes(parts: parts) <= Limits.claimFilterBytes
  }

  private func readTail() throws(StoreError) {
    let last = runs.first?.run.lastSeq ?? 0
    nextSeq = last + 1
    #if MUTANTS
      if Mutant.current == .unreadTail {
        nextSeq = 1 + (try connection.first("SELECT max(seq) FROM claims") { $0.int64(0) } ?? 0)
        return
      }
    #endif
    var read = Limits.claimTail
    while read == Limits.claimTail {
      read = 0
      try connection.run(
        """
        SELECT seq, user, pool, principal, key FROM claims WHERE seq >= ? ORDER BY seq LIMIT ?
        """, [.integer(nextSeq), .integer(Limits.claimTail)]
      ) { row in
        note(
          seq: row.int64(0), user: row.text(1), pool: row.text(2), principal: row.text(3),
          key: row.optionalText(4))
        read += 1
      }
      if tail.claims >= full { try keepUp() }
    }
  }

  /// Adds a claim that was just inserted.
  func note(seq: Int64, user: String, pool: String, principal: String, key: String?) {
    note(seq: seq, hashes.hash(user), pool: pool, principal: principal, key: key)
  }

  /// The same, for a user whose trace is known.
  func note(seq: Int64, _ trace: Trace, pool: String, principal: String, key: String?) {
    note(seq: seq, trace.user, pool: pool, principal: principal, key: key)
  }

  private func note(
    seq: Int64, _ user: UserHash, pool: String, principal: String, key: String?
  ) {
    tail.add(IndexEntry(hash: user.hash, seq: seq))
    if let key {
      tail.add(IndexEntry(hash: hashes.key(key, of: principal, user, pool: pool), seq: seq))
    }
    nextSeq = max(nextSeq, seq + 1)
  }

  /// What is in the index before a transaction.
  struct Mark {
    fileprivate let entries: Int
    fileprivate let nextSeq: Int64
  }

  var mark: Mark { Mark(entries: tail.entries.count, nextSeq: nextSeq) }

  /// Takes back what came since, as the database did.
  func rollBack(to mark: Mark) {
    tail.shrink(to: mark.entries)
    nextSeq = mark.nextSeq
  }

  /// Where a user's claims may be.
  struct Trace {
    fileprivate let user: UserHash
    let isInTail: Bool
    fileprivate let runs: [IndexRun]

    /// Whether the user has no claim at all.
    var isEmpty: Bool { !isInTail && runs.isEmpty }
  }

  func trace(of user: String) -> Trace {
    let user = hashes.hash(user)
    var found: [IndexRun] = []
    for (run, filter) in runs where filter?.mayHave(user.hash) ?? true { found.append(run) }
    return Trace(user: user, isInTail: tail.has(user.hash), runs: found)
  }

  /// The places of what may be a user's claims, newest first. Others may be among them, and such
  /// as were purged.
  ///
  /// - Parameter first: the place from which on they are looked for.
  func claims(_ trace: Trace, from first: Int64 = 0) throws(StoreError) -> [Int64] {
    try seqs(of: trace.user.hash, trace, from: first)
  }

  /// The places of what may be the claim of a user's key.
  func claims(
    ofKey key: String, _ principal: String, pool: String, _ trace: Trace
  ) throws(StoreError) -> [Int64] {
    guard !trace.isEmpty else { return [] }
    return try seqs(of: hashes.key(key, of: principal, trace.user, pool: pool), trace)
  }

  private func seqs(
    of hash: Int64, _ trace: Trace, from first: Int64 = 0
  ) throws(StoreError) -> [Int64] {
    var seqs = Array(tail.seqs(of: hash).reversed())
    for run in trace.runs where run.lastSeq >= first {
      seqs += try run.seqs(of: hash, connection).reversed()
    }
    return first > 0 ? seqs.filter { $0 >= first } : seqs
  }

  // Upkeep

  /// Whether there is something to be written, merged or deleted.
  var upkeepWaits: Bool {
    tail.claims >= full || !rests && (merge != nil || !obsolete.isEmpty || mergeable != nil)
  }

  /// Does a piece of what waits, in a transaction of its own. Where the disk has no room for it, it is
  /// tried again when more claims have come.
  func keepUp() throws(StoreError) {
    do throws(StoreError) {
      if tail.claims >= full {
        try writeTail()
      } else if merge != nil {
        try goOn()
      } else if let run = obsolete.first {
        try delete(run)
      } else if let sources = mergeable {
        merge = try connection.transaction { () throws(StoreError) in
          try IndexMerge(sources, connection)
        }
      }
    } catch {
      full = tail.claims + Limits.claimTail
      merge = nil
      rests = true
      guard case .full = error else { throw error }
    }
  }

  private func writeTail() throws(StoreError) {
    let entries = tail.entries.sorted()
    let seqs = entries.map(\.seq)
    guard let first = seqs.min(), let last = seqs.max() else { return }
    let builder = try connection.transaction { () throws(StoreError) in
      if rests { try giveUpUnfinished() }
      var builder = try IndexBuilder(
        level: 0, seqs: first...last, claims: tail.claims, connection)
      for entry in entries { try builder.append(entry) }
      try builder.finish()
      return builder
    }
    runs.insert(
      (builder.run, mayKeepFilter(of: builder.filter.parts) ? builder.filter : nil), at: 0)
    tail = ClaimTail(expected: 2 * Limits.claimTail)
    full = Limits.claimTail
    if rests { obsolete = try IndexRun.all(.obsolete, connection) }
    rests = false
  }

  /// Runs that nobody goes on with are deleted like others that do not count.
  private func giveUpUnfinished() throws(StoreError) {
    try connection.run("UPDATE claim_index_runs SET state = 'obsolete' WHERE state = 'building'")
  }

  private func goOn() throws(StoreError) {
    guard var going = merge else { return }
    // It must not share its parts with what may be given up.
    merge = nil
    let isDone = try connection.transaction { () throws(StoreError) in
      try going.advance(by: Limits.claimIndexSlice)
    }
    guard isDone else {
      merge = going
      return
    }
    let sources = Set(going.sources.map(\.id))
    guard let at = runs.firstIndex(where: { sources.contains($0.run.id) }) else { return }
    runs.removeAll { sources.contains($0.run.id) }
    let filter = going.builder.filter
    runs.insert((going.builder.run, mayKeepFilter(of: filter.parts) ? filter : nil), at: at)
    obsolete += going.sources
  }

  /// Deletes some of a run's parts, and the run with the last of them.
  private func delete(_ run: IndexRun) throws(StoreError) {
    let isDone = try connection.transaction { () throws(StoreError) in
      var left = Limits.claimIndexSlice / IndexPart.entries
      for table in ["claim_index_parts", "claim_index_filters"] where left > 0 {
        try connection.run(
          """
          DELETE FROM \(table) WHERE part IN (
            SELECT part FROM \(table) WHERE part >= ? AND part < ? LIMIT ?)
          """,
          [.integer(run.rows.lowerBound), .integer(run.rows.upperBound), .integer(left)])
        left -= connection.changes
      }
      guard left > 0 else { return false }
      try connection.run("DELETE FROM claim_index_runs WHERE run = ?", [.integer(run.id)])
      return true
    }
    if isDone { obsolete.removeAll { $0.id == run.id } }
  }

  private func findMergeable() {
    var levels: [Int: [IndexRun]] = [:]
    for (run, _) in runs { levels[run.level, default: []].append(run) }
    mergeable = levels.sorted { $0.key < $1.key }.first { $0.value.count >= Self.fanout }
      .map { Array($0.value.suffix(Self.fanout)) }
  }
}
