import Larder
import Testing

@Suite struct IdentityTests {
  @Test func idsAreVersion7AndAscend() {
    var ids = UUIDv7(random: SeededRandom(seed: 1))
    var last = ""
    for step in 0..<2000 {
      let id = ids.next(at: Instant(milliseconds: 1_767_225_600_000 + Int64(step / 3)))
      let characters = Array(id)
      #expect(characters.count == 36)
      #expect([8, 13, 18, 23].allSatisfy { characters[$0] == "-" })
      #expect(characters[14] == "7")
      #expect("89ab".contains(characters[19]))
      #expect(id.allSatisfy { "0123456789abcdef-".contains($0) })
      #expect(id > last)
      last = id
    }
  }

  @Test func idsHoldTheirTime() {
    var ids = UUIDv7(random: SeededRandom(seed: 1))
    // The example of RFC 9562: 2022-02-22T19:22:22Z is 017F22E279B0.
    let id = ids.next(at: Instant(milliseconds: 1_645_557_742_000))
    #expect(id.hasPrefix("017f22e2-79b0-7"))
  }

  @Test func aClockThatStandsOrRunsBackKeepsTheOrder() {
    var ids = UUIDv7(random: SeededRandom(seed: 2))
    var random = SeededRandom(seed: 3)
    var now: Int64 = 1_767_225_600_000
    var all: [String] = []
    for _ in 0..<100_000 {
      switch Int.random(in: 0..<1000, using: &random) {
      case 0: now -= Int64.random(in: 0...86_400_000, using: &random)
      case 1...50: now += 1
      default: break
      }
      all.append(ids.next(at: Instant(milliseconds: now)))
    }
    #expect(zip(all, all.dropFirst()).allSatisfy { $0 < $1 })
    #expect(Set(all).count == 100_000)
  }

  @Test func twoGeneratorsDoNotMeet() {
    var left = UUIDv7()
    var right = UUIDv7()
    var seen: Set<String> = []
    for _ in 0..<20_000 {
      #expect(seen.insert(left.next(at: Instant(milliseconds: 1))).inserted)
      #expect(seen.insert(right.next(at: Instant(milliseconds: 1))).inserted)
    }
  }

  @Test(arguments: [
    "a", "0", "movie-tickets", "a.b_c-d", "9lives", "a-", "a..", String(repeating: "x", count: 63),
  ])
  func namesOfPools(_ name: String) {
    #expect(Pool.isValidName(name))
  }

  @Test(arguments: [
    "", "-a", ".a", "_a", "A", "aB", "a b", "a/b", "é", "aé", "a\0", "a\n", "a+b", "..", "a~",
    String(repeating: "x", count: 64),
  ])
  func otherTextsNameNoPool(_ name: String) {
    #expect(!Pool.isValidName(name))
  }

  @Test(arguments: Problem.Word.allCases)
  func everyProblemHasAStatusATitleAndAnExitCode(_ word: Problem.Word) {
    #expect((400...599).contains(word.status))
    #expect(word.title.first?.isUppercase == true && word.title.last?.isLetter == true)
    #expect(word.rawValue.allSatisfy { "abcdefghijklmnopqrstuvwxyz-".contains($0) })
    #expect(word.exitCode == (word == .outOfStock ? 3 : 1))
    #expect(Problem(word, "why").description == "why")
  }

  @Test func problemsHaveTheStatusesThatClientsRelyOn() {
    let expected: [Problem.Word: Int] = [
      .badRequest: 400, .unknownPool: 404, .outOfStock: 409, .wrongState: 409, .tooLarge: 413,
      .unsupportedType: 415, .keyReused: 422, .userLimit: 429, .busy: 503, .methodNotAllowed: 405,
    ]
    for (word, status) in expected { #expect(word.status == status) }
    #expect(Set(Problem.Word.allCases.map(\.title)).count == Problem.Word.allCases.count)
    for word in Problem.Word.allCases {
      #expect(Problem.word(forStatus: word.status).status == word.status)
    }
    #expect(Problem.word(forStatus: 599) == .failed)
    #expect(Problem.word(forStatus: 404) == .notFound)
  }

  @Test func fingerprintsHoldWhatWasAskedFor() {
    let plain = ClaimRequest(pool: "p", user: "u")
    var other = ClaimRequest(pool: "q", principal: "x", user: "v", key: "k")
    #expect(plain.fingerprint == other.fingerprint)
    other.minRemaining = .seconds(600)
    let ten = other.fingerprint
    #expect(ten != plain.fingerprint)
    other.minRemaining = DurationText.parse("10m")
    #expect(other.fingerprint == ten)
    other.minRemaining = .zero
    #expect(other.fingerprint != plain.fingerprint)
    #expect(ClaimRequest(pool: "p", user: "u", count: 2).fingerprint != plain.fingerprint)
    #expect(ClaimRequest(pool: "p", user: "u", onMiss: .reject).fingerprint != plain.fingerprint)
  }
}
