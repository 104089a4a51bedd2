import Larder
import Testing

@testable import Engine

@Suite struct StoreWriterTests {
  private let log = Log()
  private let gate = Gate()

  private func writer(
    claimErrors: [StoreError] = [], putErrors: [StoreError] = []
  ) -> StoreWriter {
    StoreWriter(store: FakeStore(log, claimErrors: claimErrors, putErrors: putErrors)) {
      [log] error in
      log.add("failure: \(error)")
    }
  }

  /// Holds the writer's thread until the gate is opened.
  private func hold(_ writer: StoreWriter) {
    let accepted = writer.submit { [gate] (_, _) throws(StoreError) in
      gate.pass()
    } _: { _ in
    }
    #expect(accepted && gate.awaitArrivals(1))
  }

  private func claim(_ writer: StoreWriter, user: String = "u") -> Bool {
    writer.claim(ClaimRequest(pool: "p", user: user)) { [log] result in
      switch result {
      case .success(let outcome): log.add("answer \(outcome)")
      case .failure(let error): log.add("refusal \(error)")
      }
    }
  }

  private func put(_ writer: StoreWriter, _ pool: String) -> Bool {
    writer.submit { (store, now) throws(StoreError) in
      try store.put([], in: pool, at: now)
    } _: { [log] result in
      switch result {
      case .success: log.add("stored \(pool)")
      case .failure(let error): log.add("refusal \(error)")
      }
    }
  }

  /// What was done, without the questions for changes.
  private var done: [String] { log.all.filter { $0 != "changes" } }

