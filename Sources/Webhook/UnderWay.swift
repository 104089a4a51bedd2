import Larder

/// The pushes that are being posted now, and what may be posted beside them.
struct UnderWay: Sendable {
  private var claims: Set<String> = []
  private var pools: [String: Int] = [:]

  var hasRoom: Bool { claims.count < Limits.webhookPosts }

  /// Pools with as many posts as one may have.
  var fullPools: Set<String> {
    Set(pools.filter { $0.value >= Limits.webhookPostsPerPool }.keys)
  }

  /// Whether a push of the same claim is under way.
  func has(_ delivery: Delivery) -> Bool { claims.contains(delivery.claim) }

  /// Enters a push; false where it has to wait: for one of the same claim, for those of the same
  /// pool, or for any.
  mutating func begin(_ delivery: Delivery) -> Bool {
    guard hasRoom, !has(delivery),
      pools[delivery.pool, default: 0] < Limits.webhookPostsPerPool
    else { return false }
    claims.insert(delivery.claim)
    pools[delivery.pool, default: 0] += 1
    return true
  }

  mutating func end(_ delivery: Delivery) {
    claims.remove(delivery.claim)
    pools[delivery.pool, default: 0] -= 1
    if pools[delivery.pool] == 0 { pools[delivery.pool] = nil }
  }
}
