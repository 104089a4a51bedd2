/// What a store holds when no server has it open.
package struct StoredRows: Sendable {
  package struct Item: Sendable {
    package var id: String
    package var pool: String
    package var state: String
    package var key: String?
    package var payload: String
    package var run: String?
    package var slice: Int?
    package var line: Int?
    package var claim: String?

    package init(
      id: String, pool: String, state: String, key: String? = nil, payload: String,
      run: String? = nil, slice: Int? = nil, line: Int? = nil, claim: String? = nil
    ) {
      self.id = id
      self.pool = pool
      self.state = state
      self.key = key
      self.payload = payload
      self.run = run
      self.slice = slice
      self.line = line
      self.claim = claim
    }
  }

  package struct Claim: Sendable {
    package var id: String
    package var pool: String
    package var principal: String
    package var user: String
    package var key: String?
    package var state: String
    package var count: Int

    package init(
      id: String, pool: String, principal: String = "local", user: String, key: String? = nil,
      state: String = "claimed", count: Int = 1
    ) {
      self.id = id
      self.pool = pool
      self.principal = principal
      self.user = user
      self.key = key
      self.state = state
      self.count = count
    }
  }

  package struct Run: Sendable {
    package var id: String
    package var pool: String
    package var state: String
    package var schedule: String?
    /// Milliseconds since the epoch, as `endedAt`.
    package var nominalAt: Int64?
    package var stored: Int
    package var endedAt: Int64?

    package init(
      id: String, pool: String, state: String, schedule: String? = nil, nominalAt: Int64? = nil,
      stored: Int = 0, endedAt: Int64? = nil
    ) {
      self.id = id
      self.pool = pool
      self.state = state
      self.schedule = schedule
      self.nominalAt = nominalAt
      self.stored = stored
      self.endedAt = endedAt
    }
  }

  package struct Slice: Sendable {
    package var run: String
    package var slice: Int
    package var state: String
    package var asked: Int
    package var stored: Int
    package var duplicates: Int
    package var overfill: Int
    package var endedAt: Int64?

    package init(
      run: String, slice: Int, state: String, asked: Int, stored: Int = 0, duplicates: Int = 0,
      overfill: Int = 0, endedAt: Int64? = nil
    ) {
      self.run = run
      self.slice = slice
      self.state = state
      self.asked = asked
      self.stored = stored
      self.duplicates = duplicates
      self.overfill = overfill
      self.endedAt = endedAt
    }
  }

  package var items: [Item]
  package var claims: [Claim]
  package var runs: [Run]
  package var slices: [Slice]
  /// The table `stock`: counts by pool and state.
  package var stock: [String: [String: Int]]
  /// What SQLite's integrity check complains of.
  package var damage: [String]

  package init(
    items: [Item] = [], claims: [Claim] = [], runs: [Run] = [], slices: [Slice] = [],
    stock: [String: [String: Int]] = [:], damage: [String] = []
  ) {
    self.items = items
    self.claims = claims
    self.runs = runs
    self.slices = slices
    self.stock = stock
    self.damage = damage
  }

  /// The states of an item.
  package static let states = [
    "available", "held", "claimed", "expired", "recalled", "quarantined", "replaced",
  ]
}
