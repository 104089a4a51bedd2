import Larder

/// Checks a database: SQLite's own integrity, and what Larder's tables promise each other.
struct Verifier {
  let connection: Connection
  private let readDefinition: Definition.Reader
  private(set) var found = Verification()

  init(_ connection: Connection, _ readDefinition: @escaping Definition.Reader) {
    self.connection = connection
    self.readDefinition = readDefinition
  }

  /// Checks whatever can be read, on one state of the database.
  mutating func checkAll() {
    // Before the first page is looked at: it makes SQLite notice damage where it happens.
    attempt(connection.path) { verifier throws(StoreError) in
      try verifier.connection.run("PRAGMA cell_size_check = 1")
    }
    attempt(connection.path) { verifier throws(StoreError) in
      try verifier.connection.run("BEGIN")
    }
    defer { try? connection.run("COMMIT") }
    guard checkOrigin() else { return }
    checkIntegrity()
    checkRules()
  }

  /// Whether the database has the tables that the rules are about.
  private mutating func checkOrigin() -> Bool {
    var origin: Schema.Origin?
    attempt(connection.path) { verifier throws(StoreError) in
      origin = try Schema.origin(of: verifier.connection)
    }
    switch origin {
    case nil: return false
    case .larder(Schema.version): return true
    case .larder(let version) where version > Schema.version:
      add(
        connection.path,
        "its schema has version \(version), which this Larder does not know; it knows versions up "
          + "to \(Schema.version)", "install the newer Larder that wrote it")
    case .larder(let version):
      add(
        connection.path,
        "its schema has version \(version), older than this Larder's \(Schema.version)",
        "`larder serve` brings it up to date")
    case .foreign:
      add(
        connection.path, "it is a database of another program",
        "name another file with --store, or \(Violation.restore)")
    case .empty:
      add(connection.path, "it is empty", "`larder serve` makes a new store of it")
    }
    checkIntegrity()
    return false
  }

  /// What SQLite finds wrong with the file.
  mutating func checkIntegrity() {
    attempt(connection.path) { verifier throws(StoreError) in
      let limit = Limits.violationsListed
      let messages = try verifier.connection.all("PRAGMA integrity_check(\(limit))") {
        $0.text(0)
      }
      let lines = messages.flatMap { $0.split(separator: "\n").map(String.init) }
        .filter { $0 != "ok" && !$0.hasPrefix("***") }
      for line in lines.prefix(limit) { verifier.add(verifier.connection.path, line) }
    }
  }

  /// What must hold between the tables.
  mutating func checkRules() {
    checkSchema()
    checkPools()
    checkClaimIndex()
    for rule in Self.rules {
      attempt("the rule that \(rule.name)") { verifier throws(StoreError) in
        let rows = try verifier.connection.all(
          rule.sql + " LIMIT \(Limits.violationsListed + 1)"
        ) { ($0.text(0), $0.text(1)) }
        for row in rows.prefix(Limits.violationsListed) { verifier.add(row.0, row.1) }
        if rows.count > Limits.violationsListed {
          verifier.add("the rule that \(rule.name)", "it is broken in more places than are listed")
        }
      }
    }
  }

  /// Without an index or a trigger that guards a promise, nobody would notice when it is broken.
  private mutating func checkSchema() {
    attempt(connection.path) { verifier throws(StoreError) in
      let fresh = try Connection(path: ":memory:", access: .writing)
      defer { fresh.close() }
      try Schema.migrate(fresh)
      let names = "SELECT type || ' ' || name FROM sqlite_schema ORDER BY type DESC, name"
      let present = Set(try verifier.connection.all(names) { $0.text(0) })
      for name in try fresh.all(names, [], { $0.text(0) }) where !present.contains(name) {
        verifier.add("the schema", "it has no \(name)")
      }
    }
  }

