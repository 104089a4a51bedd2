/// I1 to I4, as far as answers alone show them.
struct ClaimChecks {
  let known: KnownClaims
  let restocking: Set<String>
  /// Claims whose holds lapsed by the clock, as the store has it in the end.
  var lapsed: Set<String> = []

  func violations() -> [Violation] {
    itemsOfTwo() + known.requests.flatMap { sameAnswer($0.key, $0.value) }
      + known.sightings.flatMap { sameClaim($0.key, $0.value) } + unseen() + unasked()
  }

  /// I1: an item is one claim's, and a claim one owner's.
  private func itemsOfTwo() -> [Violation] {
    var found: [Violation] = []
    var claimOf: [String: Sighting] = [:]
    for (_, sightings) in known.sightings {
      let grants = sightings.filter { $0.operation.action == .claim }
      if let first = grants.first,
        let other = grants.first(where: { Owner($0.operation) != Owner(first.operation) })
      {
        found.append(
          Violation(
            .i1, .doubled, "claim \(first.claim.id) was given to two",
            [first.operation, other.operation]))
      }
      for sighting in sightings {
        if Set(sighting.claim.items.map(\.id)).count < sighting.claim.items.count {
          found.append(
            Violation(.i1, .doubled, "a claim has an item twice", [sighting.operation]))
          break
        }
      }
      guard let shown = sightings.first(where: { !$0.claim.items.isEmpty }) else { continue }
      for item in shown.claim.items {
        guard let other = claimOf.updateValue(shown, forKey: item.id),
          !wasRestocked(other, shown)
        else { continue }
        found.append(
          Violation(
            .i1, .doubled, "item \(item.id) belongs to two claims",
            [other.operation, shown.operation]))
      }
    }
    return found
  }

  /// Whether one of two claims had let its items go before the other was answered.
  private func wasRestocked(_ one: Sighting, _ other: Sighting) -> Bool {
    guard restocking.contains(one.claim.pool) else { return false }
    return [(one, other), (other, one)].contains { former, latter in
      let id = former.claim.id
      let granted = known.granted(latter.claim.id)?.operation.completed ?? .max
      if let released = known.releases[id] { return released < granted }
      if lapsed.contains(id) { return true }
      return (known.sightings[id] ?? []).contains { $0.claim.state == "lapsed" }
    }
  }

  /// I2: the same key always gives the same claim, and another body never gives one. I4: a request
  /// of which nobody knew comes to one claim at most, with as many items as it asked for.
  private func sameAnswer(_ owner: Owner, _ requests: [Operation]) -> [Violation] {
    var found: [Violation] = []
    for request in requests {
      guard request.outcome == .ok, let claim = request.claims.first else { continue }
      let isHanded = claim.state == "claimed" || claim.state == "held"
      if isHanded, claim.items.count != request.count {
        found.append(
          Violation(
            .i4, claim.items.count < request.count ? .lost : .phantom,
            "\(request.count) items were asked for, and \(claim.items.count) came", [request]))
      }
    }
    guard owner.key != nil else { return found }
    // Claims by their first answers: the key is bound from then on.
    guard
      let first = requests.filter({ $0.outcome == .ok && !$0.claims.isEmpty })
        .min(by: { $0.completed < $1.completed })
    else { return found + reusedForNothing(requests) }
    for request in requests where request.outcome != .info {
      let isSame = request.fingerprint == first.fingerprint
      if request.outcome == .ok {
        if !isSame {
          found.append(
            Violation(.i2, .doubled, "a key gave something for two bodies", [first, request]))
        } else if let claim = request.claims.first, claim.id != first.claims[0].id {
          found.append(Violation(.i2, .doubled, "a key has two claims", [first, request]))
        }
      } else if request.invoked > first.completed, isSame || request.status != 422 {
        found.append(
          Violation(.i2, .lost, "a key's claim is not known any more", [first, request]))
      } else if isSame, request.status == 422, !anotherBody(requests, than: request) {
        found.append(Violation(.i2, .other, "a key is bound to no body of ours", [first, request]))
      }
    }
    return found
  }

  /// I2: a key is refused for another body only if another body came with it.
  private func reusedForNothing(_ requests: [Operation]) -> [Violation] {
    requests.filter { $0.status == 422 && !anotherBody(requests, than: $0) }.map {
      Violation(.i2, .phantom, "a key is bound to a body that nobody sent", [$0])
    }
  }

  private func anotherBody(_ requests: [Operation], than request: Operation) -> Bool {
    requests.contains {
      $0.fingerprint != request.fingerprint && $0.outcome != .fail
        && $0.invoked < request.completed
    }
  }

