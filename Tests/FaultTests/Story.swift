import Faults

/// A small history that is clean, made by hand, and the store and ledger that go with it. Each test
/// of the checker breaks one thing of it.
///
/// Run r has two slices of two items; u has a1 by key k, v has a2 without a key, w was answered
/// nothing and has a3. `codes` has two items that were put. a4 is on the shelf.
enum Story {
  static func item(_ number: Int) -> Operation.Item {
    Operation.Item(id: "a\(number)", key: "k\(number)", payload: #"{"n":\#(number)}"#)
  }

  static func claim(
    _ id: String, _ user: String, _ numbers: Int..., state: String = "claimed"
  ) -> Operation.Claim {
    Operation.Claim(id: id, pool: "tickets", user: user, state: state, items: numbers.map(item))
  }

  /// A request for a claim that takes 5 units of time.
  static func request(
    _ at: Int64, _ user: String, key: String? = "k", body: String = "1", count: Int = 1,
    principal: String = "local", _ outcome: Operation.Outcome = .ok, status: Int = 201,
    _ claim: Operation.Claim? = nil
  ) -> Operation {
    Operation(
      .claim, invoked: at, completed: at + 5, principal: principal, pool: "tickets", user: user,
      key: key, fingerprint: body, count: count, outcome: outcome, status: status,
      claims: claim.map { [$0] } ?? [])
  }

  static func read(
    _ at: Int64, _ id: String, _ claim: Operation.Claim?, action: Operation.Action = .read
  ) -> Operation {
    Operation(
      action, invoked: at, completed: at + 5, subject: id, outcome: claim == nil ? .fail : .ok,
      status: claim == nil ? 404 : 200, claims: claim.map { [$0] } ?? [])
  }

  static func list(_ at: Int64, _ user: String, _ claims: Operation.Claim...) -> Operation {
    Operation(
      .list, invoked: at, completed: at + 5, user: user, status: 200, claims: claims)
  }

  static func level(_ at: Int64, _ counts: [String: Int]) -> Operation {
    Operation(
      .level, invoked: at, completed: at + 5, pool: "tickets", status: 200, counts: counts)
  }

  static func put(_ at: Int64, _ outcome: Operation.Outcome, _ numbers: Int...) -> Operation {
    Operation(
      .put, invoked: at, completed: at + 5, pool: "codes", outcome: outcome,
      status: outcome == .ok ? 200 : 0, lines: numbers.map(line),
      counts: outcome == .ok ? ["stored": numbers.count, "duplicates": 0, "overfill": 0] : [:])
  }

  static func line(_ number: Int) -> Ledger.Line {
    Ledger.Line(key: item(number).key, payload: item(number).payload)
  }

  static func entry(
    slice: Int, _ numbers: Int..., cursor: String, next: String, attempt: String = "1",
    done: Bool = true
  ) -> Ledger.Entry {
    Ledger.Entry(
      pool: "tickets", run: "r", slice: slice, count: 2, cursor: cursor, attempt: attempt,
      lines: numbers.map(line), next: next, isDone: done)
  }

  static func row(
    _ number: Int, _ state: String, slice: Int? = nil, line: Int? = nil, claim: String? = nil
  ) -> StoredRows.Item {
    StoredRows.Item(
      id: item(number).id, pool: slice == nil ? "codes" : "tickets", state: state,
      key: item(number).key, payload: item(number).payload, run: slice.map { _ in "r" },
      slice: slice, line: line, claim: claim)
  }

  static let operations = [
    request(10, "u", .ok, claim("c1", "u", 1)),
    request(20, "u", .ok, status: 200, claim("c1", "u", 1)),
    request(30, "u", body: "2", .fail, status: 422),
    request(31, "v", key: nil, .ok, claim("c2", "v", 2, state: "held")),
    read(40, "c2", claim("c2", "v", 2), action: .confirm),
    read(50, "c1", claim("c1", "u", 1)),
    list(51, "u", claim("c1", "u", 1)),
    request(52, "w", .info, status: 0),
    request(60, "x", .fail, status: 409),
    put(62, .ok, 11), put(70, .info, 12),
    level(80, ["available": 1, "claimed": 2, "produced": 3]),
    level(90, ["available": 1, "claimed": 3, "produced": 4]),
  ]

  static let ledger = Ledger([
    entry(slice: 1, 1, 2, cursor: "", next: "p2"),
    entry(slice: 2, 3, 9, cursor: "p2", next: "p3", attempt: "1", done: false),
    entry(slice: 2, 3, 4, cursor: "p2", next: "p3", attempt: "2"),
  ])

  static let store = StoredRows(
    items: [
      row(1, "claimed", slice: 1, line: 1, claim: "c1"),
      row(2, "claimed", slice: 1, line: 2, claim: "c2"),
      row(3, "claimed", slice: 2, line: 1, claim: "c3"),
      row(4, "available", slice: 2, line: 2),
      row(11, "available"), row(12, "available"),
    ],
    claims: [
      StoredRows.Claim(id: "c1", pool: "tickets", user: "u", key: "k"),
      StoredRows.Claim(id: "c2", pool: "tickets", user: "v"),
      StoredRows.Claim(id: "c3", pool: "tickets", user: "w", key: "k"),
    ],
    runs: [
      StoredRows.Run(
        id: "r", pool: "tickets", state: "succeeded", schedule: "s", nominalAt: 1000, stored: 4,
        endedAt: 3000)
    ],
    slices: [
      StoredRows.Slice(run: "r", slice: 1, state: "committed", asked: 2, stored: 2, endedAt: 2000),
      StoredRows.Slice(run: "r", slice: 2, state: "committed", asked: 2, stored: 2, endedAt: 3000),
    ],
    stock: ["tickets": ["available": 1, "claimed": 3], "codes": ["available": 2]])

  static let evidence = Evidence(
    history: History(operations), ledger: ledger, store: store,
    levels: ["tickets": ["available": 1, "claimed": 3, "produced": 4]])

  /// The story with more requests, judged by answers alone.
  static func answers(_ more: Operation...) -> Evidence {
    Evidence(history: History(operations + more))
  }

  /// The whole story with a change. Levels are judged only where they are what changed.
  static func changed(_ change: (inout Evidence, inout StoredRows) -> Void) -> Evidence {
    var evidence = evidence
    var store = store
    change(&evidence, &store)
    if store.stock != Self.store.stock { evidence.levels = [:] }
    evidence.store = store
    return evidence
  }
}

/// A clean history of as many claims as wanted, each read once.
enum LongStory {
  static func evidence(claims: Int) -> Evidence {
    let items = (0..<claims).map {
      Operation.Item(id: "item-\($0)", key: "key-\($0)", payload: #"{"code":"\#($0)"}"#)
    }
    let seen = items.enumerated().map { number, item in
      Operation.Claim(
        id: "claim-\(number)", pool: "codes", user: "user-\(number)", state: "claimed",
        items: [item])
    }
    var operations = [
      Operation(
        .put, invoked: 0, completed: 1, pool: "codes",
        lines: items.map { Ledger.Line(key: $0.key, payload: $0.payload) },
        counts: ["stored": claims])
    ]
    for (number, claim) in seen.enumerated() {
      let at = Int64(number) * 10 + 10
      operations.append(
        Operation(
          .claim, invoked: at, completed: at + 5, pool: "codes", user: claim.user, key: "k",
          fingerprint: "1", status: 201, claims: [claim]))
      operations.append(
        Operation(
          .read, invoked: at + 6, completed: at + 20, subject: claim.id, status: 200,
          claims: [claim]))
    }
    let store = StoredRows(
      items: seen.map {
        StoredRows.Item(
          id: $0.items[0].id, pool: "codes", state: "claimed", key: $0.items[0].key,
          payload: $0.items[0].payload, claim: $0.id)
      },
      claims: seen.map { StoredRows.Claim(id: $0.id, pool: "codes", user: $0.user, key: "k") },
      stock: ["codes": ["claimed": claims]])
    return Evidence(history: History(operations), store: store)
  }
}
