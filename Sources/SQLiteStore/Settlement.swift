import Larder

/// Brings what was granted (table `grants`) to the tables of items, claims, counts and demand.
enum Settlement {
  /// The bin that a grant falls into.
  static let bin = "granted_at / \(Demand.bin.inMilliseconds) * \(Demand.bin.inMilliseconds)"

  /// What an item's `room` is until a claim has it: as long as the claim's id (36 bytes) and time (6),
  /// less the 2 by which `claimed` is shorter than `available`.
  static let room = String(repeating: " ", count: 40)

  /// Settles every grant, within the present transaction.
  ///
  /// - Parameter tally: what the grants come to.
  static func run(_ connection: Connection, _ tally: GrantTally) throws(StoreError) {
    guard !tally.isEmpty else { return }
    try connection.run(
      """
      INSERT INTO settled_claims (seq, id, pool, principal, user, key, fingerprint, state, count,
        claimed_at, min_remaining_ms)
      SELECT seq, claim, pool, principal, user, key, fingerprint, 'claimed', count, granted_at,
        min_remaining_ms
      FROM grants WHERE count > 0
      """)
    if !tally.haveAttributes {
      try connection.run(give("seq IN (SELECT item FROM grants)"))
    } else {
      try connection.run(give("seq IN (SELECT item FROM grants WHERE has_attributes = 0)"))
      // Naming `shelf_order` lets the trigger take their attributes from the shelf.
      try connection.run(
        give(
          "seq IN (SELECT item FROM grants WHERE has_attributes)", ", shelf_order = shelf_order"))
    }
    try tally.write(connection)
    try connection.run("DELETE FROM grants")
  }

  private static func give(_ condition: String, _ more: String = "") -> String {
    """
    UPDATE items SET state = 'claimed', room = NULL\(more), (claim, claimed_at) = (
      SELECT claim, granted_at FROM grants WHERE item = items.seq)
    WHERE \(condition)
    """
  }
}
