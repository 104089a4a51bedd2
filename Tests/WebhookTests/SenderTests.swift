import Engine
import Foundation
import HTTPServer
import Larder
import Testing

@testable import Webhook

@Suite struct SenderTests {
  /// Runs a bench whose pools push to where `url` says, and stops it at the end.
  private func withBench(
    _ deliveries: [Delivery], bounds: WebhookPoster.Bounds = Bench.patient,
    url: @escaping @Sendable (_ pool: String) -> String, _ body: (Bench) throws -> Void
  ) throws {
    try withFolder { folder in
      let key = writeKey("k", in: folder)
      let bench = Bench(FakeOutbox(deliveries), bounds: bounds) {
        WebhookSpec(url: url($0), secret: key)
      }
      defer { bench.sender.stop() }
      try body(bench)
    }
  }

  // MARK: - To the end, at least once

  @Test func a2xxEndsAPush() throws {
    let receiver = try Receiver()
    let url = receiver.url
    try withBench([push("a")], url: { _ in url }) { bench in
      #expect(bench.outbox.wait { $0.delivered == ["a"] })
      bench.outbox.add(push("b"))
      bench.sender.wake()
      #expect(bench.outbox.wait { $0.delivered == ["a", "b"] })
      #expect(receiver.pushes.change { $0.map(\.id) } == ["a", "b"])
    }
  }

  enum Failure: CaseIterable {
    case error, redirect, hanging, refused, noKey
  }

  @Test(arguments: Failure.allCases)
  func aFailedPushIsTriedAgainWithTheSameId(failure: Failure) throws {
    let isMended = Mailbox(false)
    let receiver = try Receiver { _, _ in
      if isMended.change({ $0 }) { return HTTPResponse(status: 200) }
      if failure == .hanging { return nil }
      return failure == .redirect
        ? HTTPResponse(status: 307, headers: [HTTPField("Location", "http://127.0.0.1:1/")])
        : HTTPResponse(status: 500)
    }
    let refusing = try RawReceiver(isListening: false)
    var bounds = Bench.patient
    if failure == .hanging { bounds.total = .seconds(5) }
    try withFolder { folder in
      let key = writeKey("k", in: folder)
      let (url, refusingURL) = (receiver.url, refusing.url)
      let bench = Bench(FakeOutbox([push("a", body: "1")]), bounds: bounds) { _ in
        let isMended = isMended.change { $0 }
        return WebhookSpec(
          url: failure == .refused && !isMended ? refusingURL : url,
          secret: failure == .noKey && !isMended ? "\(folder)/none" : key)
      }
      defer { bench.sender.stop() }
      for tries in 1...3 {
        #expect(bench.outbox.wait { $0.failed.count >= tries })
        if tries < 3 { bench.skipWaits() }
      }
      isMended.change { $0 = true }
      bench.skipWaits()
      #expect(bench.outbox.wait { $0.delivered == ["a"] })
      let pushes = receiver.pushes.change { $0 }
      #expect(pushes.count == (failure == .refused || failure == .noKey ? 1 : 4))
      #expect(Set(pushes.map(\.id)) == ["a"] && Set(pushes.map(\.text)) == ["1"])
      // Signed anew, for the time of its try.
      #expect(Set(pushes.map(\.timestamp)).count == pushes.count)
      #expect(Set(pushes.map(\.signature)).count == pushes.count)
      #expect(bench.setbacks.change { $0.map(\.attempt) } == [1, 2, 3])
      #expect(bench.outbox.state.change { $0.failed.map(\.id) } == ["a", "a", "a"])
    }
  }

  @Test(arguments: [0, 3, 30])
  func theWaitGrowsWithTheTriesOfAllTime(attempts: Int) throws {
    let receiver = try Receiver { _, _ in HTTPResponse(status: 500) }
    let url = receiver.url
    try withBench([push("a", attempts: attempts)], url: { _ in url }) { bench in
      #expect(bench.outbox.wait { !$0.failed.isEmpty })
      let next = try #require(bench.outbox.state.change { $0.failed.first?.nextTryAt })
      #expect(next >= Bench.start)
      #expect(next <= Bench.start + WebhookRetry.ceiling(after: attempts + 1))
      let setback = try #require(bench.setbacks.change { $0.first })
      #expect(setback.attempt == attempts + 1 && setback.nextTryAt == next)
      #expect(setback.why == "the host answered 500" && setback.claim == "claim-1")
    }
  }

