import Larder
import Testing

@Suite struct SliceTests {
  @Test(arguments: StoreKind.all)
  func aSliceIsKeptAsAWhole(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", produced(max: 6, unlimited))
    try fixture.put([NewItem(payload: "0", key: "known")])
    try fixture.startRun("r", asked: 5)
    let later = start + .seconds(7)
    let offered =
      [NewItem(payload: "1", key: "known"), NewItem(payload: "2", key: "new")] + items(3..<9)
    let result = try fixture.commit(
      "r", offered, cursor: "page-2", overfill: 3, log: Array("made some\n".utf8), at: later)
    #expect(result == PutResult(stored: 5, duplicates: 1, overfill: 5))
    try fixture.crash()
    #expect(try fixture.countedItems("p") == [.available: 6])
    let run = try fixture.shownRun("r")
    #expect(run.state == .running)
    #expect(run.stored == 5)
    #expect(run.covered == 5)
    #expect(run.cursor == "page-2")
    #expect(run.log == "made some\n")
    let slice = try #require(run.slices.first)
    #expect(run.slices.count == 1)
    #expect(slice.state == .committed)
    #expect(slice.stored == 5)
    #expect(slice.duplicates == 1)
    #expect(slice.overfill == 5)
    #expect(slice.asked == 5)
    #expect(slice.endedAt == later)
    #expect(slice.startedAt == start)
    #expect(run.slice == nil)
    #expect(run.inFlight == 0)
  }

  @Test(arguments: StoreKind.all)
  func theCursorStaysUntilASliceMovesIt(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", produced())
    try fixture.startRun("r", asked: 1)
    try fixture.commit("r", items(0..<1), cursor: "page-2\n\u{E9}")
    func next(_ slice: Int, cursor: String?) throws -> String {
      let attempt = RunEvent.attempt(run: "r", slice: slice, asked: 1, attempt: 1, recalling: 0)
      #expect(try fixture.store.record([attempt], at: start) == [true])
      try fixture.commit("r", slice: slice, items(slice..<(slice + 1)), cursor: cursor)
      try fixture.reopen()
      return try fixture.shownRun("r").cursor
    }
    #expect(try next(2, cursor: nil) == "page-2\n\u{E9}")
    #expect(try next(3, cursor: "page-4") == "page-4")
    // An empty cursor is a cursor.
    #expect(try next(4, cursor: "") == "")
    let run = try fixture.shownRun("r")
    #expect(run.slices.map(\.number) == [1, 2, 3, 4])
    #expect(run.covered == 4)
    #expect(run.stored == 4)
  }

  @Test(arguments: StoreKind.all)
  func whatIsNoLongerUnderWayIsFenced(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", produced())
    func fenced(_ run: String, _ slice: Int) throws {
      #expect(throws: StoreError.fenced) {
        try fixture.commit(run, slice: slice, items(90..<95), cursor: "stray", log: [66])
      }
    }
    try fenced("nobody", 1)
    let queued = Run(id: "q", pool: "p", reason: .manual, state: .queued, createdAt: start)
    #expect(try fixture.store.record([.open(queued)], at: start) == [true])
    try fenced("q", 1)
    try fixture.startRun("r")
    try fenced("r", 2)
    try fenced("r", 0)
    try fixture.commit("r", items(0..<1), cursor: "mine")
    try fenced("r", 1)
    for state in [RunState.failed, .replaced, .short] {
      let id = "\(state)"
      try fixture.startRun(id)
      #expect(
        try fixture.store.record([.end(run: id, state: state, why: nil)], at: start) == [true])
      try fenced(id, 1)
      #expect(try fixture.shownRun(id).log == nil)
      #expect(try fixture.shownRun(id).cursor == "")
    }
    try fixture.startRun("final")
    let failure = RunEvent.failedAttempt(run: "final", slice: 1, why: "", log: [], final: true)
    #expect(try fixture.store.record([failure], at: start) == [true])
    try fenced("final", 1)
    #expect(try fixture.countedItems("p") == [.available: 1])
    #expect(try fixture.status().stock.produced == 1)
    #expect(try fixture.shownRun("r").cursor == "mine")
    #expect(try fixture.shownRun("r").log == nil)
  }

  @Test(arguments: StoreKind.all)
  func aLogIsBoundedToItsLastBytes(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", produced())
    try fixture.startRun("r")
    func fail(_ log: [UInt8]) throws -> String {
      let event = RunEvent.failedAttempt(run: "r", slice: 1, why: "no", log: log, final: false)
      #expect(try fixture.store.record([event], at: start) == [true])
      let log = try #require(try fixture.shownRun("r").log)
      #expect(log.utf8.count <= Limits.runLogBytes)
      #expect(!log.utf8.contains(0))
      return log
    }
    #expect(try fail(Array("first\n".utf8)) == "first\n")
    #expect(try fail(Array("second \u{E9}\n".utf8)) == "first\nsecond \u{E9}\n")
    // A byte that is no UTF-8, and a NUL, each become a replacement character.
    #expect(try fail([0xFF, 0x41, 0x00, 0x42]).hasSuffix("\n\u{FFFD}A\u{FFFD}B"))
    let long = try fail(Array(repeating: UInt8(ascii: "x"), count: Limits.runLogBytes - 1) + [10])
    #expect(long.utf8.count == Limits.runLogBytes)
    #expect(long.utf8.first == UInt8(ascii: "x"))
    #expect(try fail(Array("end".utf8)).hasSuffix("x\nend"))
    // What is replaced takes more bytes than what it stands for.
    #expect(try fail(Array(repeating: 0xFF, count: Limits.runLogBytes)).hasSuffix("\u{FFFD}"))
    #expect(try fail(Array(repeating: 0, count: Limits.runLogBytes)).hasSuffix("\u{FFFD}"))
    #expect(try fail([UInt8(ascii: "!")]).hasSuffix("\u{FFFD}!"))
    // A cut within a character.
    let euros = Array(String(repeating: "\u{20AC}", count: Limits.runLogBytes).utf8)
    #expect(try fail(euros).hasSuffix("\u{20AC}\u{20AC}"))
    #expect(try fail(euros + [UInt8(ascii: "!")]).hasSuffix("\u{20AC}!"))
    try fixture.commit("r", [], log: Array(" done".utf8))
    #expect(try fixture.shownRun("r").log?.hasSuffix("\u{20AC}! done") == true)
    #expect(try fixture.reader.runs(pool: "p", before: nil, limit: 9).rows.map(\.log) == [nil])
  }

  @Test(arguments: StoreKind.all)
  func itemsOfASliceAreClaimedLikeAllOthers(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", produced(unlimited))
    try fixture.put(items(0..<1))
    try fixture.startRun("r")
    try fixture.commit(
      "r", items(1..<2) + [NewItem(payload: "2", key: "k", user: "u")], at: start + .seconds(1))
    let claim = try #require(try fixture.claim("u", count: 3).granted)
    #expect(Set(claim.items.map(\.payload)) == ["0", "1", "2"])
    #expect(
      claim.items.map(\.producedAt) == [start, start + .seconds(1), start + .seconds(1)])
  }
}
