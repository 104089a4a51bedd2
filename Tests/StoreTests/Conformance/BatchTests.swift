import Larder
import Testing

@Suite struct BatchTests {
  @Test(arguments: StoreKind.all)
  func requestsOfABatchAreDecidedInTheirOrder(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", "claims: {per_user: 2}")
    try fixture.put(items(0..<2))
    let outcomes = try fixture.store.claim(
      [
        ClaimRequest(pool: "p", user: "u", key: "k"),
        ClaimRequest(pool: "nowhere", user: "u", key: "k"),
        ClaimRequest(pool: "p", user: "u", key: "k"),
        ClaimRequest(pool: "p", user: "u", key: "k", count: 2),
        ClaimRequest(pool: "p", user: "v", key: "k", count: 2),
        ClaimRequest(pool: "p", user: "u", key: "k2", count: 2),
        ClaimRequest(pool: "p", user: "v", key: "k"),
        ClaimRequest(pool: "p", user: "w", key: "k"),
      ], at: start)
    let first = try #require(outcomes[0].granted)
    #expect(first.items.map(\.payload) == ["0"])
    #expect(outcomes[1] == .unknownPool)
    #expect(outcomes[2] == .repeated(first))
    #expect(outcomes[3] == .keyReused)
    #expect(outcomes[4] == .outOfStock)
    #expect(outcomes[5] == .userLimit(2))
    #expect(outcomes[6].payloads == ["1"])
    #expect(outcomes[7] == .outOfStock)
    #expect(outcomes.count == 8)
    #expect(try fixture.store.claim([], at: start).isEmpty)
  }

  @Test(arguments: StoreKind.all)
  func aFullBatchGivesEachItemOnce(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p")
    try fixture.put(items(0..<1000))
    let requests = (0..<Limits.claimBatch).map { ClaimRequest(pool: "p", user: "u\($0)") }
    let outcomes = try fixture.store.claim(requests, at: start)
    #expect(outcomes.count == Limits.claimBatch)
    #expect(outcomes.compactMap(\.payloads) == (0..<1000).map { ["\($0)"] })
    #expect(outcomes.suffix(24).allSatisfy { $0 == .outOfStock })
    #expect(try fixture.status().stock.claimed == 1000)
    try fixture.crash()
    let again = try fixture.store.claim(requests, at: start)
    #expect(again.compactMap(\.repeated) == outcomes.compactMap(\.granted))
  }

  @Test(arguments: StoreKind.all)
  func whoComesBehindACancelledClaimInTheSameBatchIsServed(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", living("backorder=60", claims: "per_user: 0"))
    try fixture.put(items(0..<1))
    func request(_ user: String, count: Int = 1, onMiss: ClaimPolicy.OnMiss = .reject) -> ClaimOrder
    {
      .request(ClaimRequest(pool: "p", user: user, count: count, onMiss: onMiss))
    }
    let first = try fixture.store.decide([request("a", count: 2, onMiss: .backorder)], at: start)
    let waiting = try #require(first[0].accepted)
    let outcomes = try fixture.store.decide(
      [
        request("b"), request("c", onMiss: .backorder), request("a"),
        .change(waiting.id, .cancel), request("d"),
      ], at: start)
    #expect(outcomes[0] == .outOfStock)
    let behind = try #require(outcomes[1].accepted)
    #expect(outcomes[2] == .outOfStock)
    // The item is that of who waited behind it.
    #expect(outcomes[4] == .outOfStock)
    #expect(try fixture.reader.claim(behind.id, at: start)?.items.map(\.payload) == ["0"])
    try fixture.put(items(1..<2))
    #expect(try fixture.store.decide([request("d")], at: start)[0].payloads == ["1"])
  }