  @Test func aJumpOfTheClockIsNoticed() throws {
    let receiver = try Receiver { index, _ in HTTPResponse(status: index == 0 ? 500 : 200) }
    let url = receiver.url
    // So many tries ago that the next one is very likely far ahead.
    try withBench([push("a", attempts: 30)], url: { _ in url }) { bench in
      #expect(bench.outbox.wait { $0.failed.count == 1 })
      bench.advance(.seconds(3600))
      #expect(bench.outbox.wait { $0.delivered == ["a"] })
    }
  }

  @Test func aPushOfAPoolWithoutAWebhookIsDropped() throws {
    let bench = Bench(FakeOutbox([push("a"), push("b")])) { _ in nil }
    defer { bench.sender.stop() }
    #expect(bench.outbox.wait { $0.delivered == ["a", "b"] })
    #expect(bench.dropped.change { $0 } == ["a", "b"])
  }

  // MARK: - In order, and fairly

  @Test func thePushesOfAClaimArriveInOrder() throws {
    let claims = 12
    let receiver = try Receiver { index, _ in HTTPResponse(status: index % 3 == 1 ? 503 : 200) }
    let url = receiver.url
    let deliveries = (0..<claims * 3).map { number in
      let claim = "claim-\(number % claims)"
      return push(
        "\(claim)/\(number / claims)", pool: "pool-\(number % 5)", claim: claim)
    }
    try withBench(deliveries, url: { _ in url }) { bench in
      while bench.outbox.state.change({ !$0.rows.isEmpty }) {
        let seen = bench.outbox.state.change { $0.delivered.count + $0.failed.count }
        bench.skipWaits()
        guard bench.outbox.wait({ $0.delivered.count + $0.failed.count > seen || $0.rows.isEmpty })
        else { break }
      }
      let delivered = bench.outbox.state.change { $0.delivered }
      for claim in (0..<claims).map({ "claim-\($0)" }) {
        let ids = delivered.filter { $0.hasPrefix("\(claim)/") }
        #expect(ids == (0..<3).map { "\(claim)/\($0)" })
      }
      #expect(delivered.count == deliveries.count)
      // Nothing was posted a second time before the store knew of the first.
      let failed = bench.outbox.state.change { $0.failed.map(\.id) }
      #expect(receiver.pushes.change { $0.map(\.id).sorted() } == (delivered + failed).sorted())
    }
  }

  @Test func aLaterPushWaitsForAFailedOneOfItsClaim() throws {
    let receiver = try Receiver { index, _ in HTTPResponse(status: index < 2 ? 500 : 200) }
    let url = receiver.url
    try withBench([push("a"), push("b"), push("c")], url: { _ in url }) { bench in
      for tries in 1...2 {
        #expect(bench.outbox.wait { $0.failed.count >= tries })
        bench.skipWaits()
      }
      #expect(bench.outbox.wait { $0.delivered.count == 3 })
      #expect(receiver.pushes.change { $0.map(\.id) } == ["a", "a", "a", "b", "c"])
    }
  }

  @Test func aPoolWhoseHostHangsHoldsUpNoOther() throws {
    let hanging = try Receiver { _, _ in nil }
    let receiver = try Receiver()
    let (hangingURL, url) = (hanging.url, receiver.url)
    var deliveries = (0..<50).map { push("h\($0)", pool: "hangs", claim: "h\($0)") }
    deliveries += (0..<50).map { push("g\($0)", pool: "good", claim: "g\($0)") }
    try withBench(deliveries, url: { $0 == "hangs" ? hangingURL : url }) { bench in
      #expect(hanging.wait(for: Limits.webhookPostsPerPool).count == Limits.webhookPostsPerPool)
      #expect(bench.outbox.wait { $0.delivered.count == 50 })
      #expect(hanging.pushes.change { $0.count } == Limits.webhookPostsPerPool)
      // When the host is back, its pushes go on.
      hanging.answerAll(200)
      #expect(hanging.wait(for: 2 * Limits.webhookPostsPerPool).count == 4)
    }
  }

