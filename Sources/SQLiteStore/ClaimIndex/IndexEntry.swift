import Larder

/// Where a claim is found: its place in the table of claims, under a hash of its user or of its key.
struct IndexEntry: Comparable, Sendable {
  /// Even for a user, odd for a key.
  var hash: Int64
  var seq: Int64

  var isUsers: Bool { hash & 1 == 0 }

  static func < (one: IndexEntry, other: IndexEntry) -> Bool {
    one.hash != other.hash ? one.hash < other.hash : one.seq < other.seq
  }
}

/// Hashes what claims are found by. The secret is the store's own, so that no client can choose
/// users whose hashes meet.
struct ClaimHashes: Sendable {
  private let start: SipHash

  init(secret: (UInt64, UInt64)) {
    start = SipHash(key: secret)
  }

  func user(_ user: String) -> Int64 {
    var hash = start
    hash.feed(user)
    return Int64(bitPattern: hash.finish()) & ~1
  }

  func key(_ key: String, of principal: String, user: String, pool: String) -> Int64 {
    var hash = start
    #if MUTANTS
      let principal = Mutant.current == .sharedKeys ? "" : principal
    #endif
    for text in [user, pool, principal, key] {
      hash.feed(text)
      // No byte of a text.
      hash.feed(0xff)
    }
    return Int64(bitPattern: hash.finish()) | 1
  }
}
