import Sizing

/// What is known of a pool when a request finds too few items.
package struct MissCause: Sendable {
  /// The pool with its unfinished runs, each with its last slice, and its stock as claims see it.
  package var status: PoolStatus
  /// Whether items expired unclaimed since the last run ended.
  package var hasExpired = false
  /// Whether more was asked for in the last hour than the band allows.
  package var isSurge = false

  package init(_ status: PoolStatus) { self.status = status }

  /// Why a request for so many items missed.
  package func reason(count: Int, at now: Instant) -> MissReason {
    if status.stock.available >= count { return .unsuited }
    if status.retired { return .retired }
    guard let producer = status.pool.producer else { return .noProducer }
    if status.pool.suspend { return .suspended }
    if status.paused { return .paused }
    let memory = status.memory
    if memory.failures >= producer.breaker.failures { return .breaker }
    let isRetried = status.runs.contains {
      $0.slice.map { $0.attempts > 1 || $0.why != nil } ?? false
    }
    if memory.failures > 0 || isRetried { return .failedRun }
    if memory.lastEndedAt == nil { return .coldStart }
    if status.runs.contains(where: { isLate($0, at: now) }) { return .lateRun }
    if memory.fruitless > 0 { return .shortRun }
    if isSurge { return .surge }
    let fillsToMax = status.pool.stock.takesAll || status.target == status.pool.stock.max
    if count > status.pool.stock.max || status.spare <= 0 || fillsToMax { return .atMax }
    return hasExpired ? .expiry : .undersized
  }

  private func isLate(_ run: Run, at now: Instant) -> Bool {
    let due = run.nominalAt ?? run.createdAt
    let jitter = status.pool.schedules.first { $0.name == run.schedule }?.jitter ?? .zero
    let usual = status.memory.typicalRunTime ?? .zero
    return now - due > jitter + max(usual * 2, Limits.punctuality)
  }
}

/// How many requests an hour may have before it is out of the ordinary.
package enum SurgeBand {
  package static let weeks = 8
  package static let days = 7
  package static let probability = 0.99
  private static let weekDecay = 0.9
  private static let dispersion = 0.05

  /// The requests that are not passed in 99 of 100 such hours; nil where nothing is known.
  ///
  /// - Parameters:
  ///   - weekly: requests of the same hour 1, 2, … weeks before; nil: unknown.
  ///   - daily: the same 1, 2, … days before.
  package static func limit(weekly: [Int?], daily: [Int?]) -> Int? {
    var sum = 0.0
    var weight = 0.0
    for (index, requests) in weekly.enumerated() {
      guard let requests else { continue }
      var share = 1.0
      for _ in 0..<index { share *= weekDecay }
      sum += share * Double(requests)
      weight += share
    }
    let days = daily.compactMap { $0 }
    if !days.isEmpty {
      sum += Double(days.reduce(0, +)) / Double(days.count)
      weight += 1
    }
    guard weight > 0 else { return nil }
    let mean = max(sum / weight, 0.02)
    return NegativeBinomial(mean: mean, dispersion: dispersion)
      .quantile(probability, reach: Int(mean * 10) + 20)
  }
}
