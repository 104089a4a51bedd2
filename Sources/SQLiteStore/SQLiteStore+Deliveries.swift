import Larder

extension SQLiteStore {
  package func deliveries(
    at now: Instant, limit: Int, without pools: Set<String>
  ) throws(StoreError) -> (due: [Delivery], next: Instant?) {
    // Only the first push of each claim has a time.
    let places = Array(repeating: "?", count: pools.count).joined(separator: ", ")
    let first = try connection.all(
      """
      SELECT id, pool, claim, body, attempts, next_at FROM webhooks
      WHERE next_at IS NOT NULL AND next_at <= ? AND pool NOT IN (\(places))
      ORDER BY next_at, seq LIMIT ?
      """, [.instant(now)] + pools.map { .text($0) } + [.integer(limit)]
    ) { row in
      (
        delivery: Delivery(
          id: row.text(0), pool: row.text(1), claim: row.text(2), body: row.text(3),
          attempts: row.int(4)),
        at: row.instant(5)
      )
    }
    let next = try connection.first(
      """
      SELECT next_at FROM webhooks WHERE next_at IS NOT NULL ORDER BY next_at, seq
      LIMIT 1 OFFSET ?
      """, [.integer(first.count)]
    ) { $0.instant(0) }
    return (first.map(\.delivery), next)
  }

  package func webhook(of pool: String) -> WebhookSpec? {
    inForce[pool]?.claims.webhook
  }

  package func delivered(_ id: String) throws(StoreError) {
    try transaction { () throws(StoreError) in
      let claim = try connection.first(
        "DELETE FROM webhooks WHERE id = ? RETURNING claim", [.text(id)]
      ) { $0.text(0) }
      guard let claim else { return }
      // The next push of the claim may go at once.
      try connection.run(
        """
        UPDATE webhooks SET next_at = 0
        WHERE seq = (SELECT min(seq) FROM webhooks WHERE claim = ?) AND next_at IS NULL
        """, [.text(claim)])
    }
  }

  package func failedDelivery(_ id: String, nextTryAt: Instant) throws(StoreError) {
    try transaction { () throws(StoreError) in
      try connection.run(
        "UPDATE webhooks SET attempts = attempts + 1, next_at = ? WHERE id = ?",
        [.instant(nextTryAt), .text(id)])
    }
  }

  /// Leaves a claim, as it is after the present transaction so far, to be pushed, where its pool
  /// pushes.
  func tell(_ id: String, at now: Instant) throws(StoreError) {
    guard let record = try record(of: id), webhook(of: record.pool) != nil else { return }
    try tell(try record.claim(at: now, connection), at: now)
  }

  func tell(_ claim: Claim, at now: Instant) throws(StoreError) {
    guard webhook(of: claim.pool) != nil else { return }
    let body = JSONWriter.text { claim.write(to: &$0) }
    try connection.run(
      """
      INSERT INTO webhooks (id, claim, pool, body, next_at)
      VALUES (?1, ?2, ?3, ?4,
        iif(EXISTS (SELECT 1 FROM webhooks WHERE claim = ?2), NULL, ?5))
      """,
      [
        .text(ids.next(at: now)), .text(claim.id), .text(claim.pool),
        .text(String(decoding: body, as: UTF8.self)), .instant(now),
      ])
  }
}