  @Test func claimsThatWaitAreDecidedTogetherAndAnsweredAfterwards() {
    let writer = writer()
    hold(writer)
    for user in 0..<(2 * Limits.claimBatch + 5) { #expect(claim(writer, user: "\(user)")) }
    gate.open()
    writer.stop()
    #expect(
      done.filter { $0.hasPrefix("claim ") } == [
        "claim \(Limits.claimBatch)", "claim \(Limits.claimBatch)", "claim 5",
      ])
    #expect(
      done.filter { $0.hasPrefix("answer") }
        == (0..<(2 * Limits.claimBatch + 5)).map { "answer \(ClaimOutcome.userLimit($0))" })
    #expect(done.firstIndex { $0.hasPrefix("answer") } == 1)
    #expect(done.last == "close")
  }

  @Test func onePieceOfOtherWorkIsDoneBetweenBatchesOfClaims() {
    let writer = writer()
    hold(writer)
    for _ in 0..<(2 * Limits.claimBatch) { #expect(claim(writer)) }
    for name in ["a", "b", "c"] { #expect(put(writer, name)) }
    gate.open()
    writer.stop()
    #expect(
      done.filter { $0.hasPrefix("claim ") || $0.hasPrefix("put") } == [
        "claim 1024", "put a", "claim 1024", "put b", "put c",
      ])
  }

  @Test func whatATransactionLeavesOfABatchHasTheNextOne() {
    let store = FakeStore(log)
    store.claimsDecided = 3
    nonisolated(unsafe) let owned = store  // nothing here uses it any more
    let writer = StoreWriter(store: owned) { [log] error in log.add("failure: \(error)") }
    hold(writer)
    for user in 0..<7 { #expect(claim(writer, user: "\(user)")) }
    #expect(put(writer, "a"))
    gate.open()
    writer.stop()
    #expect(
      done.filter { $0.hasPrefix("claim ") || $0.hasPrefix("put") } == [
        "claim 7", "put a", "claim 4", "claim 1",
      ], "other work has its turn between them")
    #expect(
      done.filter { $0.hasPrefix("answer") }
        == (0..<7).map { "answer \(ClaimOutcome.userLimit($0))" }, "each once, in their order")
  }

  /// Claims that come while other work is done go before the next piece of it.
  @Test func claimsWaitForOnePieceOfOtherWorkOnly() {
    let writer = writer()
    hold(writer)
    #expect(put(writer, "a"))
    #expect(claim(writer))
    gate.open()
    writer.stop()
    #expect(
      done.filter { $0.hasPrefix("claim ") || $0.hasPrefix("put") } == ["claim 1", "put a"])
  }

  @Test func queuesHaveLimits() {
    let writer = writer()
    hold(writer)
    for _ in 0..<Limits.waitingClaims { #expect(claim(writer)) }
    #expect(!claim(writer))
    for _ in 0..<Limits.waitingWrites { #expect(put(writer, "p")) }
    #expect(!put(writer, "p"))
    // What the engine and its producers wait for has a place, however many clients wait.
    let thread = WorkThread("test") { [log] in
      let pools = try? writer.perform { (store, _) throws(StoreError) in try store.pools().count }
      log.add("performed \(pools ?? -1)")
    }
    gate.open()
    thread.join()
    writer.stop()
    #expect(done.contains("performed 0"))
    #expect(done.count { $0.hasPrefix("answer") } == Limits.waitingClaims)
    #expect(done.count { $0.hasPrefix("stored") } == Limits.waitingWrites)
  }

  @Test func afterTheStopNothingIsAccepted() {
    let writer = writer()
    writer.stop()
    #expect(!claim(writer))
    #expect(!put(writer, "p"))
    #expect(throws: StoreError.self) {
      try writer.perform { (_, _) throws(StoreError) in }
    }
    #expect(done == ["close"])
  }

  @Test func workIsGivenTheClockAndItsResultComesBack() throws {
    let writer = StoreWriter(store: FakeStore(log), clock: { noon }) { _ in }
    #expect(try writer.perform { (_, now) throws(StoreError) in now } == noon)
    #expect(throws: StoreError.unknownPool("x")) {
      try writer.perform { (_, _) throws(StoreError) in throw .unknownPool("x") }
    }
    writer.stop()
  }

  @Test func theObserverIsToldOfChangedStock() {
    let writer = writer()
    writer.observe { [log] stocks in log.add("changed \(stocks.keys.sorted())") }
    #expect(put(writer, "q"))
    #expect(log.wait { $0.contains("stored q") })
    #expect(claim(writer))
    writer.stop()
    #expect(done.count { $0 == "changed [\"p\"]" } == 1)
  }

  @Test func commandsForClaimsAreDecidedWithRequestsInTheirOrder() {
    let writer = writer()
    hold(writer)
    #expect(claim(writer, user: "1"))
    let accepted = writer.decide(.change("c", .confirm)) { [log] result in
      if case .success(let outcome) = result { log.add("answer \(outcome)") }
    }
    #expect(accepted && claim(writer, user: "2"))
    gate.open()
    writer.stop()
    let expected = [
      "claim 3", "answer \(ClaimOutcome.userLimit(1))",
      "answer \(ClaimOutcome.wrongState(.claimed))", "answer \(ClaimOutcome.userLimit(2))",
      "close",
    ]
    #expect(done == expected)
  }

  @Test func allObserversAreToldOfResolvedClaimsBeforeTheAnswer() {
    let writer = writer()
    for name in ["a", "b"] {
      writer.observeResolved { [log] claims in log.add("\(name) \(claims)") }
    }
    #expect(claim(writer))
    #expect(log.wait { $0.contains("answer \(ClaimOutcome.outOfStock)") })
    for id in ["c", "d"] {
      let accepted = writer.decide(.change(id, .cancel)) { [log] _ in log.add("answer") }
      #expect(accepted)
      #expect(log.wait { $0.contains("b [\"\(id)\"]") })
    }
    writer.stop()
    let told = done.filter { !$0.hasPrefix("claim") }
    #expect(told.first == "answer \(ClaimOutcome.outOfStock)")
    #expect(
      told.dropFirst() == [
        #"a ["c"]"#, #"b ["c"]"#, "answer", #"a ["d"]"#, #"b ["d"]"#, "answer", "close",
      ])
  }

  private func recall(_ writer: StoreWriter, limit: Int = .max) -> Bool {
    writer.submit(inSlicesOf: 10, limit: limit) { (store, now, cursor, limit) throws(StoreError) in
      try store.recall(.run("r"), in: "p", after: cursor, at: now, limit: limit)
    } _: { [log] result in
      switch result {
      case .success(let progress): log.add("recalled \(progress.done) more \(progress.more)")
      case .failure(let error): log.add("refusal \(error)")
      }
    }
  }

  @Test func longWorkIsDoneInSlicesWithClaimsBetweenThem() {
    let store = FakeStore(log)
    store.recallable = 25
    let writer = StoreWriter(store: store) { _ in }
    hold(writer)
    #expect(recall(writer))
    for _ in 0..<2 * Limits.claimBatch { #expect(claim(writer)) }
    #expect(put(writer, "a"))
    gate.open()
    #expect(log.wait { $0.contains("recalled 25 more false") })
    writer.stop()
    #expect(
      done.filter { !$0.hasPrefix("answer") } == [
        "claim 1024", "recall 10", "claim 1024", "put a", "stored a", "recall 10 after 15",
        "recall 10 after 5",
        "recalled 25 more false", "close",
      ])
  }

  @Test func longWorkEndsAtItsLimitAndAtAnError() {
    let store = FakeStore(log)
    store.recallable = 25
    let writer = StoreWriter(store: store) { _ in }
    #expect(recall(writer, limit: 12))
    #expect(log.wait { $0.contains("recalled 12 more true") })
    writer.stop()
    #expect(done.filter { $0.hasPrefix("recall ") } == ["recall 10", "recall 2 after 15"])

    let failing = FakeStore(log)
    failing.recallErrors = [.failed("disk")]
    let other = StoreWriter(store: failing) { _ in }
    #expect(recall(other))
    #expect(log.wait { $0.contains("refusal \(StoreError.failed("disk"))") })
    other.stop()
    #expect(done.count { $0.hasPrefix("recall ") } == 3)
  }

  /// Work that has begun goes on, however much other work waits.
  @Test func longWorkKeepsItsPlaceInAFullQueue() {
    let store = FakeStore(log)
    store.recallable = 30
    let writer = StoreWriter(store: store) { _ in }
    hold(writer)
    #expect(recall(writer))
    for _ in 1..<Limits.waitingWrites { #expect(put(writer, "p")) }
    #expect(!put(writer, "p") && !recall(writer))
    gate.open()
    #expect(log.wait { $0.contains("recalled 30 more false") })
    writer.stop()
  }

  @Test func errorsOfOneTransactionAreAnsweredAndTheNextGoesOn() {
    let writer = writer(claimErrors: [.full("disk")], putErrors: [.failed("x")])
    #expect(claim(writer))
    #expect(log.wait { $0.contains("refusal \(StoreError.full("disk"))") })
    #expect(put(writer, "a"))
    #expect(log.wait { $0.contains("refusal \(StoreError.failed("x"))") })
    #expect(claim(writer) && put(writer, "a"))
    writer.stop()
    #expect(done.contains("answer \(ClaimOutcome.outOfStock)") && done.contains("stored a"))
    #expect(!done.contains { $0.hasPrefix("failure") })
  }

  @Test(arguments: [true, false])
  func afterAnUnknownCommitNothingIsAskedOfTheStore(_ byClaim: Bool) {
    let lost = StoreError.unknownCommit("disk")
    let writer = writer(
      claimErrors: byClaim ? [lost] : [], putErrors: byClaim ? [] : [lost])
    hold(writer)
    if byClaim {
      for _ in 0..<(2 * Limits.claimBatch) { #expect(claim(writer)) }
    } else {
      #expect(put(writer, "a"))
    }
    for name in ["b", "c"] { #expect(put(writer, name)) }
    gate.open()
    #expect(log.wait { $0.contains("failure: \(lost)") })
    #expect(claim(writer) && put(writer, "d"))
    #expect(throws: lost) {
      try writer.perform { (store, _) throws(StoreError) in try store.pools().count }
    }
    writer.stop()
    let calls = done.filter { $0.hasPrefix("claim ") || $0.hasPrefix("put ") }
    #expect(calls == [byClaim ? "claim \(Limits.claimBatch)" : "put a"])
    #expect(done.count { $0.hasPrefix("failure") } == 1)
    let accepted = byClaim ? 2 * Limits.claimBatch + 4 : 5
    #expect(done.count { $0 == "refusal \(lost)" } == accepted)
    #expect(!done.contains { $0.hasPrefix("answer") || $0.hasPrefix("stored") })
    let lastCall = log.all.lastIndex { $0 == "changes" || $0.hasPrefix("claim ") }
    let failure = log.all.firstIndex { $0.hasPrefix("failure") }
    #expect((lastCall ?? 0) < (failure ?? 0))
    #expect(done.count { $0 == "close" } == 1)
  }
}

@Suite struct DemandWritingTests {
  private let log = Log()

  private func writer(_ errors: [StoreError]) -> StoreWriter {
    StoreWriter(store: FakeStore(log, demandErrors: errors)) { [log] error in
      log.add("failure: \(error)")
    }
  }

  private func miss(_ writer: StoreWriter) -> Bool {
    writer.claim(ClaimRequest(pool: "p", user: "u")) { [log] _ in log.add("answer") }
  }

  @Test func demandThatWaitsIsWrittenSoonWithoutAnyFurtherCall() {
    let writer = writer([])
    #expect(miss(writer))
    #expect(log.wait { $0.contains("demand") })
    // Once is enough.
    writer.stop()
    #expect(log.all.count { $0 == "demand" } == 1)
    #expect(log.all.firstIndex(of: "answer")! < log.all.firstIndex(of: "demand")!)
  }

  @Test func demandIsWrittenAlsoWhileClaimsGoOn() {
    let writer = writer([])
    let began = ContinuousClock.now
    var claims = 0
    while !log.all.contains("demand"), ContinuousClock.now - began < .seconds(60) {
      let before = log.all.count
      #expect(miss(writer))
      claims += 1
      #expect(log.wait { $0.count > before })
    }
    writer.stop()
    #expect(log.all.contains("demand"))
    #expect(log.all.count { $0 == "demand" } < claims)
  }

  @Test func aFullDiskIsTriedAgainAndALostStoreIsTold() {
    let writer = writer([.full("disk"), .unknownCommit("disk")])
    #expect(miss(writer))
    let lost = "failure: \(StoreError.unknownCommit("disk"))"
    #expect(log.wait { $0.contains(lost) })
    writer.stop()
    #expect(log.all.count { $0 == "demand" } == 2)
    #expect(log.all.count { $0.hasPrefix("failure") } == 1)
  }
}

/// What a server's writer notes, so that time in which nobody counted requests is known.
@Suite struct ServiceNoteTests {
  private let log = Log()
  private let time = Mailbox(noon + .seconds(300) - .milliseconds(40))

  private var notes: [String] { log.all.filter { $0.hasPrefix("service") } }

  private func note(_ instant: Instant) -> String { "service \(instant.milliseconds)" }

  @Test func aServerNotesItsStartEachBinAndItsEnd() {
    let writer = StoreWriter(
      store: FakeStore(log), serves: true, clock: { [time] in time.change { $0 } }
    ) {
      _ in
    }
    let start = time.change { $0 }
    // The clock stands still, 40 ms before the end of a bin, and there is nothing else to do.
    #expect(log.wait { $0.count { $0 == note(start) } >= 3 })
    time.change { $0 = $0 + .seconds(7) }
    writer.stop()
    #expect(notes.last == note(start + .seconds(7)))
    #expect(log.all.last == "close")
  }

  @Test func aCommandNotesNothing() {
    let writer = StoreWriter(store: FakeStore(log)) { _ in }
    let accepted = writer.submit { (_, _) throws(StoreError) in
    } _: { [log] _ in
      log.add("done")
    }
    #expect(accepted)
    #expect(log.wait { $0.contains("done") })
    writer.stop()
    #expect(notes == [] && log.all.contains("close"))
  }
}
