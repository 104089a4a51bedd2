import Larder
import Sizing
import Testing

/// What is known of time in which no server counted.
@Suite struct ServiceTests {
  private let first = Demand.bin(of: start)
  private let minute = Duration.seconds(60)

  /// A pool that saw a miss in its first bin, while a server was there for half an hour.
  private func open(_ kind: StoreKind) throws -> any StoreFixture {
    let fixture = try kind.open()
    try fixture.adopt("p", unlimited)
    for bin in 0..<6 { try fixture.store.noteService(at: first + minute * (5 * bin)) }
    try miss(fixture, at: first)
    return fixture
  }

  private func miss(_ fixture: any StoreFixture, at time: Instant) throws {
    #expect(try fixture.claim("u", at: time) == .outOfStock)
    try fixture.store.writeDemand()
  }

  private func record(
    _ fixture: any StoreFixture, before end: Instant
  ) throws -> DemandRecord {
    try fixture.reader.demand(
      of: "p", from: Instant(milliseconds: 0), before: end, limit: 1000)
  }

  private func requests(_ fixture: any StoreFixture, at now: Instant) throws -> [Int?] {
    try record(fixture, before: now).series(before: now).requests
  }

  @Test(arguments: StoreKind.all)
  func whatWasAskedWhileNobodyServedIsUnknown(_ kind: StoreKind) throws {
    let fixture = try open(kind)
    // The last note was at 25 minutes; an answer more came before the crash.
    try miss(fixture, at: first + minute * 26)
    try fixture.crash()
    let back = first + minute * 52
    try fixture.store.noteService(at: back)
    let known: [Int?] = [1, 0, 0, 0, 0, 1, nil, nil, nil, nil, nil]
    #expect(try requests(fixture, at: back + minute * 3) == known)
    #expect(
      try record(fixture, before: back + minute * 5).gaps
        == [first + minute * 25..<first + minute * 55])
    try fixture.store.noteService(at: first + minute * 55)
    try fixture.store.noteService(at: first + minute * 60)
    #expect(try requests(fixture, at: first + minute * 62) == known + [0])
    // A command's claim without a server is known.
    try miss(fixture, at: first + minute * 41)
    #expect(try requests(fixture, at: first + minute * 62)[8] == 1)
  }

  @Test(arguments: StoreKind.all)
  func afterTheLastNoteAllIsUnknown(_ kind: StoreKind) throws {
    let fixture = try open(kind)
    // 6 minutes later a note is late.
    #expect(try requests(fixture, at: first + minute * 31) == [1, 0, 0, 0, 0, 0])
    let later = first + minute * 31 + .milliseconds(1)
    #expect(try requests(fixture, at: later) == [1, 0, 0, 0, 0, nil])
    let plan = try StockPlan(
      of: fixture.status(at: first + minute * 180), evidence(fixture, first + minute * 180),
      StockPlan.Terms(), at: first + minute * 180)
    #expect(plan.known == minute * 25)
    // A pause that is no longer is none: a restart.
    try fixture.store.noteService(at: first + minute * 31)
    #expect(try requests(fixture, at: first + minute * 36) == [1, 0, 0, 0, 0, 0, 0])
  }

  private func evidence(
    _ fixture: any StoreFixture, _ now: Instant
  ) throws -> StockPlan.Evidence {
    var evidence = StockPlan.Evidence()
    evidence.demand = try record(fixture, before: now)
    return evidence
  }

  @Test(arguments: StoreKind.all)
  func whatExpiredMeanwhileTellsNothingOfRequests(_ kind: StoreKind) throws {
    let fixture = try open(kind)
    try fixture.put(items(0..<3, expiresAt: first + minute * 42), at: first + minute * 26)
    let back = first + minute * 60
    try fixture.store.noteService(at: back)
    #expect(try fixture.store.expire(pool: "p", at: back, limit: 10) == 3)
    let now = first + minute * 60
    #expect(try record(fixture, before: now).bins.map(\.demand.wasted) == [0, 3])
    #expect(try requests(fixture, at: now)[5...].allSatisfy { $0 == nil })
    // What somebody else counted is known all the same.
    let series = DemandSeries(start: first.bin + 9, requests: [0, 4])
    _ = try fixture.store.importDemand(series, in: "p", at: now)
    #expect(try requests(fixture, at: now)[5...] == [nil, nil, nil, nil, 0, 4, nil])
  }

  @Test(arguments: StoreKind.all)
  func withoutAServerEverAllIsKnown(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", unlimited)
    try miss(fixture, at: first)
    #expect(try requests(fixture, at: first + minute * 20) == [1, 0, 0, 0])
    // As it is before the first one.
    try fixture.store.noteService(at: first + minute * 20)
    #expect(try requests(fixture, at: first + minute * 25) == [1, 0, 0, 0, 0])
    // A pool that nobody has asked yet has no demand and no gaps.
    try fixture.adopt("q", unlimited)
    let none = try fixture.reader.demand(
      of: "q", from: first, before: first + minute * 300, limit: 10)
    #expect(none == DemandRecord())
  }

  @Test(arguments: StoreKind.all)
  func aClockThatWasWrongDoesNotSpoilWhatFollows(_ kind: StoreKind) throws {
    let fixture = try open(kind)
    let year = Duration.seconds(365 * 86_400)
    try fixture.store.noteService(at: first + year)
    try fixture.store.noteService(at: first + year + minute * 5)
    for bin in 6..<10 { try fixture.store.noteService(at: first + minute * (5 * bin)) }
    let now = first + minute * 50
    #expect(try requests(fixture, at: now) == [1, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    #expect(try record(fixture, before: now).gaps == [])
  }

  @Test(arguments: StoreKind.all)
  func pagesHaveThePausesThatLieInThem(_ kind: StoreKind) throws {
    let fixture = try open(kind)
    for span in [60, 120, 180] { try fixture.store.noteService(at: first + minute * span) }
    let (from, to) = (first + minute * 100, first + minute * 150)
    let page = try fixture.reader.demand(of: "p", from: from, before: to, limit: 10)
    // The pauses before and after 120 meet: that bin was served at its beginning alone.
    #expect(page.gaps == [from..<to])
  }

  @Test(arguments: StoreKind.all)
  func oldNotesArePurgedWithTheDemand(_ kind: StoreKind) throws {
    let fixture = try open(kind)
    let back = first + minute * 60
    let now = back + Limits.keptDemand
    try fixture.store.noteService(at: back)
    try miss(fixture, at: first + minute * 70)
    try fixture.store.noteService(at: now)
    try miss(fixture, at: now)
    // The first miss and the first span go; the second one tells of the weeks without a server.
    #expect(try fixture.purge(before: now, at: now + minute * 10) == [2])
    #expect(try fixture.purge(before: now, at: now + minute * 10) == [0])
    let left = try record(fixture, before: now + minute * 5)
    #expect(left.bins.map(\.start) == [first + minute * 70, now])
    #expect(left.gaps == [first + minute * 70..<now])
  }
}
