import Larder
import Testing

@testable import SQLiteStore

@Suite struct LineTests {
  /// The place that a new claim is told, which has to be what a reader counts.
  private func place(
    _ user: String, _ fixture: SQLiteFixture, _ match: [String: AttributeValue]? = nil,
    at now: Instant = start
  ) throws -> Int? {
    let claim = try fixture.order(user, match, at: now)
    #expect(try fixture.reader.claim(claim.id, at: now)?.position == claim.position)
    return claim.position
  }

  @Test func aNewClaimKnowsItsPlaceWhoeverLeft() throws {
    let fixture = try SQLiteFixture()
    try fixture.adopt("p", living("hold=30 backorder=60", claims: "per_user: 0"))
    let first = try fixture.order("a")
    #expect(try place("b", fixture) == 2)
    #expect(try place("c", fixture) == 3)
    // Another match is another line.
    #expect(try place("d", fixture, ["n": .integer(1)]) == 1)
    #expect(try fixture.change(first, .cancel, at: start).changed != nil)
    #expect(try place("e", fixture) == 3)
    try fixture.put(items(0..<1))
    #expect(try place("f", fixture) == 3)
    #expect(try place("g", fixture, ["n": .integer(1)]) == 2)
    _ = try fixture.store.forget(user: "c", at: start, limit: 9)
    #expect(try place("h", fixture) == 3)
    let over = start + .seconds(61)
    #expect(try fixture.store.lapse(pool: "p", at: over, limit: 4) == 4)
    #expect(try place("i", fixture, at: over) == 2)
    try fixture.crash()
    #expect(try place("j", fixture, at: over) == 3)
  }

  @Test func matchesThatLookAlikeAreTwoLines() throws {
    let fixture = try SQLiteFixture()
    try fixture.adopt("p", living("backorder=60", claims: "per_user: 0"))
    let matches = ["\u{e9}", "e\u{301}"].map { Match(["n": .text($0)]) }
    let requests = (matches + matches).enumerated().map {
      ClaimRequest(pool: "p", user: "\($0)", match: $1, onMiss: .backorder)
    }
    let claims = try fixture.store.claim(requests, at: start).map { try #require($0.accepted) }
    #expect(claims.map(\.position) == [1, 1, 2, 2])
    let texts = try fixture.sqlite.connection.all("SELECT match FROM settled_claims ORDER BY seq") {
      $0.text(0)
    }
    #expect(texts.map { Array($0.utf8) } == requests.map { Array(($0.match?.text ?? "").utf8) })
  }

  @Test func aTransactionThatIsUndoneLeavesNobodyInLine() throws {
    let fixture = try SQLiteFixture()
    try fixture.adopt("p", living("backorder=60", claims: "per_user: 0"))
    try fixture.sqlite.connection.script(
      """
      CREATE TEMP TRIGGER refuse BEFORE INSERT ON main.settled_claims WHEN new.user = 'bad'
      BEGIN SELECT raise(ABORT, 'refused'); END
      """)
    #expect(try place("a", fixture) == 1)
    let requests = ["b", "bad"].map { ClaimRequest(pool: "p", user: $0, onMiss: .backorder) }
    #expect(throws: StoreError.self) { try fixture.store.claim(requests, at: start) }
    #expect(try place("c", fixture) == 2)
  }

  @Test func aLineIsKnownToBeTakenUntilAClaimLeavesOne() {
    var lines = LineMemory()
    let line = Line(head: "", match: "", minRemaining: .zero)
    #expect(lines.left(by: line, in: "p") == nil)
    lines.noteTaken(line, in: "p", hasPersonal: true)
    lines.change(by: 1, line, in: "p")
    #expect(lines.left(by: line, in: "p") == true)
    #expect(lines.left(by: line, in: "q") == nil)
    #expect(lines.left(by: Line(head: "", match: "", minRemaining: .seconds(1)), in: "p") == nil)
    lines.change(by: -1, line, in: "p")
    #expect(lines.left(by: line, in: "p") == nil)
    lines.noteTaken(line, in: "p", hasPersonal: true)
    lines.forget()
    #expect(lines.left(by: line, in: "p") == nil)
  }

  @Test func onlySoManyLinesAreKept() {
    var lines = LineMemory()
    func line(_ match: Int) -> Line {
      Line(head: "", match: "\(match)", minRemaining: .zero)
    }
    for match in 0...Limits.linesCounted { lines.set(match, of: line(match), in: "p") }
    #expect(lines.length(of: line(0), in: "p") == nil)
    #expect(lines.length(of: line(Limits.linesCounted), in: "p") == Limits.linesCounted)
    lines.change(by: 1, line(Limits.linesCounted), in: "p")
    lines.change(by: 1, line(0), in: "p")
    #expect(lines.length(of: line(0), in: "p") == nil)
    #expect(lines.length(of: line(Limits.linesCounted), in: "p") == Limits.linesCounted + 1)
    #expect(lines.length(of: line(Limits.linesCounted), in: "q") == nil)
  }
}
