import Larder
import Sizing
import Testing

@Suite struct DemandImportTests {
  private let present = Demand.bin(of: start).bin

  private func record(
    _ fixture: any StoreFixture, from: Instant = Instant(milliseconds: 0),
    before: Instant = Instant(milliseconds: .max), limit: Int = 1000
  ) throws -> DemandRecord {
    try fixture.reader.demand(of: "p", from: from, before: before, limit: limit)
  }

  private func take(
    _ fixture: any StoreFixture, from first: Int, _ requests: [Int?]
  ) throws -> DemandImport {
    try fixture.store.importDemand(
      DemandSeries(start: present + first, requests: requests), in: "p", at: start)
  }

  private func requests(_ fixture: any StoreFixture, upTo end: Int) throws -> [Int?] {
    try record(fixture).series(before: Instant(bin: present + end)).requests
  }

  @Test(arguments: StoreKind.all)
  func historyComesBeforeWhatIsCounted(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", unlimited)
    let taken = try take(fixture, from: -6, [3, 0, nil, 2])
    #expect(taken.bins == 3 && taken.requests == 5 && taken.kept == 0)
    try fixture.put(items(0..<9))
    for second in [1, 2, 700] {
      #expect(try fixture.claim("u", at: start + .seconds(second)).granted != nil)
    }
    // Nothing is known of what lies between the two; after that nobody asked in the second bin.
    #expect(try requests(fixture, upTo: 3) == [3, 0, nil, 2, nil, nil, 2, 0, 1])
    try fixture.reopen()
    #expect(try requests(fixture, upTo: 3) == [3, 0, nil, 2, nil, nil, 2, 0, 1])
    // A level's day has them too, as hits.
    #expect(try fixture.status("p", at: start).demand.lastDay.hits == 7)
  }

  @Test(arguments: StoreKind.all)
  func theSameAgainChangesNothing(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", unlimited)
    try fixture.put(items(0..<9))
    let before = start - .seconds(900)
    #expect(try fixture.claim("u", at: before).granted != nil)
    // A miss that is not on disk yet counts as well.
    #expect(try fixture.claim("u", count: 20, at: before + .seconds(300)) == .outOfStock)
    let first = try take(fixture, from: -5, [7, 7, 7, 7, 0, 7, 7])
    #expect(first.bins == 3 && first.requests == 14 && first.kept == 2)
    let all = try record(fixture)
    #expect(try requests(fixture, upTo: 0) == [7, 7, 1, 1, 0])
    #expect(all.bins[3].demand.misses == 1 && all.gaps == [])
    _ = try take(fixture, from: -5, [7, 7, 7, 7, 0])
    #expect(try record(fixture) == all)
  }

  @Test(arguments: StoreKind.all)
  func laterFilesFillGaps(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", unlimited)
    func gaps() throws -> [[Int]] {
      try record(fixture).gaps.map { [$0.lowerBound.bin - present, $0.upperBound.bin - present] }
    }
    _ = try take(fixture, from: -100, [1])
    #expect(try gaps() == [[-99, 0]])
    _ = try take(fixture, from: -50, [1, nil, nil, 1])
    #expect(try gaps() == [[-99, -50], [-49, -47], [-46, 0]])
    _ = try take(fixture, from: -50, [nil, nil, nil, nil])
    #expect(try gaps() == [[-99, 0]])
    #expect(try requests(fixture, upTo: -46).suffix(4) == [1, nil, nil, 1])
    _ = try take(fixture, from: -99, Array(repeating: 2, count: 99))
    #expect(try gaps() == [])
    _ = try take(fixture, from: -200, [1])
    #expect(try gaps() == [[-199, -100]])
    // What is to come is left out, and so is the present bin.
    #expect(try take(fixture, from: 0, [5, 5]) == DemandImport())
  }

  @Test(arguments: StoreKind.all)
  func demandIsReadInPieces(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", unlimited)
    _ = try take(fixture, from: -10, [1, 2, 3, nil, nil, 6, 7, 8, 9, 10])
    let piece = try record(
      fixture, from: Instant(bin: present - 8), before: Instant(bin: present - 2), limit: 2)
    #expect(piece.bins.map(\.demand.hits) == [3, 6])
    #expect(piece.gaps == [Instant(bin: present - 7)..<Instant(bin: present - 5)])
    #expect(throws: StoreError.unknownPool("q")) {
      try fixture.store.importDemand(DemandSeries(start: 0, requests: [1]), in: "q", at: start)
    }
  }

  @Test(arguments: StoreKind.all)
  func whatExpiresSoonIsCountedByBins(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", unlimited)
    let bin = Instant(bin: present)
    for (first, seconds) in [(0, 600), (2, 899), (4, 900), (6, 1800)] {
      try fixture.put(items(first..<first + 2, expiresAt: bin + .seconds(seconds)))
    }
    try fixture.put(items(8..<10))
    #expect(try fixture.claim("u").granted != nil)
    let found = try fixture.reader.expiring(
      in: "p", from: bin + .seconds(600), before: bin + .seconds(1800))
    #expect(found == [present + 2: 3, present + 3: 2])
    #expect(try fixture.reader.expiring(in: "q", from: bin, before: bin + .seconds(9)) == [:])
  }

  @Test(arguments: StoreKind.all)
  func aPurgeTakesOldGapsToo(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", unlimited)
    let old = -20 * Grid.binsPerWeek
    _ = try take(fixture, from: old, [1, nil, 1])
    _ = try take(fixture, from: -2, [1, 1])
    #expect(try record(fixture).gaps.count == 2)
    while try fixture.store.purge(before: start, at: start, limit: 1).more {}
    let left = try record(fixture)
    #expect(left.bins.count == 2 && left.gaps.count == 1)
  }
}
