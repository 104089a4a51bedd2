import Larder
import ScheduleFile
import Testing

/// When most tests begin.
let start = Instant(seconds: 1_800_000_000)

/// Reads kept definitions as the commands do. What to do with known keys and with stale items is
/// read here, and not by the schedule files' reader, whatever that one takes.
let readDefinition: Definition.Reader = { source, file throws(StoreError) in
  let plain = source.replacing(renewing, with: "").replacing(replacingStale, with: "")
  let parsed = ScheduleFile.parse(Array(plain.utf8), file: file, directory: "/srv/Schedules")
  guard var pool = parsed.pool else { throw .failed("\(parsed.diagnostics)") }
  if source.contains(renewing) { pool.stock.duplicates = .replace }
  if source.contains(replacingStale) { pool.stock.onRevision = .replace }
  readLife(of: source, into: &pool.claims)
  return pool
}

/// Words behind `# life:` say how claims live, whatever the schedule files' reader takes.
private func readLife(of source: String, into claims: inout ClaimPolicy) {
  guard let line = source.split(separator: "\n").first(where: { $0.hasPrefix("# life:") }) else {
    return
  }
  for word in line.split(separator: " ").dropFirst(2) {
    let parts = word.split(separator: "=").map(String.init)
    let seconds = parts.count > 1 ? Duration.seconds(Int64(parts[1])!) : .zero
    switch parts[0] {
    case "hold": claims.hold = seconds
    case "restock": claims.onRelease = .restock
    case "backorder":
      claims.onMiss = .backorder
      claims.backorderTimeout = seconds
    case "webhook":
      claims.webhook = WebhookSpec(url: "https://example.org/hook", secret: "/srv/secret")
    default: preconditionFailure("no word \(word)")
    }
  }
}

/// Keys of a pool whose users may have any number of items, and how its claims live.
func living(_ words: String, max: Int = 10_000, claims: String = "per_user: 0") -> String {
  produced(max: max, "claims: {\(claims)}\n# life: \(words)")
}

/// Keys within `stock: {…}`.
let renewing = ", duplicates: replace"
let replacingStale = ", on_revision: replace"

/// A definition of a pool with these further keys.
func definition(_ pool: String = "p", _ keys: String = "") throws -> Definition {
  let source = "pool: \(pool)\n\(keys)\n"
  let file = "/srv/Schedules/\(pool).yaml"
  return Definition(pool: try readDefinition(source, file), source: source, file: file)
}

/// Keys that let a pool hand out any number of items to a user.
let unlimited = "claims: {per_user: 0}"

/// Keys of a pool with a producer.
func produced(max: Int = 10_000, _ more: String = "") -> String {
  "producer: {command: [make-items]}\nstock: {target: 1, max: \(max)}\n\(more)"
}

/// Keys of a pool whose producer has a revision, and which replaces stale items.
func revised(
  _ revision: String, max: Int = 10_000, stock: String = "", claims: String = "per_user: 0"
) -> String {
  """
  producer: {command: [make-items], revision: \(revision)}
  stock: {target: 1, max: \(max)\(replacingStale)\(stock)}
  claims: {\(claims)}
  """
}

/// Items whose payloads are the numbers of a range.
func items(_ numbers: Range<Int>, expiresAt: Instant? = nil) -> [NewItem] {
  numbers.map { NewItem(payload: "\($0)", expiresAt: expiresAt) }
}

extension StoreFixture {
  func adopt(_ pool: String = "p", _ keys: String = "", at now: Instant = start) throws {
    try store.adopt(try definition(pool, keys), at: now)
  }

  @discardableResult
  func put(_ items: [NewItem], in pool: String = "p", at now: Instant = start) throws -> PutResult {
    try store.put(items, in: pool, at: now)
  }

  func claim(_ request: ClaimRequest, at now: Instant = start) throws -> ClaimOutcome {
    let outcomes = try store.claim([request], at: now)
    return try #require(outcomes.count == 1 ? outcomes.first : nil)
  }

  /// A claim of pool p.
  func claim(
    _ user: String, key: String? = nil, count: Int = 1, minRemaining: Duration? = nil,
    at now: Instant = start
  ) throws -> ClaimOutcome {
    try claim(
      ClaimRequest(pool: "p", user: user, key: key, count: count, minRemaining: minRemaining),
      at: now)
  }

  func hold(
    _ user: String, _ seconds: Int64, key: String? = nil, count: Int = 1, at now: Instant = start
  ) throws -> Claim {
    let request = ClaimRequest(
      pool: "p", user: user, key: key, count: count, hold: .seconds(seconds))
    let claim = try #require(try claim(request, at: now).granted)
    #expect(claim.state == .held)
    return claim
  }

