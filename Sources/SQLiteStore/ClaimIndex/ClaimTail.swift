/// The newest claims, which no run of the index has yet.
struct ClaimTail {
  private(set) var entries: [IndexEntry] = []
  /// How many claims there are.
  private(set) var claims = 0
  /// Finds entries: a table of twice as many slots at least, a power of two. An entry's place in
  /// `entries`, counted from 1, stands in the slot that its hash says, or in the next one that was free
  /// (0). Entries of one hash stand in the order in which they came.
  private var slots: [Int32]

  /// - Parameter expected: how many entries are expected.
  init(expected: Int) {
    entries.reserveCapacity(expected)
    var size = 16
    while size < expected * 2 { size *= 2 }
    slots = [Int32](repeating: 0, count: size)
  }

  mutating func add(_ entry: IndexEntry) {
    if (entries.count + 1) * 2 > slots.count { grow() }
    entries.append(entry)
    if entry.isUsers { claims += 1 }
    slots[freeSlot(entry.hash)] = Int32(entries.count)
  }

  private mutating func grow() {
    slots = [Int32](repeating: 0, count: slots.count * 2)
    for (index, entry) in entries.enumerated() { slots[freeSlot(entry.hash)] = Int32(index + 1) }
  }

  /// The slot to begin with. The lowest bit says what an entry is for.
  private func start(_ hash: Int64) -> Int {
    Int(truncatingIfNeeded: UInt64(bitPattern: hash) >> 1) & (slots.count - 1)
  }

  private func next(_ slot: Int) -> Int { (slot + 1) & (slots.count - 1) }

  private func freeSlot(_ hash: Int64) -> Int {
    var slot = start(hash)
    while slots[slot] != 0 { slot = next(slot) }
    return slot
  }

  func has(_ hash: Int64) -> Bool {
    var slot = start(hash)
    while slots[slot] != 0 {
      if entries[Int(slots[slot]) - 1].hash == hash { return true }
      slot = next(slot)
    }
    return false
  }

  /// The places of the claims that stand under a hash, in the order in which they came.
  func seqs(of hash: Int64) -> [Int64] {
    var seqs: [Int64] = []
    var slot = start(hash)
    while slots[slot] != 0 {
      let entry = entries[Int(slots[slot]) - 1]
      if entry.hash == hash { seqs.append(entry.seq) }
      slot = next(slot)
    }
    return seqs
  }

  /// Takes the last entries back, until there are so many. The slot of the last one can be freed: nobody
  /// came after it who passed it by.
  mutating func shrink(to count: Int) {
    while entries.count > count {
      var slot = start(entries[entries.count - 1].hash)
      while slots[slot] != Int32(entries.count) { slot = next(slot) }
      slots[slot] = 0
      if entries.removeLast().isUsers { claims -= 1 }
    }
  }
}
