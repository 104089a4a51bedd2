import Larder

/// A claim as it must be on disk.
struct ModelClaim {
  var request: ClaimRequest
  var id = ""
  /// What the request bound; nil: nothing.
  var key: String?
  var state = ClaimState.claimed
  var count: Int
  var claimedAt: Instant
  var hold: Duration?
  var holdExpiresAt: Instant?
  var timeoutAt: Instant?
  var endedAt: Instant?
  var minRemaining: Duration
  /// Its items, those that a recall took included, by their places.
  var rows: [Int] = []
  /// Whether nothing is left of it.
  var isGone = false

  init(request: ClaimRequest, key: String?, pool: Pool, at now: Instant) {
    self.request = request
    self.key = key
    count = request.count
    claimedAt = now
    hold = request.hold.map { min($0, pool.claims.hold) }
    minRemaining = max(pool.claims.minRemaining, request.minRemaining ?? .zero)
  }

  var pool: String { request.pool }
  var user: String { request.user }
  var match: String { request.match?.text ?? "" }
}

/// The attributes that items of histories have, and what claims want of them.
enum Attributes {
  /// Texts with what they say, where numbers are equal by value, and nothing else across types.
  static let texts: [(text: String, values: [String: AttributeValue])] = [
    (#"{"zone":"A"}"#, ["zone": .text("A")]),
    (#"{"zone":"B","n":1}"#, ["zone": .text("B"), "n": .integer(1)]),
    (#"{"zone": "A", "n": 1.0}"#, ["zone": .text("A"), "n": .integer(1)]),
    (#"{"n":"1","vip":true}"#, ["n": .text("1"), "vip": .boolean(true)]),
    (#"{"vip":1,"zone":"A"}"#, ["vip": .integer(1), "zone": .text("A")]),
    (
      #"{"vip":true,"zone":"A","n":1}"#,
      [
        "vip": .boolean(true), "zone": .text("A"), "n": .integer(1),
      ]
    ),
  ]

  static let matches: [Match] = [
    Match(["zone": .text("A")]), Match(["zone": .text("B")]), Match(["n": .integer(1)]),
    Match(["vip": .boolean(true)]), Match(["zone": .text("A"), "n": .integer(1)]),
  ]

  private static let values = Dictionary(uniqueKeysWithValues: texts.map { ($0.text, $0.values) })

  static func satisfies(_ text: String?, _ match: Match?) -> Bool {
    guard let match else { return true }
    guard let text, let has = values[text] else { return false }
    return match.values.allSatisfy { has[$0.key] == $0.value }
  }
}