  /// A backorder of pool p.
  func order(
    _ user: String, key: String? = nil, count: Int = 1, _ match: [String: AttributeValue]? = nil,
    minRemaining: Duration? = nil, hold: Duration? = nil, at now: Instant = start
  ) throws -> Claim {
    let request = ClaimRequest(
      pool: "p", user: user, key: key, count: count, hold: hold, match: match.map { Match($0) },
      minRemaining: minRemaining, onMiss: .backorder)
    let claim = try #require(try claim(request, at: now).accepted)
    #expect(claim.state == .pending)
    return claim
  }

  func change(
    _ claim: Claim, _ command: ClaimCommand, at now: Instant = start
  ) throws -> ClaimOutcome {
    try #require(try store.decide([.change(claim.id, command)], at: now).first)
  }

  /// A claim as a reader shows it.
  func shown(_ claim: Claim, at now: Instant = start) throws -> Claim {
    try #require(try reader.claim(claim.id, at: now))
  }

  func payloads(_ claim: Claim, at now: Instant = start) throws -> [String] {
    try shown(claim, at: now).items.map(\.payload)
  }

  /// The status of a pool as readers see it.
  func status(_ pool: String = "p", at now: Instant = start) throws -> PoolStatus {
    try #require(try reader.pools([pool], at: now).first)
  }

  /// Opens and starts a run, and asks for its first slice.
  @discardableResult
  func startRun(
    _ id: String, pool: String = "p", asked: Int = 5, recalling: Int = 0, at now: Instant = start
  ) throws -> Run {
    let run = Run(id: id, pool: pool, reason: .manual, state: .queued, createdAt: now)
    let events: [RunEvent] = [
      .open(run), .start(run: id, asked: asked),
      .attempt(run: id, slice: 1, asked: asked, attempt: 1, recalling: recalling),
    ]
    #expect(try store.record(events, at: now) == [true, true, true])
    return run
  }

  @discardableResult
  func commit(
    _ run: String, slice: Int = 1, _ items: [NewItem], cursor: String? = nil, overfill: Int = 0,
    revision: String = "r1", log: [UInt8] = [], at now: Instant = start
  ) throws -> PutResult {
    try store.commit(
      SliceCommit(
        run: run, slice: slice, items: items, cursor: cursor, overfill: overfill,
        revision: revision, log: log), at: now)
  }

  /// Makes items by a run of one slice, asked for as many.
  func make(
    _ id: String, _ items: [NewItem], revision: String, recalling: Int = 0,
    at now: Instant = start
  ) throws -> PutResult {
    try startRun(id, asked: items.count, recalling: recalling, at: now)
    let result = try commit(id, items, revision: revision, at: now)
    #expect(
      try store.record([.end(run: id, state: .succeeded, why: nil)], at: now) == [true])
    return result
  }

  /// Puts all marks of pool p right, and says how many were wrong.
  @discardableResult
  func markStale(at now: Instant = start) throws -> Int {
    try store.markStale(in: "p", at: now, limit: 1000)
  }

  /// Stale items on pool p's shelf, by all who count them, who must agree.
  func stale(at now: Instant = start) throws -> Int {
    let counted = try countedStale("p")
    #expect(try store.pools().first { $0.pool.name == "p" }?.stock.stale == counted)
    #expect(try status(at: now).stock.stale == counted)
    return counted
  }

  /// The payloads of pool p in the order in which claims get them, one each.
  func drain(_ user: String = "anybody", at now: Instant = start) throws -> [String] {
    var payloads: [String] = []
    while let claim = try claim(user, at: now).granted { payloads += claim.items.map(\.payload) }
    return payloads
  }

  /// The run as a reader shows it.
  func shownRun(_ id: String) throws -> Run {
    try #require(try reader.run(id))
  }
}

extension ClaimOutcome {
  /// The claim of a grant.
  var granted: Claim? {
    if case .granted(let claim) = self { return claim }
    return nil
  }

  /// The claim of a backorder.
  var accepted: Claim? {
    if case .accepted(let claim) = self { return claim }
    return nil
  }

  /// The claim that a command leaves.
  var changed: Claim? {
    if case .changed(let claim) = self { return claim }
    return nil
  }

  /// The claim of the same answer again.
  var repeated: Claim? {
    if case .repeated(let claim) = self { return claim }
    return nil
  }

  /// The payloads of a grant.
  var payloads: [String]? {
    granted?.items.map(\.payload)
  }
}

extension PutResult {
  init(stored: Int, expired: Int = 0, duplicates: Int = 0, overfill: Int = 0) {
    self.init()
    self.stored = stored
    self.expired = expired
    self.duplicates = duplicates
    self.overfill = overfill
  }
}

/// Small numbers from a seed, the same on every machine.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