  /// Holds the counts of each pool against its items and claims.
  private mutating func checkPools() {
    var counted: [String: Stock] = [:]
    var kept: [String: Stock] = [:]
    var defined: Set<String> = []
    var isComplete = false
    attempt("the counts") { verifier throws(StoreError) in
      counted = try verifier.countItems()
      kept = try verifier.readCounts()
      isComplete = true
    }
    attempt("the definitions") { verifier throws(StoreError) in
      defined = try verifier.checkDefinitions()
    }
    guard isComplete else { return }
    for pool in Set(kept.keys).union(counted.keys).union(defined).sorted() {
      let stock = counted[pool] ?? Stock()
      found.pools.append(CountedPool(name: pool, stock: stock))
      if !defined.contains(pool) { add("pool \(pool)", "it has no definition") }
      guard let kept = kept[pool] else {
        add("pool \(pool)", "it has no counts")
        continue
      }
      compare(pool, kept, stock)
    }
  }

  private mutating func compare(_ pool: String, _ kept: Stock, _ counted: Stock) {
    func differ(_ name: String, _ kept: Int, _ counted: Int) -> String? {
      kept == counted ? nil : "its counts say \(kept) \(name), and there are \(counted)"
    }
    let differences =
      ItemState.allCases.map { differ($0.rawValue, kept[$0], counted[$0]) } + [
        differ("stale", kept.stale, counted.stale),
        differ("that pending claims wait for", kept.pending, counted.pending),
      ]
    for difference in differences.compactMap({ $0 }) { add("pool \(pool)", difference) }
  }

  private mutating func countItems() throws(StoreError) -> [String: Stock] {
    var pools: [String: Stock] = [:]
    let items = try connection.all(
      "SELECT pool, state, count(*) FROM inventory GROUP BY pool, state"
    ) { ($0.text(0), $0.text(1), $0.int(2)) }
    for (pool, word, count) in items {
      guard let state = ItemState(rawValue: word) else {
        add("pool \(pool)", "\(count) of its items are in no state that there is")
        continue
      }
      pools[pool, default: Stock()][state] = count
    }
    let stale = try connection.all(
      """
      SELECT pool, count(*) FROM items WHERE state = 'available' AND stale = 1 GROUP BY pool
      """
    ) { ($0.text(0), $0.int(1)) }
    for (pool, count) in stale { pools[pool, default: Stock()].stale = count }
    let pending = try connection.all(
      "SELECT pool, sum(count) FROM settled_claims WHERE state = 'pending' GROUP BY pool"
    ) { ($0.text(0), $0.int(1)) }
    for (pool, count) in pending { pools[pool, default: Stock()].pending = count }
    return pools
  }

  private func readCounts() throws(StoreError) -> [String: Stock] {
    let rows = try connection.all("SELECT pool FROM settled_stock ORDER BY pool") { $0.text(0) }
    var pools: [String: Stock] = [:]
    for pool in rows { pools[pool] = try Rows.counts(of: pool, connection) }
    return pools
  }

  private mutating func checkDefinitions() throws(StoreError) -> Set<String> {
    let rows = try connection.all("SELECT pool, source, file FROM pools ORDER BY pool") {
      ($0.text(0), $0.text(1), $0.text(2))
    }
    for (pool, source, file) in rows {
      attempt("pool \(pool)") { verifier throws(StoreError) in
        let definition = try verifier.readDefinition(source, file)
        guard definition.name != pool else { return }
        verifier.add("pool \(pool)", "its definition is that of \(definition.name)")
      }
    }
    return Set(rows.map(\.0))
  }

  /// Does a part of the work; that it could not be done is a violation.
  mutating func attempt(
    _ place: String, _ body: (inout Verifier) throws(StoreError) -> Void
  ) {
    do throws(StoreError) {
      try body(&self)
    } catch {
      add(place, "it can't be checked: \(Self.why(error))")
    }
  }

  mutating func add(
    _ place: String, _ problem: String, _ wayOut: String = Violation.restore
  ) {
    found.violations.append(Violation(place: place, problem: problem, wayOut: wayOut))
  }

  /// An error's reason, without the ways out that it names itself.
  static func why(_ error: StoreError) -> String {
    switch error {
    case .unreadable(_, let why), .damaged(_, let why), .failed(let why), .full(let why): why
    default: "\(error)"
    }
  }
}
