import Larder

/// Something that must hold of a store and does not.
package struct Violation: Sendable, Hashable {
  /// Where: a claim, an item, a pool, a file.
  package var place: String
  package var problem: String
  /// What an operator can do about it.
  package var wayOut: String

  /// The usual way out.
  static let restore = "bring a backup back with `larder restore FILE`"
}

/// A pool's items as they were counted one by one.
package struct CountedPool: Sendable, Hashable {
  package var name: String
  package var stock = Stock()
}

/// What a look at all of a store found.
package struct Verification: Sendable {
  /// By name.
  package var pools: [CountedPool] = []
  /// What does not hold, the first few of each kind.
  package var violations: [Violation] = []

  package var isSound: Bool { violations.isEmpty }

  /// Looks at all of the store at `path`, also while it is served, and changes nothing. What cannot
  /// be read is a violation.
  ///
  /// - Throws: `StoreError` where there is no store to look at.
  package static func of(
    _ path: String, readDefinition: @escaping Definition.Reader
  ) throws(StoreError) -> Verification {
    let files = try StoreFiles(path)
    guard files.exists else { throw .missing(path: files.database) }
    try files.refuseWhileReplaced()
    if files.hasJournal, !files.isServed() {
      let violation = Violation(
        place: files.database, problem: "a transaction was interrupted and left its journal",
        wayOut: "`larder serve` undoes it")
      return Verification(violations: [violation])
    }
    let connection: Connection
    do throws(StoreError) {
      connection = try Connection(path: files.database, access: .reading)
    } catch {
      return Verification(violations: [
        Violation(place: files.database, problem: Verifier.why(error), wayOut: Violation.restore)
      ])
    }
    defer { connection.close() }
    var verifier = Verifier(connection, readDefinition)
    verifier.checkAll()
    return verifier.found
  }
}
