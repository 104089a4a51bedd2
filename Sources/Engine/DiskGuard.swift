import Larder

/// The writer's eye on the disk: looks at what is free now and then, and learns from what becomes of
/// writes.
struct DiskGuard {
  private(set) var disk = Disk()
  private var lookedAt: ContinuousClock.Instant?
  /// Whether the store has a disk of its own, or had no room once: only then there is something to
  /// look at.
  private var isWatching: Bool { disk.space != nil || disk.isShort }

  /// When to look again without a reason; nil: never.
  var nextLook: ContinuousClock.Instant? {
    isWatching ? lookedAt.map { $0 + Limits.diskLook } : nil
  }

  /// Looks at what is free.
  mutating func look(_ store: any Store) -> Disk {
    let now = ContinuousClock.now
    lookedAt = now
    disk.saw(store.space(), at: now)
    return disk
  }

  /// Looks, and tries a full disk; gives an error only where the store is lost.
  mutating func lookAndTry(_ store: any Store) -> StoreError? {
    _ = look(store)
    return disk.isFull ? attempt(store) : nil
  }

  /// Why items are not even tried to be stored now, or nil where they are.
  func refusal(of filling: StoreWriter.Filling) -> String? {
    if filling.isMade || disk.mayFill, disk.hasRoom(for: filling.bytes, at: .now) { return nil }
    return disk.why ?? "there is not enough room on the disk for so many bytes at once"
  }

  /// Claims, a few at once, had no room.
  mutating func foundFull() -> Disk {
    disk.tried(full: true, at: .now)
    return disk
  }

  /// Takes over what became of other work; gives an error only where the store is lost.
  mutating func note(
    _ error: StoreError?, of filling: StoreWriter.Filling?, _ store: any Store
  ) -> StoreError? {
    guard case .full = error else {
      if filling != nil, error == nil { disk.filled(at: .now) }
      return nil
    }
    if filling != nil { disk.refusedFilling(at: .now) }
    // It may have been too large alone.
    return attempt(store)
  }

  private mutating func attempt(_ store: any Store) -> StoreError? {
    do throws(StoreError) {
      try store.probe()
      disk.tried(full: false, at: .now)
    } catch {
      if error.isFinal { return error }
      if case .full = error { disk.tried(full: true, at: .now) }
    }
    return nil
  }
}
