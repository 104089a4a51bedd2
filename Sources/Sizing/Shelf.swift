/// What a pool has on the shelf and on order.
package struct Shelf: Sendable, Equatable {
  /// Items that come and go together.
  package struct Batch: Sendable, Hashable {
    /// The bin from whose beginning on they can be had.
    package let readyAt: Int
    /// The bin at whose beginning they expire; nil: never.
    package let expiresAt: Int?
    package var items: Int

    package init(readyAt: Int, expiresAt: Int?, items: Int) {
      self.readyAt = readyAt
      self.expiresAt = expiresAt
      self.items = items
    }
  }

  /// In the order in which they expire.
  package private(set) var batches: [Batch]

  package init(_ batches: [Batch] = []) {
    self.batches = batches.sorted { ($0.expiresAt ?? .max) < ($1.expiresAt ?? .max) }
  }

  /// What is on the shelf and on order.
  package var position: Int { batches.reduce(0) { $0 + $1.items } }

  /// Whether something is on order.
  package func awaits(at bin: Int) -> Bool { batches.contains { $0.readyAt > bin } }

  /// What can be had.
  package func available(at bin: Int) -> Int {
    batches.reduce(0) { $0 + ($1.readyAt <= bin ? $1.items : 0) }
  }

  /// How many items will expire within the next `bins`, although each bin uses up `use`.
  func expiringUnused(from bin: Int, bins: Int, use: Double) -> Double {
    var unused = 0.0
    var expiring = 0
    for batch in batches {
      guard let expiresAt = batch.expiresAt, expiresAt < bin + bins else { break }
      expiring += batch.items
      unused = max(unused, Double(expiring) - use * Double(expiresAt - bin))
    }
    return unused
  }
}

extension Shelf {
  /// Puts an order on its way.
  package mutating func add(_ batch: Batch) {
    let place =
      batches.lastIndex { ($0.expiresAt ?? .max) <= (batch.expiresAt ?? .max) } ?? -1
    batches.insert(batch, at: place + 1)
  }

  /// Takes away what expires at the beginning of a bin, and says how many items that is.
  package mutating func expire(at bin: Int) -> Int {
    let gone = batches.prefix { $0.expiresAt.map { $0 <= bin } ?? false }
    batches.removeFirst(gone.count)
    return gone.reduce(0) { $0 + $1.items }
  }

  /// Takes items for so many requests, first those that expire first; says how many found none.
  package mutating func serve(_ requests: Int, at bin: Int) -> Int {
    var left = requests
    for index in batches.indices where left > 0 && batches[index].readyAt <= bin {
      let taken = min(left, batches[index].items)
      batches[index].items -= taken
      left -= taken
    }
    batches.removeAll { $0.items == 0 }
    return left
  }
}
