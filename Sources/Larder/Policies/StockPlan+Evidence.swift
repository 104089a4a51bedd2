extension StoreReader {
  /// What a pool is sized from besides its status.
  ///
  /// - Parameter start: what was taken in before this is left out, run times too; nil: nothing was.
  package func evidence(
    of status: PoolStatus, from start: Instant? = nil, at now: Instant
  ) throws(StoreError) -> StockPlan.Evidence {
    let pool = status.pool.name
    var evidence = StockPlan.Evidence()
    evidence.demand = try demand(
      of: pool, from: start ?? now - Limits.planHistory, before: Instant(bin: now.bin), limit: .max)
    // An item is expired so long before its expiry.
    let early = status.pool.claims.minRemaining
    let soon = now + Limits.planShelf + early
    for (bin, items) in try expiring(in: pool, from: now + early, before: soon) {
      evidence.expiring[(Instant(bin: bin) - early).bin, default: 0] += items
    }
    guard start == nil else { return evidence }
    evidence.runTimes = try runs(pool: pool, before: nil, limit: Limits.planRuns).rows
      .compactMap(\.supplyTime)
    return evidence
  }
}

extension Run {
  /// How long it took, where it ended and stored something.
  package var supplyTime: Duration? {
    guard let startedAt, let endedAt, stored > 0 else { return nil }
    return max(endedAt - startedAt, .zero)
  }
}
