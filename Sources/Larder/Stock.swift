/// How many items of a pool are in which state.
package struct Stock: Sendable, Hashable {
  package var available = 0
  package var held = 0
  package var claimed = 0
  package var expired = 0
  package var recalled = 0
  package var quarantined = 0
  package var replaced = 0
  /// Available items with the stale mark.
  package var stale = 0
  /// Items that pending claims wait for.
  package var pending = 0
  /// When the next hold lapses or the next backorder times out.
  package var nextLapse: Instant?
  /// The earliest expiry of an available item.
  package var nextExpiry: Instant?

  package init() {}

  package subscript(state: ItemState) -> Int {
    get { self[keyPath: Self.path(state)] }
    set { self[keyPath: Self.path(state)] = newValue }
  }

  private static func path(_ state: ItemState) -> WritableKeyPath<Stock, Int> & Sendable {
    switch state {
    case .available: \.available
    case .held: \.held
    case .claimed: \.claimed
    case .expired: \.expired
    case .recalled: \.recalled
    case .quarantined: \.quarantined
    case .replaced: \.replaced
    }
  }

  /// Available items that count for the target and the reorder point.
  package var fresh: Int { available - stale }

  /// Every item that was ever stored.
  package var produced: Int {
    available + held + claimed + expired + recalled + quarantined + replaced
  }
}