  /// Whatever a batch mixes, each order finds what it would find alone, after those before it.
  @Test(arguments: StoreKind.all)
  func aBatchDecidesAsItsOrdersWouldOneByOne(_ kind: StoreKind) throws {
    for seed in 0..<40 as Range<UInt64> {
      var random = SeededGenerator(seed: seed)
      let (whole, single) = (try kind.open(), try kind.open())
      for fixture in [whole, single] {
        try fixture.adopt("p", living("hold=60 restock backorder=60"))
        try fixture.adopt("q", "claims: {per_user: 1}")
      }
      /// Of each store, by the order in which they were granted.
      var held: [(whole: Claim, single: Claim)] = []
      for round in 0..<6 {
        let some = stock(&random, round)
        for fixture in [whole, single] {
          try fixture.put(some)
          try fixture.put(items(round * 10..<round * 10 + 8), in: "q")
        }
        let orders = (0..<30).map { number in order(&random, "\(round)-\(number)", held.count) }
        let together = try whole.store.decide(
          orders.map { $0.order(held.map(\.whole)) }, at: start)
        for (order, outcome) in zip(orders, together) {
          let alone = try single.store.decide([order.order(held.map(\.single))], at: start)[0]
          #expect(outcome.told == alone.told, "seed \(seed), \(order)")
          if case (.granted(let one), .granted(let other)) = (outcome, alone),
            one.state == .held
          {
            held.append((one, other))
          }
        }
        #expect(together.count == orders.count)
        // What was held in this batch is released by a later one.
        let counts = try (whole.countedItems("p"), single.countedItems("p"))
        #expect(counts.0 == counts.1, "seed \(seed)")
      }
    }
  }

  private enum Order {
    case request(ClaimRequest)
    /// A release of one of the claims that earlier batches held.
    case release(Int)

    func order(_ held: [Claim]) -> ClaimOrder {
      switch self {
      case .request(let request): .request(request)
      case .release(let index): .change(held[index].id, .release)
      }
    }
  }

  private func stock(_ random: inout SeededGenerator, _ round: Int) -> [NewItem] {
    (0..<Int.random(in: 0...25, using: &random)).map { number in
      var item = NewItem(payload: "\(round * 100 + number)")
      if Bool.random(using: &random) {
        item.attributes = #"{"zone":"\#(["A", "B"].randomElement(using: &random)!)"}"#
      }
      if number % 3 == 0 {
        item.expiresAt = start + .seconds(Int64.random(in: 60...7200, using: &random))
      }
      if number % 7 == 6, round % 2 == 0 { item.user = "owner-\(number % 2)" }
      return item
    }
  }

  private func order(_ random: inout SeededGenerator, _ name: String, _ held: Int) -> Order {
    let user = "u-\(name)"
    switch Int.random(in: 0..<12, using: &random) {
    case 0:
      return .request(ClaimRequest(pool: "p", user: user, match: Match(["zone": .text("A")])))
    case 1: return .request(ClaimRequest(pool: "p", user: user, minRemaining: .seconds(3600)))
    case 2:
      return .request(
        ClaimRequest(pool: "p", user: "owner-\(Int.random(in: 0...1, using: &random))"))
    case 3: return .request(ClaimRequest(pool: "p", user: user, hold: .seconds(60)))
    case 4 where held > 0: return .release(Int.random(in: 0..<held, using: &random))
    case 5: return .request(ClaimRequest(pool: "p", user: user, count: 3, onMiss: .reject))
    case 6:
      return .request(ClaimRequest(pool: "q", user: "v-\(Int.random(in: 0...9, using: &random))"))
    default: return .request(ClaimRequest(pool: "p", user: user, onMiss: .reject))
    }
  }
}

extension ClaimOutcome {
  /// What differs between two stores that did the same is left out: ids.
  fileprivate var told: String {
    switch self {
    case .granted(let claim): "granted \(claim.state) \(claim.items.map(\.payload))"
    case .accepted(let claim): "accepted \(claim.position ?? 0)"
    case .repeated(let claim): "repeated \(claim.state) \(claim.items.map(\.payload))"
    case .changed(let claim): "changed \(claim.state)"
    default: "\(self)"
    }
  }
}
