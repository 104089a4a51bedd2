/// The lives of items and claims: every transition that there is. ARCHITECTURE.md draws them, and a
/// test holds its diagrams against these tables.
package enum Life {
  /// Where an item may go from each state. A state that leads nowhere ends its life.
  package static let ofItems: [ItemState: Set<ItemState>] = [
    .available: [.held, .claimed, .expired, .recalled, .replaced, .quarantined],
    .held: [.claimed, .available, .quarantined, .recalled],
    .claimed: [.recalled],
  ]

  /// Where a claim may go from each state. `forgotten` is what a deleted claim leaves of itself: its
  /// key.
  package static let ofClaims: [ClaimState: Set<ClaimState>] = [
    .pending: [.held, .claimed, .cancelled, .timedOut],
    .held: [.claimed, .released, .lapsed, .recalled, .forgotten],
    .claimed: [.recalled, .forgotten],
    .cancelled: [.forgotten],
    .timedOut: [.forgotten],
    .released: [.forgotten],
    .lapsed: [.forgotten],
    .recalled: [.forgotten],
  ]
}

extension ItemState {
  /// Whether an item may go from this state to another one.
  package func leads(to state: ItemState) -> Bool { Life.ofItems[self]?.contains(state) ?? false }
}

extension ClaimState {
  /// Whether a claim may go from this state to another one.
  package func leads(to state: ClaimState) -> Bool { Life.ofClaims[self]?.contains(state) ?? false }
}
