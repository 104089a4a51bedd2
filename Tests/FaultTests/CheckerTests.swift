import Faults
import Testing

/// The checker finds each known violation and no other.
struct CheckerTests {
  private func expect(
    _ evidence: Evidence, _ rule: Violation.Rule, _ kind: Violation.Kind, _ words: String,
    _ location: SourceLocation = #_sourceLocation
  ) {
    let found = Checker.violations(in: evidence)
    #expect(!found.isEmpty, "nothing was found", sourceLocation: location)
    for violation in found {
      #expect(violation.rule == rule, "\(violation)", sourceLocation: location)
      #expect(violation.kind == kind, "\(violation)", sourceLocation: location)
    }
    #expect(
      found.contains { $0.text.contains(words) }, "\(found)", sourceLocation: location)
  }

  private func expectNone(
    _ evidence: Evidence, _ location: SourceLocation = #_sourceLocation
  ) {
    let found = Checker.violations(in: evidence)
    #expect(found.isEmpty, "\(found)", sourceLocation: location)
  }

  @Test func aCleanStoryIsClean() {
    expectNone(Story.evidence)
    expectNone(Evidence(history: History(Story.operations)))
    expectNone(Evidence(history: History()))
  }

  @Test func whatMayHappenIsNoViolation() {
    // A request of which nobody knew, answered the second time; a claim that only a list shows.
    expectNone(
      Story.answers(
        Story.request(200, "w", .ok, status: 200, Story.claim("c3", "w", 3)),
        Story.read(210, "c3", Story.claim("c3", "w", 3))))
    expectNone(Story.answers(Story.list(200, "w", Story.claim("c3", "w", 3))))
    // A miss, then a grant by the same key; a miss of a request that came while another was under
    // way and got the item.
    expectNone(Story.answers(Story.request(200, "x", .ok, Story.claim("c4", "x", 4))))
    expectNone(
      Story.answers(
        Story.request(200, "y", .ok, Story.claim("c4", "y", 4)),
        Story.request(201, "y", .fail, status: 409)))
    // A backorder that was filled; a hold that was released, and its key afterwards.
    expectNone(
      Story.answers(
        Story.request(200, "y", .ok, status: 202, Story.claim("c4", "y", state: "pending")),
        Story.read(210, "c4", Story.claim("c4", "y", 4)),
        Story.request(220, "z", .ok, Story.claim("c5", "z", 5, state: "held")),
        Story.read(230, "c5", Story.claim("c5", "z", state: "released"), action: .release),
        Story.request(240, "z", .ok, status: 200, Story.claim("c5", "z", state: "released"))))
    // A read that began before the claim was answered.
    expectNone(
      Story.answers(
        Story.request(200, "y", .ok, Story.claim("c4", "y", 4)), Story.read(203, "c4", nil),
        Story.list(204, "y")))
    // Nobody knows of a request that was not answered: neither the claim nor the items.
    expectNone(
      Story.changed { _, store in
        store.claims.remove(at: 2)
        store.items[2].state = "available"
        store.items[2].claim = nil
        store.stock["tickets"] = ["available": 2, "claimed": 2]
      })
  }

  @Test func anItemOfTwoClaims() {
    expect(
      Story.answers(Story.request(200, "x", .ok, Story.claim("c9", "x", 1))), .i1, .doubled,
      "item a1 belongs to two claims")
    expect(
      Story.answers(Story.request(200, "v", key: nil, .ok, Story.claim("c9", "v", 2))), .i1,
      .doubled, "item a2 belongs to two claims")
    // Another principal gets what the key of this one has.
    expect(
      Story.answers(
        Story.request(200, "u", principal: "other", .ok, status: 200, Story.claim("c1", "u", 1))),
      .i1, .doubled, "claim c1 was given to two")
    expect(
      Story.answers(Story.request(200, "x", count: 2, .ok, Story.claim("c9", "x", 5, 5))), .i1,
      .doubled, "an item twice")
    // Released, but not put back on the shelf here.
    expect(
      Story.answers(
        Story.request(200, "z", .ok, Story.claim("c5", "z", 5, state: "held")),
        Story.read(210, "c5", Story.claim("c5", "z", state: "released"), action: .release),
        Story.request(220, "x", .ok, Story.claim("c6", "x", 5))), .i1, .doubled, "item a5")
  }

  @Test func aRestockedItemMayGoToAnother() {
    var evidence = Story.answers(
      Story.request(200, "z", .ok, Story.claim("c5", "z", 5, state: "held")),
      Story.read(210, "c5", Story.claim("c5", "z", state: "released"), action: .release),
      Story.request(220, "x", .ok, Story.claim("c6", "x", 5)))
    evidence.restocking = ["tickets"]
    expectNone(evidence)
    // The release was not answered, and took place.
    evidence = Story.answers(
      Story.request(200, "z", .ok, Story.claim("c5", "z", 5, state: "held")),
      Operation(.release, invoked: 210, completed: 215, subject: "c5", outcome: .info),
      Story.request(220, "x", .ok, Story.claim("c6", "x", 5)))
    evidence.restocking = ["tickets"]
    expectNone(evidence)
    evidence.history.operations[14].outcome = .fail
    expect(evidence, .i1, .doubled, "item a5")
    // Answered before anybody let it go.
    evidence = Story.answers(
      Story.request(200, "z", .ok, Story.claim("c5", "z", 5, state: "held")),
      Story.request(206, "x", .ok, Story.claim("c6", "x", 5)),
      Story.read(220, "c5", Story.claim("c5", "z", state: "released"), action: .release))
    evidence.restocking = ["tickets"]
    expect(evidence, .i1, .doubled, "item a5")
  }

  @Test func aKeyWithAnotherAnswer() {
    expect(
      Story.answers(Story.request(200, "u", .ok, Story.claim("c9", "u", 4))), .i2, .doubled,
      "a key has two claims")
    expect(
      Story.answers(Story.request(200, "u", .ok, status: 200, Story.claim("c1", "u", 4))), .i2,
      .doubled, "shows other items")
    var changed = Story.claim("c1", "u", 1)
    changed.items[0].payload = #"{"n": 1}"#
    expect(
      Story.answers(Story.request(200, "u", .ok, status: 200, changed)), .i2, .other,
      "shows other items")
    expect(
      Story.answers(Story.request(200, "u", body: "2", .ok, Story.claim("c9", "u", 4))), .i2,
      .doubled, "two bodies")
    expect(
      Story.answers(Story.request(200, "u", .fail, status: 409)), .i2, .lost, "not known any more")
    expect(
      Story.answers(Story.request(200, "u", body: "2", .fail, status: 409)), .i2, .lost,
      "not known any more")
    expect(
      Story.answers(Story.request(200, "x", .fail, status: 422)), .i2, .phantom, "nobody sent")
  }

  @Test func anAnsweredClaimThatIsGone() {
    expect(Story.answers(Story.read(200, "c1", nil)), .i3, .lost, "c1 is not there")
    expect(Story.answers(Story.list(200, "u")), .i3, .lost, "c1 is not in its user's list")
    expect(
      Story.answers(Story.read(200, "c1", Story.claim("c1", "other", 1))), .i3, .doubled,
      "changed its owner")
    expect(
      Story.answers(Story.read(200, "c1", Story.claim("c1", "u"))), .i3, .lost, "other items")
    // It was confirmed.
    expect(
      Story.answers(Story.read(200, "c2", Story.claim("c2", "v", 2, state: "held"))), .i3, .lost,
      "c2 was claimed and is held")
    expect(
      Story.changed { _, store in
        store.claims.remove(at: 0)
        store.items[0].state = "available"
        store.items[0].claim = nil
        store.stock["tickets"] = ["available": 2, "claimed": 2]
      }, .i3, .lost, "c1 is not in the store")
    expect(
      Story.changed { _, store in store.claims[0].principal = "other" }, .i3, .doubled,
      "c1 is u's in the store")
  }

  @Test func aClaimThatNobodyAskedFor() {
    expect(
      Story.answers(Story.list(200, "q", Story.claim("c9", "q", 4))), .i4, .phantom,
      "nobody asked for")
    // One request without an answer, and two claims.
    expect(
      Story.answers(
        Story.list(200, "w", Story.claim("c8", "w", 4), Story.claim("c9", "w", 5))), .i4, .phantom,
      "nobody asked for")
    expect(
      Story.answers(Story.request(200, "y", count: 2, .ok, Story.claim("c9", "y", 4))), .i4, .lost,
      "2 items were asked for, and 1 came")
    expect(
      Story.answers(Story.request(200, "y", .ok, Story.claim("c9", "y", 4, 5))), .i4, .phantom,
      "1 items were asked for, and 2 came")
    // Refused, and there nevertheless.
    expect(
      Story.changed { _, store in
        store.claims.append(StoredRows.Claim(id: "c4", pool: "tickets", user: "x", key: "k"))
        store.items[3].state = "claimed"
        store.items[3].claim = "c4"
        store.stock["tickets"] = ["claimed": 4]
      }, .i4, .phantom, "c4")
    // A key with a second claim, and items of no claim.
    expect(
      Story.changed { _, store in
        store.claims.append(StoredRows.Claim(id: "c4", pool: "tickets", user: "u", key: "k"))
        store.items[3].state = "claimed"
        store.items[3].claim = "c4"
        store.stock["tickets"] = ["claimed": 4]
      }, .i4, .doubled, "c4")
    expect(
      Story.changed { _, store in
        store.items[3].state = "claimed"
        store.stock["tickets"] = ["claimed": 4]
      }, .i4, .phantom, "item a4")
    // The unanswered request was for one.
    expect(
      Story.changed { _, store in
        store.claims[2].count = 2
        store.items[3].state = "claimed"
        store.items[3].claim = "c3"
        store.stock["tickets"] = ["claimed": 4]
      }, .i4, .other, "c3 is for 2 items")
    expect(
      Story.changed { _, store in
        store.items[2].state = "available"
        store.items[2].claim = nil
        store.stock["tickets"] = ["available": 2, "claimed": 2]
      }, .i4, .lost, "c3 of w has 0 of 1")
  }

  @Test func itemsThatNobodyPrinted() {
    expect(
      Story.changed { _, store in store.items[3].payload = "{}" }, .i5, .phantom, "not of the try")
    expect(
      Story.changed { _, store in
        store.items.append(store.items[3])
        store.items[6].id = "a6"
        store.items[6].payload = "6"
        store.items[6].line = 3
        store.slices[1].stored = 3
        store.runs[0].stored = 5
        store.stock["tickets"]?["available"] = 2
      }, .i5, .phantom, "accounts for 3")
    // Of two tries.
    expect(
      Story.changed { evidence, store in
        evidence.ledger.entries[1].isDone = true
        store.items[3].payload = Story.item(9).payload
        store.items[3].key = Story.item(9).key
        evidence.ledger.entries[1].lines[0].payload = "7"
      }, .i5, .doubled, "not of the try")
  }

  @Test func aSliceThatIsDoubledOrNotWhole() {
    expect(
      Story.changed { _, store in
        store.items.append(store.items[3])
        store.items[6].id = "a6"
        store.stock["tickets"]?["available"] = 2
      }, .i5, .doubled, "line 2 is stored twice")
    expect(
      Story.changed { _, store in
        store.items.remove(at: 3)
        store.stock["tickets"]?["available"] = 0
      }, .i5, .lost, "stored 2 items, and 1 are there")
    expect(
      Story.changed { _, store in
        store.items.remove(at: 3)
        store.slices[1].stored = 1
        store.runs[0].stored = 3
        store.stock["tickets"]?["available"] = 0
      }, .i5, .lost, "accounts for 1 items, and its producer printed 2")
    expect(
      Story.changed { _, store in store.runs[0].stored = 8 }, .i5, .other, "stored 8")
    expect(
      Story.changed { evidence, _ in evidence.ledger.entries[2].cursor = "p1" }, .i5, .other,
      "asked for differently")
    expect(
      Story.changed { evidence, _ in
        evidence.ledger.entries[1].cursor = "p1"
        evidence.ledger.entries[2].cursor = "p1"
      }, .i5, .other, "a cursor that the one before did not leave")
  }

  @Test func whatWasPut() {
    expect(
      Story.changed { _, store in
        store.items.remove(at: 4)
        store.stock["codes"] = ["available": 1]
      }, .i5, .lost, "1 lines of a request are not in the store")
    expect(
      Story.changed { _, store in
        store.items[5].payload = "{}"
      }, .i5, .phantom, "put by nobody")
  }

  @Test func levelsThatDoNotCount() {
    expect(
      Story.answers(Story.level(200, ["available": 1, "claimed": 3, "produced": 5])), .i6, .other,
      "not the sum")
    expect(
      Story.answers(Story.level(200, ["available": 0, "claimed": 3, "produced": 3])), .i6, .lost,
      "fewer items")
    expect(
      Story.changed { _, store in store.stock["tickets"]?["claimed"] = 2 }, .i6, .other,
      "counts 2 claimed, and has 3")
    expect(
      Story.changed { evidence, _ in evidence.levels["tickets"]?["available"] = 0 }, .i6, .other,
      "says 0 available")
  }

  @Test func aNominalTimeWithTwoRuns() {
    expect(
      Story.changed { _, store in
        store.runs.append(store.runs[0])
        store.runs[1].id = "r2"
        store.runs[1].stored = 0
      }, .i7, .doubled, "has the runs r and r2")
    // A run that the store forgot, whose time may come again.
    expect(
      Story.changed { evidence, _ in
        evidence.ledger.entries.append(evidence.ledger.entries[0])
        evidence.ledger.entries[3].run = "r0"
      }, .i7, .other, "no run of the store")
  }

  @Test func claimsThatAreSlowWhileAllIsWell() {
    func claims(of nanoseconds: Int64, status: Int = 409) -> Evidence {
      Evidence(
        history: History(
          (0..<200).map { number in
            let at = Int64(number) * 1_000_000
            var claim = Story.request(
              at, "u\(number)", status < 500 ? .fail : .info, status: status)
            claim.completed = at + nanoseconds
            return claim
          }, healthy: [0...400_000_000]))
    }
    expectNone(claims(of: 49_000_000))
    expect(claims(of: 51_000_000), .i8, .other, "p99 of 200 claims is 51 ms")
    expect(claims(of: 1_000_000, status: 503), .i8, .other, "not answered")
    // A slow one in a hundred is no violation, and what is not in the span is not looked at.
    var rare = claims(of: 1_000_000)
    rare.history.operations[7].completed += 300_000_000
    rare.history.operations[199].completed += 900_000_000
    expectNone(rare)
  }

  @Test func itemsOfWhatWasGivenUp() {
    expect(
      Story.changed { _, store in
        store.slices[1].state = "failed"
        store.runs[0].stored = 2
      }, .i9, .phantom, "slice 2, which is failed")
    expect(
      Story.changed { _, store in
        store.slices.remove(at: 1)
        store.runs[0].stored = 2
      }, .i9, .phantom, "slice 2, which is not there")
    expect(
      Story.changed { evidence, _ in evidence.ledger.entries[2].isDone = false }, .i9, .phantom,
      "a try that was not done")
    expect(
      Story.changed { _, store in
        store.runs[0].state = "replaced"
        store.runs[0].endedAt = 2500
      }, .i9, .phantom, "replaced at 2500")
    expect(
      Story.changed { evidence, _ in
        evidence.survivors = [Evidence.Survivor(pid: 7, run: "r", when: "after the stop")]
      }, .i9, .other, "process 7 still works for run r after the stop")
  }

  @Test func aServerOrDatabaseThatIsBroken() {
    expect(
      Story.changed { _, store in store.damage = ["row 1 missing from index"] }, .server, .other,
      "row 1")
    expect(
      Story.changed { evidence, _ in evidence.troubles = ["it ended with 1"] }, .server, .other,
      "ended with 1")
  }

  @Test(.timeLimit(.minutes(1))) func aHundredThousandOperations() {
    let evidence = LongStory.evidence(claims: 50_000)
    #expect(evidence.history.operations.count >= 100_000)
    expectNone(evidence)
    var broken = evidence
    broken.store?.claims.removeLast()
    #expect(Checker.violations(in: broken).contains { $0.rule == .i3 && $0.kind == .lost })
  }
}
