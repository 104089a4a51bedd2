/// How much room a store's disk has.
package struct DiskSpace: Sendable, Hashable {
  /// Bytes that the file system has left for this process.
  package var free: Int64
  /// Bytes within the store that hold nothing any more, as after a purge.
  package var reusable: Int64
  /// Bytes of the file system in all.
  package var size: Int64

  package init(free: Int64, reusable: Int64 = 0, size: Int64) {
    self.free = free
    self.reusable = reusable
    self.size = size
  }

  /// What new rows may take.
  package var room: Int64 { free + reusable }

  /// What filling leaves to claims.
  package var reserve: Int64 { min(Limits.diskReserve, size / Limits.diskReserveShare) }
}

/// What the disk allows, from what was seen of it and what became of writes: a value without a clock
/// or a file of its own.
///
/// Filling stops when less than the reserve is left, and goes on when there is a quarter more, so that
/// it doesn't flutter. What the file system says is not all: quotas and its own needs may refuse a
/// write all the same. Then filling waits, longer each time.
package struct Disk: Sendable, Hashable {
  /// Nil where the store has no disk of its own.
  package private(set) var space: DiskSpace?
  /// Less than the reserve was left, and there is not yet enough again.
  private var isLow = false
  /// Writes of filling in a row that found no room.
  private var refusals = 0
  /// When filling may be tried again after the last of them.
  private var triedAgainAt: ContinuousClock.Instant?
  /// The last small write found no room either: claims fail.
  package private(set) var isFull = false
  /// Whether items may be asked for and stored.
  package private(set) var mayFill = true

  package init(_ space: DiskSpace? = nil, at now: ContinuousClock.Instant = .now) {
    saw(space, at: now)
  }

  // MARK: - What was seen

  package mutating func saw(_ space: DiskSpace?, at now: ContinuousClock.Instant) {
    self.space = space
    if let space {
      isLow = space.room < (isLow ? space.reserve + space.reserve / 4 : space.reserve)
    } else {
      isLow = false
    }
    // Where nothing has been filled for so long, nobody knows whether it would be refused.
    if let again = triedAgainAt, now > again + Limits.diskForgets { forgetRefusals() }
    settle(at: now)
  }

  /// Items were stored.
  package mutating func filled(at now: ContinuousClock.Instant) {
    forgetRefusals()
    isFull = false
    settle(at: now)
  }

  /// Items found no room.
  package mutating func refusedFilling(at now: ContinuousClock.Instant) {
    refusals += 1
    let wait = Limits.diskRetry * (1 << min(refusals - 1, 16))
    triedAgainAt = now + min(wait, Limits.diskLongestRetry)
    settle(at: now)
  }

  /// A small write, as a claim is one, found room or none.
  package mutating func tried(full: Bool, at now: ContinuousClock.Instant) {
    isFull = full
    settle(at: now)
  }

  private mutating func forgetRefusals() {
    refusals = 0
    triedAgainAt = nil
  }

  private mutating func settle(at now: ContinuousClock.Instant) {
    mayFill = !isLow && !isFull && (triedAgainAt.map { $0 <= now } ?? true)
  }

  // MARK: - What follows

  /// Whether `bytes` of items that were made already may be stored: half of the reserve is for them.
  /// They are written twice, to the log and from there into the database.
  package func hasRoom(for bytes: Int, at now: ContinuousClock.Instant) -> Bool {
    guard !isFull, triedAgainAt.map({ $0 <= now }) ?? true else { return false }
    return space.map { $0.room - 2 * Int64(bytes) >= $0.reserve / 2 } ?? true
  }

  /// Whether filling has stopped, for whatever reason; also while it is being tried again.
  package var isShort: Bool { isLow || isFull || refusals > 0 }

  /// Why filling has stopped, for people; nil where it goes on.
  package var why: String? {
    if isFull {
      return "the disk is full\(numbers): nothing can be written, and claims are refused; all goes "
        + "on by itself when there is space"
    }
    if isLow, let space {
      let enough = Self.text(space.reserve + space.reserve / 4)
      return "the disk is nearly full\(numbers), less than the reserve of "
        + "\(Self.text(space.reserve)): filling has stopped, and claims go on; it resumes by itself "
        + "at \(enough)"
    }
    guard refusals > 0 else { return nil }
    return "the disk had no room for items\(numbers): filling has stopped, and claims go on; it is "
      + "tried again by itself"
  }

  private var numbers: String {
    guard let space else { return "" }
    let within = space.reusable > 0 ? " and \(Self.text(space.reusable)) within the store" : ""
    return ", with \(Self.text(space.free)) free" + within
  }

  /// A size for people, in binary units.
  static func text(_ bytes: Int64) -> String {
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    var divisor: Int64 = 1
    var unit = 0
    while bytes / divisor >= 1024, unit < units.count - 1 {
      divisor *= 1024
      unit += 1
    }
    guard unit > 0 else { return "\(bytes) bytes" }
    let tenths = min(9, Int(Double(bytes % divisor) / Double(divisor) * 10))
    return "\(bytes / divisor).\(tenths) \(units[unit])"
  }
}

extension [NewItem] {
  /// About how many bytes the items take in a store, with their rows and indexes.
  package var storedBytes: Int {
    reduce(0) { sum, item in
      sum + item.payload.utf8.count + (item.attributes?.utf8.count ?? 0) * 3
        + (item.key?.utf8.count ?? 0) * 2 + Limits.rowBytes
    }
  }
}
