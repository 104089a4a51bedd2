import Larder
import Testing

/// A webhook that nothing is sent to.
let webhook = WebhookSpec(url: "https://example.org/", secret: "/srv/secret")

extension StoreFixture {
  /// Puts pool p in force with what schedule files do not say here. Opening the store again reads
  /// the file's text alone.
  func adopt(_ keys: String, _ change: (inout Pool) -> Void, at now: Instant = start) throws {
    var definition = try definition("p", keys)
    change(&definition.pool)
    try store.adopt(definition, at: now)
  }

  /// A claim of pool p that is held for so many seconds.
  func hold(
    _ user: String, count: Int = 1, seconds: Int64 = 60, at now: Instant = start
  ) throws -> Claim {
    let request = ClaimRequest(pool: "p", user: user, count: count, hold: .seconds(seconds))
    let claim = try #require(try claim(request, at: now).granted)
    #expect(claim.state == .held)
    return claim
  }

  /// A claim of pool p that waits.
  func backorder(
    _ user: String, key: String? = nil, count: Int = 1, at now: Instant = start
  ) throws -> Claim {
    let request = ClaimRequest(
      pool: "p", user: user, key: key, count: count, onMiss: .backorder)
    guard case .accepted(let claim) = try claim(request, at: now) else {
      throw StoreError.failed("no backorder")
    }
    return claim
  }

  /// The state of a claim as its command finds it.
  func state(of claim: Claim, at now: Instant = start) throws -> ClaimState? {
    try reader.claim(claim.id, at: now)?.state
  }

  /// The kept counts are those of the rows, and add up.
  func expectItems(_ counts: [ItemState: Int], in pool: String = "p") throws {
    #expect(try countedItems(pool) == counts)
    let kept = try #require(try store.pools().first { $0.pool.name == pool }).stock
    for state in ItemState.allCases { #expect(kept[state] == counts[state] ?? 0) }
    #expect(kept.produced == counts.values.reduce(0, +))
    #expect(kept.stale == (try countedStale(pool)))
  }

  /// Recalls piece by piece, and says what each did.
  func recall(
    _ recall: Recall, limit: Int = 1000, at now: Instant = start
  ) throws -> [Int] {
    var pieces: [Int] = []
    var cursor: String?
    repeat {
      let progress = try store.recall(recall, in: "p", after: cursor, at: now, limit: limit)
      #expect(progress.done <= limit)
      #expect(progress.more == (progress.cursor != nil))
      pieces.append(progress.done)
      cursor = progress.cursor
    } while cursor != nil
    return pieces
  }

  /// Purges piece by piece, and says what each did.
  @discardableResult
  func purge(before: Instant, limit: Int = 1000, at now: Instant) throws -> [Int] {
    var pieces: [Int] = []
    var progress: Piece
    repeat {
      progress = try store.purge(before: before, at: now, limit: limit)
      pieces.append(progress.done)
    } while progress.more
    return pieces
  }
}

extension ClaimOutcome {
  /// The state of the same answer again, which has no items.
  var repeatedEmpty: ClaimState? {
    repeated?.items.isEmpty == true ? repeated?.state : nil
  }
}
