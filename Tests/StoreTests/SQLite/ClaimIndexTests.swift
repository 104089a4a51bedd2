import Larder
import Testing

@testable import SQLiteStore

/// The index of claims by user and by key.
struct ClaimIndexTests {
  /// The test vector of the paper's appendix A.
  @Test func sipHashIsThatOfItsAuthors() {
    var hash = SipHash(key: (0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908))
    (0..<15).forEach { hash.feed(UInt8($0)) }
    #expect(hash.finish() == 0xa129_ca61_49be_45e5)
    var whole = SipHash(key: (0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908))
    whole.feed(0)
    Array(1..<15 as Range<UInt8>).withUnsafeBufferPointer { whole.feed($0) }
    #expect(whole.finish() == 0xa129_ca61_49be_45e5)
  }

  @Test func filtersForgetNobodyAndLetFewPass() {
    var random = SystemRandomNumberGenerator()
    let users = (0..<20_000).map { _ in Int64(bitPattern: random.next()) & ~1 }
    let others = (0..<20_000).map { _ in Int64(bitPattern: random.next()) & ~1 }
    var filter = UserFilter(claims: users.count)
    for user in users { filter.insert(user) }
    #expect(users.allSatisfy(filter.mayHave))
    // One of 270 at its best.
    #expect(others.count(where: filter.mayHave) < 20_000 / 100)
  }

  /// A table of claims, its index, and what the index must find.
  private final class Bench {
    let folder: TemporaryFolder
    var connection: Connection
    var index: ClaimIndex
    /// The places of each user's claims, and of each key's.
    var users: [String: [Int64]] = [:]
    var keys: [String: [Int64]] = [:]
    var count = 0

    init() throws {
      folder = try TemporaryFolder()
      connection = try Connection(path: folder.path("larder.db"), access: .writing)
      try connection.run("PRAGMA journal_mode = WAL")
      try connection.run("PRAGMA synchronous = OFF")
      try Schema.migrate(connection)
      index = try ClaimIndex(connection)
    }

    deinit { connection.close() }

    func reopen() throws {
      connection.close()
      connection = try Connection(path: folder.path("larder.db"), access: .writing)
      try connection.run("PRAGMA synchronous = OFF")
      index = try ClaimIndex(connection)
    }

    /// Inserts claims as the store does.
    func add(_ users: [String], indexed: Bool = true) throws {
      try connection.transaction { () throws(StoreError) in
        for user in users {
          count += 1
          let seq = indexed ? index.nextSeq : Int64(count)
          try connection.run(
            """
            INSERT INTO settled_claims (seq, id, pool, principal, user, key, fingerprint, state, count,
              claimed_at)
            VALUES (?, ?, 'p', 'local', ?, ?, '1', 'claimed', 1, 0)
            """, [.integer(seq), .text("c-\(count)"), .text(user), .text("k-\(count)")])
          if indexed {
            index.note(
              seq: seq, user: user, pool: "p", principal: "local", key: "k-\(count)")
          }
          self.users[user, default: []].append(seq)
          keys["\(user) k-\(count)"] = [seq]
        }
      }
    }

    func keepUp() throws {
      while index.upkeepWaits { try index.keepUp() }
    }

    /// The runs' levels, and the rows that they and others have.
    func levels() throws -> [Int] { try IndexRun.all(.current, connection).map(\.level) }

    func check(_ location: SourceLocation = #_sourceLocation) throws {
      for (user, seqs) in users {
        let found = try index.claims(index.trace(of: user))
        #expect(found == seqs.reversed(), "\(user)", sourceLocation: location)
      }
      for (name, seqs) in keys {
        let parts = name.split(separator: " ").map(String.init)
        let trace = index.trace(of: parts[0])
        let found = try index.claims(ofKey: parts[1], "local", pool: "p", trace)
        #expect(found == seqs, "\(name)", sourceLocation: location)
        let other = try index.claims(ofKey: parts[1], "other", pool: "p", trace)
        #expect(other.isEmpty, sourceLocation: location)
      }
      for number in 0..<100 { #expect(index.trace(of: "nobody-\(number)").isTailFree) }
      var verifier = Verifier(connection, readDefinition)
      verifier.checkClaimIndex()
      #expect(verifier.found.violations.isEmpty, sourceLocation: location)
    }
  }