  @Test func noMorePostsAreUnderWayThanTheLimit() throws {
    let hanging = try Receiver { _, _ in nil }
    let url = hanging.url
    let deliveries = (0..<60).map { push("p\($0)", pool: "pool-\($0 % 6)", claim: "c\($0)") }
    try withBench(deliveries, url: { _ in url }) { bench in
      for round in 1...15 {
        #expect(hanging.wait(for: round * Limits.webhookPosts).count == round * Limits.webhookPosts)
        bench.sender.wake()
        hanging.answerAll(200)
      }
      #expect(bench.outbox.wait { $0.delivered.count == 60 })
      #expect(Set(hanging.pushes.change { $0.map(\.id) }).count == 60)
    }
  }

  // MARK: - Stops and a store that refuses

  @Test func aStopCutsAHangingPostOffAndCountsNoTry() throws {
    let isMended = Mailbox(false)
    let receiver = try Receiver { _, _ in
      isMended.change { $0 } ? HTTPResponse(status: 200) : nil
    }
    let url = receiver.url
    try withFolder { folder in
      let key = writeKey("k", in: folder)
      let outbox = FakeOutbox([push("a")])
      let first = Bench(outbox) { _ in WebhookSpec(url: url, secret: key) }
      #expect(receiver.wait(for: 1).count == 1)
      let took = ContinuousClock().measure { first.sender.stop() }
      // The post's own time-out is ten minutes.
      #expect(took < patience)
      #expect(outbox.state.change { $0.rows.map(\.delivery.attempts) } == [0])
      #expect(outbox.state.change { $0.delivered.isEmpty && $0.failed.isEmpty })
      isMended.change { $0 = true }
      let second = Bench(outbox) { _ in WebhookSpec(url: url, secret: key) }
      #expect(outbox.wait { $0.delivered == ["a"] })
      second.sender.stop()
      #expect(receiver.pushes.change { $0.map(\.id) } == ["a", "a"])
    }
  }

  @Test func anIdleSenderStops() {
    let bench = Bench(FakeOutbox()) { _ in nil }
    #expect(bench.outbox.wait { $0.asks == 1 })
    bench.sender.stop()
    bench.sender.stop()
    #expect(bench.outbox.state.change { $0.asks } == 1)
  }

  @Test func whatArrivedIsNotPostedAgainWhereTheStoreRefusesToKeepIt() throws {
    let outbox = FakeOutbox([push("a")])
    let receiver = try Receiver { _, _ in
      outbox.state.change { $0.refusals = 1 }
      return HTTPResponse(status: 200)
    }
    let url = receiver.url
    try withFolder { folder in
      let key = writeKey("k", in: folder)
      let bench = Bench(outbox) { _ in WebhookSpec(url: url, secret: key) }
      defer { bench.sender.stop() }
      #expect(outbox.wait { $0.delivered == ["a"] })
      #expect(bench.troubles.change { $0 } == 1)
      #expect(receiver.pushes.change { $0.count } == 1)
    }
  }

  @Test func aStoreThatRefusesIsAskedAgain() throws {
    let outbox = FakeOutbox([push("a")])
    outbox.state.change { $0.refusals = 1 }
    let receiver = try Receiver()
    let url = receiver.url
    try withFolder { folder in
      let key = writeKey("k", in: folder)
      let bench = Bench(outbox) { _ in WebhookSpec(url: url, secret: key) }
      defer { bench.sender.stop() }
      #expect(bench.troubles.take(within: patience) { $0 == 1 ? true : nil } == true)
      bench.advance(Limits.pauseAfterTrouble)
      #expect(outbox.wait { $0.delivered == ["a"] })
    }
  }
}
