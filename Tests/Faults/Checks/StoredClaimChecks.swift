/// I3 and I4 by what the store holds at the end: every answered claim with its items, and no claim
/// that nobody asked for.
struct StoredClaimChecks {
  let known: KnownClaims
  private let claims: [StoredRows.Claim]
  private let claimByID: [String: StoredRows.Claim]
  private let items: [StoredRows.Item]
  /// Items that are handed out, by their claims.
  private let handedOut: [String: [StoredRows.Item]]

  init(known: KnownClaims, store: StoredRows) {
    self.known = known
    claims = store.claims
    claimByID = Dictionary(store.claims.map { ($0.id, $0) }) { first, _ in first }
    items = store.items.filter { $0.state == "claimed" || $0.state == "held" }
    handedOut = Dictionary(grouping: items) { $0.claim ?? "" }
  }

  func violations() -> [Violation] {
    known.sightings.keys.flatMap(kept) + askedFor() + claims.flatMap(counted) + ownerless()
  }

  /// I3: what was answered is there, as it was answered.
  private func kept(_ id: String) -> [Violation] {
    let sightings = known.sightings[id] ?? []
    guard let shown = known.granted(id) ?? sightings.first else { return [] }
    guard let row = claimByID[id] else {
      return [Violation(.i3, .lost, "claim \(id) is not in the store", [shown.operation])]
    }
    let isRequest = shown.operation.action == .claim
    let isOwners =
      row.user == shown.claim.user && row.pool == shown.claim.pool
      && (!isRequest || Owner(row) == Owner(shown.operation))
    guard isOwners else {
      return [
        Violation(.i3, .doubled, "claim \(id) is \(row.user)'s in the store", [shown.operation])
      ]
    }
    if let later = sightings.first(where: { !Progress.allows($0.claim.state, row.state) }) {
      return [
        Violation(
          .i3, .lost, "claim \(id) was \(later.claim.state) and is \(row.state) in the store",
          [later.operation])
      ]
    }
    guard let handed = sightings.first(where: \.hasItems),
      row.state == "claimed" || row.state == "held"
    else { return [] }
    let stored = Set(
      (handedOut[id] ?? []).map { Operation.Item(id: $0.id, key: $0.key, payload: $0.payload) })
    let missing = handed.claim.items.filter { !stored.contains($0) }
    guard !missing.isEmpty else { return [] }
    return [
      Violation(
        .i3, .lost,
        "claim \(id) has not \(missing.map(\.id)) in the store, but \(stored.map(\.id))",
        [handed.operation])
    ]
  }

  /// I4: each claim is one that somebody asked for; a key has one.
  private func askedFor() -> [Violation] {
    var found: [Violation] = []
    for (owner, rows) in Dictionary(grouping: claims, by: { Owner($0) }) {
      let requests = (known.requests[owner] ?? []).filter { $0.outcome != .fail }
      let answered = Set(requests.flatMap(\.claims).map(\.id))
      // One that was answered to another owner is judged as such.
      let others = rows.filter { !answered.contains($0.id) && known.granted($0.id) == nil }
      guard !others.isEmpty else { continue }
      let open = requests.filter { $0.outcome == .info }
      // With a key: none beside an answered one, and one from however many open requests.
      let possible = owner.key == nil ? open.count : answered.isEmpty ? min(open.count, 1) : 0
      if others.count > possible {
        found.append(
          Violation(
            .i4, possible == 0 && answered.isEmpty ? .phantom : .doubled,
            "claims of \(owner.user) with key \(owner.key ?? "none") that nobody asked for: "
              + others.map(\.id).joined(separator: ", "), known.requests[owner] ?? []))
      } else if let odd = others.first(where: { row in
        row.state != "recalled" && row.state != "forgotten"
          && !open.contains { $0.count == row.count }
      }) {
        found.append(
          Violation(.i4, .other, "claim \(odd.id) is for \(odd.count) items, unasked", open))
      }
    }
    return found
  }

  /// I4: a claim has as many items as it says.
  private func counted(_ row: StoredRows.Claim) -> [Violation] {
    guard row.state == "claimed" || row.state == "held" else { return [] }
    let count = handedOut[row.id]?.count ?? 0
    guard count != row.count, known.sightings[row.id] == nil else { return [] }
    return [
      Violation(
        .i4, count < row.count ? .lost : .phantom,
        "claim \(row.id) of \(row.user) has \(count) of \(row.count) items")
    ]
  }

  /// I4: what is handed out is somebody's.
  private func ownerless() -> [Violation] {
    items.compactMap { item in
      let row = item.claim.flatMap { claimByID[$0] }
      guard row == nil || row!.state != item.state else { return nil }
      // An answered claim that is not there was reported as such.
      if row == nil, let claim = item.claim, known.sightings[claim] != nil { return nil }
      return Violation(
        .i4, .phantom,
        "item \(item.id) is \(item.state) by claim \(item.claim ?? "none"), which is "
          + (row?.state ?? "not there"))
    }
  }
}