  @Test func claimsAreFoundWhateverIsWrittenMergedAndReadAgain() throws {
    let bench = try Bench()
    var random = SystemRandomNumberGenerator()
    for round in 0..<40 {
      // Many users with a claim, some with several, and one with very many.
      try bench.add(
        (0..<120).map { number in
          switch number % 10 {
          case 0: "heavy"
          case 1: "some-\(Int.random(in: 0..<50, using: &random))"
          default: "u-\(round)-\(number)"
          }
        })
      if round % 3 == 0 { try bench.keepUp() }
      if round % 5 == 4 {
        // In the middle of what there is to do.
        if bench.index.upkeepWaits { try bench.index.keepUp() }
        try bench.reopen()
      }
    }
    try bench.check()
    try bench.keepUp()
    try bench.check()
    try bench.reopen()
    try bench.check()
    #expect(try bench.levels().last == 1)
  }

  @Test func whatIsMergedIsDeleted() throws {
    let bench = try Bench()
    for round in 0..<9 {
      try bench.add((0..<Limits.claimTail).map { "u-\(round)-\($0)" })
      try bench.keepUp()
    }
    #expect(try bench.levels() == [0, 1])
    let runs = try IndexRun.all(.current, bench.connection)
    let parts = try bench.connection.first("SELECT count(*) FROM claim_index_parts") { $0.int(0) }
    #expect(parts == runs.reduce(0) { $0 + $1.parts })
    let filters = try bench.connection.first("SELECT count(*) FROM claim_index_filters") {
      $0.int(0)
    }
    #expect(filters == runs.reduce(0) { $0 + $1.filters })
    #expect(try IndexRun.all(.obsolete, bench.connection).isEmpty)
  }

  /// A merge that a crash ended is begun again, and what it wrote is deleted.
  @Test func aMergeThatACrashEndedLeavesNothing() throws {
    let bench = try Bench()
    for round in 0..<8 {
      try bench.add((0..<Limits.claimTail).map { "u-\(round)-\($0)" })
      try bench.index.keepUp()
    }
    try bench.index.keepUp()
    try bench.index.keepUp()
    #expect(try IndexRun.all(.building, bench.connection).count == 1)
    try bench.reopen()
    try bench.check()
    try bench.keepUp()
    #expect(try bench.levels() == [1])
    #expect(try IndexRun.all(.building, bench.connection).isEmpty)
    try bench.check()
  }

  @Test func claimsOfAnOlderStoreAreIndexedAtTheFirstStart() throws {
    let bench = try Bench()
    try bench.add((0..<Limits.claimTail * 5 / 2).map { "u-\($0 % 400)" }, indexed: false)
    try bench.reopen()
    #expect(try bench.levels() == [0, 0])
    try bench.check()
  }

  @Test func aTransactionThatIsUndoneLeavesNoTrace() throws {
    let bench = try Bench()
    try bench.add(["a", "b", "a"])
    let mark = bench.index.mark
    for user in ["a", "c", "a"] {
      bench.index.note(
        seq: bench.index.nextSeq, user: user, pool: "p", principal: "local", key: "k")
    }
    bench.index.rollBack(to: mark)
    #expect(bench.index.nextSeq == 4)
    #expect(bench.index.trace(of: "c").isEmpty)
    try bench.check()
  }

  /// Else a claim would stand where the runs say that an older one is, and a start would not read it.
  @Test func thePlaceOfAPurgedClaimIsNotGivenAgain() throws {
    let bench = try Bench()
    try bench.add((0..<Limits.claimTail).map { "u-\($0)" })
    try bench.keepUp()
    try bench.connection.run("DELETE FROM settled_claims WHERE seq > 200")
    try bench.reopen()
    #expect(bench.index.nextSeq == Int64(Limits.claimTail) + 1)
  }
}

extension ClaimIndex.Trace {
  fileprivate var isTailFree: Bool { !isInTail }
}