  /// I2 and I3: a claim's owner and items stay as they were first seen, and its state goes on.
  private func sameClaim(_ id: String, _ sightings: [Sighting]) -> [Violation] {
    let first =
      sightings.first { $0.hasItems && $0.operation.action == .claim }
      ?? sightings.first { $0.hasItems } ?? sightings[0]
    var found: [Violation] = []
    for sighting in sightings {
      let isRequest = sighting.operation.action == .claim
      if !isRequest,
        sighting.claim.user != first.claim.user || sighting.claim.pool != first.claim.pool
      {
        found.append(
          Violation(
            .i3, .doubled, "claim \(id) changed its owner",
            [first.operation, sighting.operation]))
        break
      }
      if let kind = difference(first, sighting) {
        found.append(
          Violation(
            isRequest ? .i2 : .i3, kind, "claim \(id) shows other items",
            [first.operation, sighting.operation]))
        break
      }
    }
    return found + goingBack(id, sightings)
  }

  private func difference(_ first: Sighting, _ later: Sighting) -> Violation.Kind? {
    let expected = first.claim.items
    let items = later.claim.items
    if !later.hasItems { return items.isEmpty ? nil : .phantom }
    guard first.hasItems, items != expected else { return nil }
    let ids = Set(expected.map(\.id))
    if Set(items.map(\.id)) == ids { return .other }
    return ids.isSuperset(of: items.map(\.id)) ? .lost : .doubled
  }

  /// I3: whatever was answered before a request began has happened for it.
  private func goingBack(_ id: String, _ sightings: [Sighting]) -> [Violation] {
    let answered = sightings.sorted { $0.operation.completed < $1.operation.completed }
    var next = 0
    var furthest: Sighting?
    for sighting in sightings {
      while next < answered.count,
        answered[next].operation.completed < sighting.operation.invoked
      {
        let candidate = answered[next]
        if furthest.map({ Progress.isLater(candidate.claim.state, than: $0.claim.state) }) ?? true {
          furthest = candidate
        }
        next += 1
      }
      if let furthest, !Progress.allows(furthest.claim.state, sighting.claim.state) {
        return [
          Violation(
            .i3, .lost, "claim \(id) was \(furthest.claim.state) and is \(sighting.claim.state)",
            [furthest.operation, sighting.operation])
        ]
      }
    }
    return []
  }

  /// I3: reads and lists that began after a claim was answered have it.
  private func unseen() -> [Violation] {
    var found: [Violation] = []
    var claimsOf: [String: [Sighting]] = [:]
    for id in known.sightings.keys {
      guard let granted = known.granted(id) else { continue }
      claimsOf[granted.operation.user, default: []].append(granted)
      let reads = known.reads[id] ?? []
      if let lost = reads.first(where: {
        $0.invoked > granted.operation.completed && $0.status == 404
      }) {
        found.append(
          Violation(.i3, .lost, "claim \(id) is not there any more", [granted.operation, lost]))
      }
    }
    for (user, lists) in known.lists {
      for granted in claimsOf[user] ?? [] where granted.claim.state != "forgotten" {
        guard
          let list = lists.first(where: { list in
            list.invoked > granted.operation.completed
              && !list.claims.contains { $0.id == granted.claim.id }
          })
        else { continue }
        found.append(
          Violation(
            .i3, .lost, "claim \(granted.claim.id) is not in its user's list",
            [granted.operation, list]))
      }
    }
    return found
  }

  /// I4: claims that were read but never answered come from requests of which nobody knew.
  private func unasked() -> [Violation] {
    struct Asker: Hashable {
      let pool: String
      let user: String
    }
    var unknown: [Asker: [Sighting]] = [:]
    for sightings in known.sightings.values {
      guard !sightings.contains(where: { $0.operation.action == .claim }) else { continue }
      let claim = sightings[0].claim
      unknown[Asker(pool: claim.pool, user: claim.user), default: []].append(sightings[0])
    }
    guard !unknown.isEmpty else { return [] }
    // A key makes one claim, and a request without a key one.
    var possible: [Asker: Int] = [:]
    for (owner, requests) in known.requests {
      let asker = Asker(pool: owner.pool, user: owner.user)
      guard unknown[asker] != nil else { continue }
      let open = requests.count { $0.outcome == .info }
      let isAnswered = requests.contains { $0.outcome == .ok }
      possible[asker, default: 0] += owner.key == nil ? open : open > 0 && !isAnswered ? 1 : 0
    }
    return unknown.filter { $0.value.count > possible[$0.key] ?? 0 }.map { asker, sightings in
      Violation(
        .i4, .phantom, "a claim of \(asker.user) that nobody asked for",
        sightings.map(\.operation))
    }
  }
}
