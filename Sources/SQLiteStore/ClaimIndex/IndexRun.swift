import Larder

/// A sorted run of the claims' index: the entries of the claims of a range of places. Its parts
/// stand one after the other, and are never changed.
struct IndexRun: Sendable {
  enum State: String {
    /// It is being written, and nobody reads it.
    case building
    case current
    /// Others took its place, and its parts are being deleted.
    case obsolete
  }

  let id: Int64
  /// 0 for what was in memory; one more than those that it was merged from.
  let level: Int
  /// The places of its claims, in the table of claims.
  let firstSeq: Int64
  let lastSeq: Int64
  let claims: Int
  /// How many parts it has, in `claim_index_parts`.
  var parts: Int
  /// How many parts its filter has, in `claim_index_filters`.
  let filters: Int

  static let columns = "run, level, first_seq, last_seq, claims, parts, filters"

  init(_ row: Row) {
    id = row.int64(0)
    level = row.int(1)
    firstSeq = row.int64(2)
    lastSeq = row.int64(3)
    claims = row.int(4)
    parts = row.int(5)
    filters = row.int(6)
  }

  init(id: Int64, level: Int, seqs: ClosedRange<Int64>, claims: Int, filters: Int) {
    self.id = id
    self.level = level
    firstSeq = seqs.lowerBound
    lastSeq = seqs.upperBound
    self.claims = claims
    parts = 0
    self.filters = filters
  }

  /// The rows that its parts and its filter's have, in their tables.
  var rows: Range<Int64> { id << 24..<(id + 1) << 24 }

  /// The runs of a state, the newest claims first.
  static func all(_ state: State, _ connection: Connection) throws(StoreError) -> [IndexRun] {
    try connection.all(
      "SELECT \(columns) FROM claim_index_runs WHERE state = ? ORDER BY first_seq DESC",
      [.text(state.rawValue)], IndexRun.init)
  }

  /// The entries of one of its parts.
  func entries(of part: Int, _ connection: Connection) throws(StoreError) -> [IndexEntry] {
    let entries = try connection.first(
      "SELECT entries FROM claim_index_parts WHERE part = ?",
      [.integer(rows.lowerBound + Int64(part))]
    ) { $0.withBlob(0, IndexPart.read) }
    guard let entries, !entries.isEmpty else {
      throw .damaged(
        path: connection.path,
        why: "a part of the claims' index is missing: run \(id), part \(part)")
    }
    return entries
  }

  func filter(_ connection: Connection) throws(StoreError) -> UserFilter {
    var filter = UserFilter(parts: filters)
    var part = 0
    try connection.run(
      "SELECT bits FROM claim_index_filters WHERE part >= ? AND part < ? ORDER BY part",
      [.integer(rows.lowerBound), .integer(rows.upperBound)]
    ) { row in
      row.withBlob(0) { filter.set(part, $0) }
      part += 1
    }
    guard part == filters else {
      throw .damaged(
        path: connection.path, why: "a part of the claims' filter is missing: run \(id)")
    }
    return filter
  }

  /// The places of the claims that stand under a hash, lowest first.
  func seqs(of hash: Int64, _ connection: Connection) throws(StoreError) -> [Int64] {
    var (part, entries) = try firstPart(reaching: hash, connection)
    var seqs: [Int64] = []
    while part < parts {
      for entry in entries where entry.hash == hash { seqs.append(entry.seq) }
      guard let last = entries.last, last.hash == hash else { break }
      part += 1
      if part < parts { entries = try self.entries(of: part, connection) }
    }
    return seqs
  }

  /// The first part whose last hash is not below this one. Hashes are spread evenly, so the search
  /// begins where the hash should be.
  private func firstPart(
    reaching hash: Int64, _ connection: Connection
  ) throws(StoreError) -> (part: Int, entries: [IndexEntry]) {
    var (low, high) = (0, parts)
    var found: [IndexEntry] = []
    let place = UInt64(bitPattern: hash) ^ (1 << 63)
    var probe = Int(place.multipliedFullWidth(by: UInt64(max(1, parts))).high)
    var step = 1
    while low < high {
      let entries = try self.entries(of: probe, connection)
      if entries[entries.count - 1].hash < hash {
        low = probe + 1
        probe = min(low + step, (low + high) / 2)
      } else {
        high = probe
        found = entries
        if entries[0].hash < hash { break }
        probe = max(high - 1 - step, (low + high) / 2)
      }
      step *= 2
    }
    return (high, found)
  }
}

/// How a part's entries are written: pairs of hash and place, as little-endian numbers.
enum IndexPart {
  /// What fits a page of the database.
  static let entries = 250
  static let entryBytes = 16

  static func bytes(_ entries: [IndexEntry]) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: entries.count * entryBytes) { bytes, count in
      let raw = UnsafeMutableRawBufferPointer(bytes)
      for (index, entry) in entries.enumerated() {
        raw.storeBytes(
          of: entry.hash.littleEndian, toByteOffset: index * entryBytes, as: Int64.self)
        raw.storeBytes(
          of: entry.seq.littleEndian, toByteOffset: index * entryBytes + 8, as: Int64.self)
      }
      count = entries.count * entryBytes
    }
  }

  static func read(_ bytes: UnsafeRawBufferPointer) -> [IndexEntry] {
    (0..<(bytes.count / entryBytes)).map { index in
      let at = index * entryBytes
      return IndexEntry(
        hash: Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: Int64.self)),
        seq: Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: at + 8, as: Int64.self)))
    }
  }
}
