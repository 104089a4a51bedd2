/// One request of a client and what became of it.
package struct Operation: Sendable {
  package enum Action: String, Sendable {
    case claim, read, list, confirm, release, put, level
  }

  /// `ok` for a 2xx; `fail` for a definite 4xx, which changed nothing; `info` where nobody knows:
  /// a time-out, a reset or a 5xx.
  package enum Outcome: String, Sendable { case ok, fail, info }

  /// An item as an answer shows it, its payload as the text that came.
  package struct Item: Hashable, Sendable {
    package var id: String
    package var key: String?
    package var payload: String

    package init(id: String, key: String? = nil, payload: String) {
      self.id = id
      self.key = key
      self.payload = payload
    }
  }

  /// A claim as an answer shows it.
  package struct Claim: Sendable {
    package var id: String
    package var pool: String
    package var user: String
    package var state: String
    package var items: [Item]

    package init(id: String, pool: String, user: String, state: String, items: [Item]) {
      self.id = id
      self.pool = pool
      self.user = user
      self.state = state
      self.items = items
    }
  }

  package var action: Action
  package var client: Int
  /// Nanoseconds of the monotonic clock: before the first byte was sent, and after the last one
  /// was read or the client gave up.
  package var invoked: Int64
  package var completed: Int64
  package var principal: String
  package var pool: String
  package var user: String
  /// What binds the claim: empty for a request without a key where a user may have one item.
  package var key: String?
  /// The claim that is read or changed.
  package var subject: String?
  /// What was asked for, by value.
  package var fingerprint: String
  /// How many items were asked for.
  package var count: Int
  package var outcome: Outcome
  /// The answer's status; 0 where none came.
  package var status: Int
  package var claims: [Claim]
  /// Whether a list has all of the user's claims.
  package var isWhole: Bool
  /// What a `put` sent.
  package var lines: [Ledger.Line]
  /// The numbers that a `put` or a level answered, by their names.
  package var counts: [String: Int]
  /// The answer's body, or why none came.
  package var body: String

  package init(
    _ action: Action, client: Int = 0, invoked: Int64, completed: Int64,
    principal: String = "local", pool: String = "", user: String = "", key: String? = nil,
    subject: String? = nil, fingerprint: String = "", count: Int = 1, outcome: Outcome = .ok,
    status: Int = 0, claims: [Claim] = [], isWhole: Bool = true, lines: [Ledger.Line] = [],
    counts: [String: Int] = [:], body: String = ""
  ) {
    self.action = action
    self.client = client
    self.invoked = invoked
    self.completed = completed
    self.principal = principal
    self.pool = pool
    self.user = user
    self.key = key
    self.subject = subject
    self.fingerprint = fingerprint
    self.count = count
    self.outcome = outcome
    self.status = status
    self.claims = claims
    self.isWhole = isWhole
    self.lines = lines
    self.counts = counts
    self.body = body
  }
}

extension Operation: CustomStringConvertible {
  /// A line for people: when, who, what, and the answer's beginning.
  package var description: String {
    let from = Double(invoked) / 1e9
    let to = Double(completed) / 1e9
    var text = "\(from)…\(to) client \(client) \(action.rawValue) \(pool)"
    if !user.isEmpty { text += " user=\(user)" }
    if principal != "local" { text += " principal=\(principal)" }
    if let key { text += " key=\"\(key)\"" }
    if let subject { text += " of \(subject)" }
    if action == .claim { text += " (\(fingerprint))" }
    if action == .put { text += " \(lines.count) lines" }
    text += " -> \(outcome.rawValue)"
    if status != 0 { text += " \(status)" }
    for claim in claims.prefix(3) {
      let items = claim.items.map { "\($0.id)=\($0.payload)" }.joined(separator: ", ")
      text += " claim \(claim.id) \(claim.state) of \(claim.user) [\(items)]"
    }
    if claims.isEmpty { text += " " + body.prefix(200) }
    return text
  }
}
