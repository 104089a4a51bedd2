/// All that is known of one store, from which the checker judges.
package struct Evidence: Sendable {
  /// A process that worked for a run and lived on after it should have been ended.
  package struct Survivor: Sendable {
    package var pid: Int32
    package var run: String
    /// What it should not have outlived.
    package var when: String

    package init(pid: Int32, run: String, when: String) {
      self.pid = pid
      self.run = run
      self.when = when
    }
  }

  package var history: History
  package var ledger: Ledger
  /// Nil where only the history is judged.
  package var store: StoredRows?
  /// The levels that `larder levels` reports of the closed store: the numbers by pool and name.
  package var levels: [String: [String: Int]]
  package var survivors: [Survivor]
  /// What went wrong with the server itself: it did not start, ended by itself, or badly.
  package var troubles: [String]
  /// Pools whose released items go back on the shelf.
  package var restocking: Set<String>
  /// Whether the wall clock was set meanwhile, so that the store's times are in no order.
  package var clockJumped: Bool

  package init(
    history: History, ledger: Ledger = Ledger(), store: StoredRows? = nil,
    levels: [String: [String: Int]] = [:], survivors: [Survivor] = [], troubles: [String] = [],
    restocking: Set<String> = [], clockJumped: Bool = false
  ) {
    self.history = history
    self.ledger = ledger
    self.store = store
    self.levels = levels
    self.survivors = survivors
    self.troubles = troubles
    self.restocking = restocking
    self.clockJumped = clockJumped
  }
}

/// A promise that was broken.
package struct Violation: Sendable, CustomStringConvertible {
  /// The invariants of the history; I10 comes with tokens. `server` is what no invariant names: a
  /// server that crashed or did not start, a damaged database.
  package enum Rule: String, Sendable, CaseIterable {
    case i1 = "I1"
    case i2 = "I2"
    case i3 = "I3"
    case i4 = "I4"
    case i5 = "I5"
    case i6 = "I6"
    case i7 = "I7"
    case i8 = "I8"
    case i9 = "I9"
    case server
  }

  /// What became of items or claims: what was there is gone, went to two, or came from nowhere.
  package enum Kind: String, Sendable { case lost, doubled, phantom, other }

  package let rule: Rule
  package let kind: Kind
  /// What is wrong, and the operations that show it, each on a line of its own.
  package let text: String

  package init(_ rule: Rule, _ kind: Kind, _ what: String, _ operations: [Operation] = []) {
    self.rule = rule
    self.kind = kind
    text = ([what] + operations.map { "  " + $0.description }).joined(separator: "\n")
  }

  package var description: String { "\(rule.rawValue) \(kind.rawValue): \(text)" }
}
