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

  func user(_ user: String) -> Int64 { hash(user).hash }

  func hash(_ user: String) -> UserHash {
    var state = start
    state.feed(user)
    var end = state
    return UserHash(hash: Int64(bitPattern: end.finish()) & ~1, state: state)
  }

  func key(_ key: String, of principal: String, user: String, pool: String) -> Int64 {
    self.key(key, of: principal, hash(user), pool: pool)
  }

  func key(_ key: String, of principal: String, _ user: UserHash, pool: String) -> Int64 {
    var hash = user.state
    #if MUTANTS
      let principal = Mutant.current == .sharedKeys ? "" : principal
    #endif
    // No byte of a text.
    hash.feed(0xff)
    for text in [pool, principal, key] {
      hash.feed(text)
      hash.feed(0xff)
    }
    return Int64(bitPattern: hash.finish()) | 1
  }
}

/// A user's hash, and what the hashes of the user's keys go on from.
struct UserHash: Sendable {
  let hash: Int64
  fileprivate let state: SipHash
}
