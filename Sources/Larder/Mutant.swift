#if MUTANTS
  import Glibc

  /// A promise that a test build breaks on purpose, named by `LARDER_MUTANT`, to show that the tests
  /// notice. Release builds have none of this.
  package enum Mutant: String, CaseIterable, Sendable {
    /// The log is not synced before a claim is answered.
    case normalSync = "normal-sync"
    /// What settles grants, which need not be synced, leaves the log unsynced for good.
    case lastingNormalSync = "normal-sync-from-the-first-settlement"
    /// A transaction is answered before its commit, which comes with the next one.
    case earlyAnswer = "early-answer"
    /// What a crash left behind is served before it is durable.
    case noCheckpoint = "no-checkpoint"
    /// A commit that ended in an I/O error is tried again by the same connection.
    case retriedCommit = "retried-commit"
    /// Nothing looks whether a key has a claim already.
    case noUniqueness = "no-uniqueness"
    /// Claims that wait to be settled are not looked at.
    case unreadGrants = "no-uniqueness-of-the-grants"
    /// A start does not read the newest claims, which no run of the index has.
    case unreadTail = "no-uniqueness-of-the-tail"
    /// The filters of the index's runs forget half of the users.
    case lossyFilter = "no-uniqueness-of-the-runs"
    /// A key finds the claim of any principal.
    case sharedKeys = "shared-keys"
    /// A slice is recorded as done before its items are stored.
    case earlySlice = "early-slice"
    /// Producers inherit the signal mask of the thread that starts them.
    case inheritedMask = "inherited-mask"

    /// The one that this process has.
    package static let current: Mutant? = getenv("LARDER_MUTANT").flatMap {
      Mutant(rawValue: String(cString: $0))
    }

    /// The header field by which a test names the principal, if `LARDER_TEST_PRINCIPALS` is set: as
    /// long as there are no tokens, there is one principal otherwise.
    package static let principalField = "Larder-Test-Principal"

    package static func principal(_ field: String?) -> String? {
      getenv("LARDER_TEST_PRINCIPALS") == nil ? nil : field
    }
  }
#endif
