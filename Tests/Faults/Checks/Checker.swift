/// Judges a history, what producers wrote down, and what the store holds at the end, by the
/// invariants I1 to I9. It knows nothing of the program but what clients are promised.
package enum Checker {
  /// All violations, by rule.
  package static func violations(in evidence: Evidence) -> [Violation] {
    let known = KnownClaims(evidence.history.operations)
    let lapsed = evidence.store?.claims.filter { $0.state == "lapsed" }.map(\.id) ?? []
    var found = ClaimChecks(
      known: known, restocking: evidence.restocking, lapsed: Set(lapsed)
    ).violations()
    if let store = evidence.store {
      found += StoredClaimChecks(known: known, store: store).violations()
      found += ProductionChecks(evidence: evidence, store: store).violations()
      found += store.damage.map { Violation(.server, .other, "the database is damaged: \($0)") }
    }
    found += LevelChecks(evidence: evidence).violations()
    found += SpeedChecks(history: evidence.history).violations()
    found += evidence.survivors.map {
      Violation(
        .i9, .other, "process \($0.pid) still works for run \($0.run) \($0.when)")
    }
    found += evidence.troubles.map { Violation(.server, .other, $0) }
    return found
  }
}

/// Who asked: a claim is known by its key, and one without a key by nothing but its id.
struct Owner: Hashable {
  let principal: String
  let pool: String
  let user: String
  let key: String?

  init(_ operation: Operation) {
    principal = operation.principal
    pool = operation.pool
    user = operation.user
    key = operation.key
  }

  init(_ claim: StoredRows.Claim) {
    principal = claim.principal
    pool = claim.pool
    user = claim.user
    key = claim.key
  }
}

/// A claim in an answer: whatever it was an answer to.
struct Sighting {
  let operation: Operation
  let claim: Operation.Claim

  /// Whether its items are handed out, so that all of them must be there.
  var hasItems: Bool { claim.state == "claimed" || claim.state == "held" }
}

/// The history by owners and by claims.
struct KnownClaims {
  /// The requests of each owner, in the order in which they began.
  private(set) var requests: [Owner: [Operation]] = [:]
  /// Where each claim was seen, in the order in which the requests began.
  private(set) var sightings: [String: [Sighting]] = [:]
  /// Reads of one claim, and of all of a user, that were answered by a yes or a no.
  private(set) var reads: [String: [Operation]] = [:]
  private(set) var lists: [String: [Operation]] = [:]
  /// When a claim's release was first asked for, unless that was refused.
  private(set) var releases: [String: Int64] = [:]

  init(_ operations: [Operation]) {
    for operation in operations.sorted(by: { $0.invoked < $1.invoked }) {
      switch operation.action {
      case .claim:
        requests[Owner(operation), default: []].append(operation)
      case .read, .confirm, .release:
        guard let subject = operation.subject else { break }
        if operation.outcome != .info { reads[subject, default: []].append(operation) }
        if operation.action == .release, operation.outcome != .fail, releases[subject] == nil {
          releases[subject] = operation.invoked
        }
      case .list:
        if operation.outcome == .ok, operation.isWhole {
          lists[operation.user, default: []].append(operation)
        }
      case .put, .level: break
      }
      guard operation.outcome == .ok else { continue }
      for claim in operation.claims {
        sightings[claim.id, default: []].append(Sighting(operation: operation, claim: claim))
      }
    }
  }

  /// The first answer to a request for this claim that came, after which it must be there.
  func granted(_ claim: String) -> Sighting? {
    sightings[claim]?.filter { $0.operation.action == .claim }
      .min { $0.operation.completed < $1.operation.completed }
  }
}

/// How far a claim has come: it never goes back.
enum Progress {
  private static let ends: Set<String> = [
    "claimed", "released", "lapsed", "cancelled", "timed_out",
  ]

  private static func rank(_ state: String) -> Int {
    switch state {
    case "pending": 0
    case "held": 1
    case "recalled": 3
    case "forgotten": 4
    default: 2
    }
  }

  /// Whether a claim that was in the one state may be in the other later.
  static func allows(_ earlier: String, _ later: String) -> Bool {
    if ends.contains(earlier), ends.contains(later) { return earlier == later }
    return rank(earlier) <= rank(later)
  }

  static func isLater(_ state: String, than other: String) -> Bool { rank(state) > rank(other) }
}
