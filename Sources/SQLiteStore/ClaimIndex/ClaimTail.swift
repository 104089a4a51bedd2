/// The newest claims, which no run of the index has yet.
struct ClaimTail {
  /// Most hashes stand for one claim.
  private enum Places {
    case one(Int64)
    case more([Int64])
  }

  private var places: [Int64: Places] = [:]
  private(set) var entries: [IndexEntry] = []
  /// How many claims there are.
  private(set) var claims = 0

  mutating func add(_ entry: IndexEntry) {
    entries.append(entry)
    if entry.isUsers { claims += 1 }
    switch places[entry.hash] {
    case nil: places[entry.hash] = .one(entry.seq)
    case .one(let seq): places[entry.hash] = .more([seq, entry.seq])
    case .more(var seqs):
      places[entry.hash] = nil
      seqs.append(entry.seq)
      places[entry.hash] = .more(seqs)
    }
  }

  func has(_ hash: Int64) -> Bool { places[hash] != nil }

  func seqs(of hash: Int64) -> [Int64] {
    switch places[hash] {
    case nil: []
    case .one(let seq): [seq]
    case .more(let seqs): seqs
    }
  }

  /// Takes the last entries back, until there are so many.
  mutating func shrink(to count: Int) {
    while entries.count > count {
      let entry = entries.removeLast()
      if entry.isUsers { claims -= 1 }
      switch places[entry.hash] {
      case .more(var seqs):
        seqs.removeLast()
        places[entry.hash] = seqs.count == 1 ? .one(seqs[0]) : .more(seqs)
      case nil, .one: places[entry.hash] = nil
      }
    }
  }
}
