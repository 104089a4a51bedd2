import Glibc
import Larder
import Testing

@testable import Engine

/// Claims that are decided on their caller's thread.
@Suite struct AloneTests {
  private let log = Log()
  private let gate = Gate()

  private func writer() -> StoreWriter {
    StoreWriter(store: FakeStore(log)) { [log] error in log.add("failure: \(error)") }
  }

  /// Claims, and notes whether the answer came on this thread.
  private func claim(
    _ writer: StoreWriter, user: String = "u", _ more: @escaping @Sendable () -> Void = {}
  ) -> Bool {
    let caller = UInt(pthread_self())
    return writer.decide(.request(ClaimRequest(pool: "p", user: user)), alone: true) {
      [log] result in
      log.add(UInt(pthread_self()) == caller ? "here \(user)" : "there \(user)")
      if case .failure(let error) = result { log.add("refusal \(error)") }
      more()
    }
  }

  /// Claims until one is decided here, since the writer rests.
  private func settle(_ writer: StoreWriter) {
    while !log.all.contains("here first") { #expect(claim(writer, user: "first")) }
  }

  @Test func aClaimThatComesAloneIsDecidedByItsCallerWhileTheWriterRests() {
    let writer = writer()
    settle(writer)
    writer.stop()
    #expect(log.all.last == "close")
  }

  @Test func whileTheWriterIsBusyItDecidesThemTogether() {
    let writer = writer()
    settle(writer)
    let accepted = writer.submit { [gate] (_, _) throws(StoreError) in
      gate.pass()
    } _: { _ in
    }
    #expect(accepted && gate.awaitArrivals(1))
    for user in 1...3 { #expect(claim(writer, user: "\(user)")) }
    #expect(!log.all.contains { $0 == "here 1" || $0 == "there 1" })
    gate.open()
    writer.stop()
    #expect(log.all.contains("claim 3"))
    #expect(
      log.all.filter { $0.hasPrefix("there") }.suffix(3) == ["there 1", "there 2", "there 3"])
  }

  @Test func whatComesMeanwhileWaitsAndIsNotForgotten() {
    let writer = writer()
    var isHere = false
    while !isHere {
      let before = log.all.count { $0 == "there a" }
      let accepted = claim(writer, user: "a") { [log] in
        let accepted = writer.submit { (store, now) throws(StoreError) in
          try store.put([], in: "q", at: now)
        } _: { _ in
          log.add("stored")
        }
        log.add("left \(accepted)")
      }
      #expect(accepted)
      let answered = log.wait { all in
        all.contains("here a") || all.count { $0 == "there a" } > before
      }
      #expect(answered)
      isHere = log.all.contains("here a")
    }
    let stored = log.wait { all in
      all.count { $0 == "stored" } == all.count { $0 == "left true" }
    }
    #expect(stored)
    // The writer does not touch the store before the caller has done with it.
    let all = log.all
    let here = all.lastIndex(of: "here a") ?? 0
    #expect(all[(here + 1)...].first { !["changes", "close"].contains($0) } == "left true")
    writer.stop()
  }

  @Test func aStoreThatIsLostThereIsGivenUpByTheWriter() {
    nonisolated(unsafe) let store = FakeStore(log)
    let writer = StoreWriter(store: store) { [log] error in log.add("failure: \(error)") }
    settle(writer)
    // Whoever answers may touch the store. The next claim loses it.
    #expect(claim(writer, user: "a") { store.claimErrors = [.unknownCommit("lost")] })
    #expect(log.wait { $0.contains("here a") || $0.contains("there a") })
    let accepted = claim(writer, user: "b") { [log] in
      for _ in 0..<3 {
        let accepted = writer.claim(ClaimRequest(pool: "p", user: "1")) { result in
          if case .failure = result { log.add("late") } else { log.add("decided") }
        }
        log.add("accepted \(accepted)")
      }
    }
    #expect(accepted)
    let answered = log.wait { all in all.count { $0 == "late" || $0 == "decided" } == 3 }
    #expect(answered)
    writer.stop()
    #expect(log.all.count { $0 == "late" } == 3)
    #expect(log.all.count { $0.hasPrefix("failure") } == 1)
    #expect(log.all.count { $0 == "close" } == 1)
  }

  @Test func callersAndTheWriterTakeTurns() {
    let writer = writer()
    let ends = Mailbox(0)
    let each = 500
    for thread in 0..<3 {
      _ = WorkThread("caller-\(thread)") {
        for number in 0..<each {
          let done = Mailbox<Bool?>(nil)
          let accepted = writer.decide(
            .request(ClaimRequest(pool: "p", user: "1")), alone: number % 3 != thread
          ) { _ in
            done.change { $0 = true }
          }
          #expect(accepted)
          _ = done.take { $0 }
        }
        ends.change { $0 += 1 }
      }
    }
    _ = ends.take { $0 == 3 ? true : nil }
    writer.stop()
    let claims = log.all.filter { $0.hasPrefix("claim ") }.compactMap { Int($0.dropFirst(6)) }
    #expect(claims.reduce(0, +) == 3 * each)
  }
}
