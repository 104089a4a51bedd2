/// When other work gets its turn while claims come: it has a third of the time at most, so that a big
/// prefill goes on and claims hardly notice.
struct WorkTurns {
  /// When it is its turn; nil: now.
  private(set) var next: ContinuousClock.Instant?
  private var claimsAt: ContinuousClock.Instant?

  /// Clients that claim one thing after the other are heard of again within this.
  private static let pause = Duration.milliseconds(5)

  func isDue(_ now: ContinuousClock.Instant) -> Bool { next.map { now >= $0 } ?? true }

  /// Claims were decided.
  mutating func noteClaims(_ now: ContinuousClock.Instant) { claimsAt = now }

  /// Work was done in this span. Where claims came just before it, they have twice as long now.
  mutating func noteWork(_ span: Range<ContinuousClock.Instant>) {
    guard let claimsAt, claimsAt + Self.pause > span.lowerBound else {
      next = nil
      return
    }
    next = span.upperBound + (span.upperBound - span.lowerBound) * 2
  }
}
