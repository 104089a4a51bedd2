import Testing

@testable import SQLiteStore

@Suite struct ClaimTailTests {
  /// Hashes that begin their search at the same slot or at neighbours, one of them at the table's end.
  private static let hashes: [Int64] = [2, 3, 4, 2 + 1 << 40, -2, -1, -4, 2, 5, -2]

  private func entry(_ number: Int) -> IndexEntry {
    IndexEntry(hash: Self.hashes[number % Self.hashes.count], seq: Int64(number + 1))
  }

  private func check(_ tail: ClaimTail, _ entries: [IndexEntry]) {
    #expect(tail.entries == entries)
    #expect(tail.claims == entries.count { $0.isUsers })
    for hash in Set(Self.hashes).union([6, 7, -3, 1 << 50]) {
      let seqs = entries.filter { $0.hash == hash }.map(\.seq)
      #expect(tail.seqs(of: hash) == seqs)
      #expect(tail.has(hash) == !seqs.isEmpty)
    }
  }

  @Test func entriesAreFoundWhileTheTableGrowsAndIsTakenBack() {
    var tail = ClaimTail(expected: 4)
    var entries: [IndexEntry] = []
    for number in 0..<70 {
      tail.add(entry(number))
      entries.append(entry(number))
      check(tail, entries)
    }
    for count in [69, 33, 20, 0] {
      tail.shrink(to: count)
      entries.removeLast(entries.count - count)
      check(tail, entries)
    }
    tail.add(entry(4))
    check(tail, [entry(4)])
  }
}
