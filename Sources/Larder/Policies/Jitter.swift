import Cron

extension ScheduleSpec {
  /// How long after a nominal time its run starts: at most `jitter`, by a hash of the pool, the
  /// schedule and the nominal time, so that every restart and every node comes to the same.
  package func delay(of nominalAt: Instant, in pool: String) -> Duration {
    guard jitter > .zero else { return .zero }
    var hash = FNV1a()
    hash.add(pool)
    hash.add(name)
    hash.add("\(nominalAt.seconds)")
    return .milliseconds(Int64(hash.mixed % UInt64(jitter.inMilliseconds + 1)))
  }

  /// When the run of a nominal time is to start.
  package func start(of nominalAt: Instant, in pool: String) -> Instant {
    nominalAt + delay(of: nominalAt, in: pool)
  }

  /// The first nominal time that is not dealt with, given how far they were.
  package func next(after considered: Instant) -> Instant? {
    cron.next(after: considered.seconds, in: zone).map { Instant(seconds: $0) }
  }
}

/// The 64-bit FNV-1a hash (Fowler, Noll and Vo; RFC 9923), the same in every process and on every
/// machine, unlike `Hasher`.
private struct FNV1a {
  private var state: UInt64 = 0xCBF2_9CE4_8422_2325

  /// Adds a text and an end mark, so that `ab`, `c` differs from `a`, `bc`.
  mutating func add(_ text: String) {
    for byte in text.utf8 { add(byte) }
    add(0)
  }

  private mutating func add(_ byte: UInt8) {
    state = (state ^ UInt64(byte)) &* 0x100_0000_01B3
  }

  /// The hash with its bits spread once more (the finalizer of MurmurHash3): neighbouring seconds
  /// differ in few bits only.
  var mixed: UInt64 {
    var value = state
    value = (value ^ (value >> 33)) &* 0xFF51_AFD7_ED55_8CCD
    value = (value ^ (value >> 33)) &* 0xC4CE_B9FE_1A85_EC53
    return value ^ (value >> 33)
  }
}
