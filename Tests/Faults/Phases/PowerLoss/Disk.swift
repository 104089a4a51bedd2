import FaultShimControl

/// What a disk is known to hold, and what it may hold besides, at a moment of a record.
struct Disk {
  private struct File {
    /// Nil: there is no such file.
    var durable: [UInt8]?
    /// What came since, in order.
    var pending: [DiskRecord.Event] = []
    /// What processes read.
    var cached: [UInt8]?
    /// Pages whose writing failed. The system holds them for written: they can be read, and no sync
    /// puts them on disk until something is written to them again.
    var dropped: Set<Int> = []
  }

  private static let pageBytes = 4096

  /// How much of what was not synced is there after a loss of power.
  enum Luck: CaseIterable {
    case nothing, everything
    /// Any part of the writes, in any order, some torn.
    case some
    /// The first ones, the last of them torn.
    case first
  }

  private var files: [Int: File] = [:]

  /// - Parameter files: what is there to begin with, by the files' numbers.
  init(_ files: [Int: [UInt8]] = [:]) {
    self.files = files.mapValues { File(durable: $0, cached: $0) }
  }

  mutating func take(_ event: DiskRecord.Event) {
    switch event.kind {
    case faultshim_created, faultshim_written, faultshim_truncated, faultshim_removed:
      var file = files[event.file, default: File()]
      Self.apply(event, to: &file.cached)
      if event.kind == faultshim_removed { file.dropped = [] }
      file.pending.append(Self.withDropped(event, &file))
      files[event.file] = file
    case faultshim_synced where event.file == Int(faultshim_folder.rawValue):
      if event.result == 0 { syncFolder() }
    case faultshim_synced:
      if event.result == 0 { sync(event.file) } else { drop(event.file) }
    default: break
    }
  }

  /// Systems write pages: what was dropped of a page goes with what is written to it.
  private static func withDropped(_ event: DiskRecord.Event, _ file: inout File) -> DiskRecord.Event
  {
    guard event.kind == faultshim_written, !event.bytes.isEmpty, !file.dropped.isEmpty,
      let cached = file.cached
    else { return event }
    let first = event.offset / pageBytes
    let last = (event.offset + event.bytes.count - 1) / pageBytes
    guard (first...last).contains(where: file.dropped.contains) else { return event }
    file.dropped.subtract(first...last)
    let bytes = cached[(first * pageBytes)..<min((last + 1) * pageBytes, cached.count)]
    return DiskRecord.Event(
      event.kind, file: event.file, offset: first * pageBytes, bytes: Array(bytes))
  }

  /// A sync that failed: nothing that it was to write is on disk, and nothing of it will be.
  private mutating func drop(_ number: Int) {
    guard var file = files[number] else { return }
    for event in file.pending where event.kind == faultshim_written && !event.bytes.isEmpty {
      let last = (event.offset + event.bytes.count - 1) / Self.pageBytes
      file.dropped.formUnion((event.offset / Self.pageBytes)...last)
    }
    file.pending.removeAll { $0.kind == faultshim_written }
    files[number] = file
  }

  /// A sync makes a file's content durable, and its name with it.
  private mutating func sync(_ file: Int) {
    guard var state = files[file] else { return }
    for event in state.pending { Self.apply(event, to: &state.durable) }
    state.pending = []
    files[file] = state
  }

  /// The names that there are now stay, and those that are gone stay gone.
  private mutating func syncFolder() {
    for (file, var state) in files {
      if let last = state.pending.lastIndex(where: { $0.kind == faultshim_removed }) {
        state.durable = nil
        state.pending.removeFirst(last + 1)
      }
      if state.pending.first?.kind == faultshim_created {
        state.durable = state.durable ?? []
        state.pending.removeFirst()
      }
      files[file] = state
    }
  }

  /// What the files might be after a loss of power now, by their numbers.
  func state(_ luck: Luck, _ random: inout Randomness) -> [Int: [UInt8]] {
    var state: [Int: [UInt8]] = [:]
    for (file, known) in files.sorted(by: { $0.key < $1.key }) {
      var content = known.durable
      switch luck {
      case .nothing: break
      case .everything: for event in known.pending { Self.apply(event, to: &content) }
      case .some:
        for event in known.pending where random.chance(1, in: 2) {
          Self.apply(random.chance(1, in: 8) ? Self.torn(event, &random) : event, to: &content)
        }
      case .first:
        let count = Int.random(in: 0...known.pending.count, using: &random)
        for (index, event) in known.pending.prefix(count).enumerated() {
          Self.apply(index == count - 1 ? Self.torn(event, &random) : event, to: &content)
        }
      }
      if let content { state[file] = content }
    }
    return state
  }

  /// Disks write sectors of 512 bytes.
  private static func torn(
    _ event: DiskRecord.Event, _ random: inout Randomness
  ) -> DiskRecord.Event {
    guard event.kind == faultshim_written, event.bytes.count > 512 else { return event }
    let sectors = Int.random(in: 0...(event.bytes.count / 512), using: &random)
    return DiskRecord.Event(
      event.kind, file: event.file, offset: event.offset,
      bytes: Array(event.bytes.prefix(sectors * 512)))
  }

  private static func apply(_ event: DiskRecord.Event, to content: inout [UInt8]?) {
    switch event.kind {
    case faultshim_created: content = content ?? []
    case faultshim_removed: content = nil
    case faultshim_truncated:
      var bytes = content ?? []
      if bytes.count > event.offset { bytes.removeLast(bytes.count - event.offset) }
      bytes += [UInt8](repeating: 0, count: event.offset - bytes.count)
      content = bytes
    case faultshim_written:
      var bytes = content ?? []
      let end = event.offset + event.bytes.count
      if bytes.count < end { bytes += [UInt8](repeating: 0, count: end - bytes.count) }
      bytes.replaceSubrange(event.offset..<end, with: event.bytes)
      content = bytes
    default: break
    }
  }
}
