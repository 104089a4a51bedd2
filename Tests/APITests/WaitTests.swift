import Engine
import Foundation
import HTTPServer
import Larder
import Testing

@testable import API

/// `GET /v1/claims/{claim}?wait=…`
@Suite(.serialized) struct WaitTests {
  @Test func aClaimThatIsNotPendingIsAnsweredAtOnce() throws {
    let bench = try Bench()
    let id = bench.claim().text("claim")
    let answer = bench.wait(for: id).answer
    #expect(answer.status == 200 && answer.text("state") == "claimed")
    #expect(bench.wait(for: "none").answer.word == "unknown-claim")
    #expect(bench.wait(for: "broken").answer.status == 500)
    for span in ["61s", "x", "-1s", ""] {
      #expect(bench.wait(for: id, span).answer.word == "bad-request")
    }
    #expect(bench.api.waiters.count == 0)
  }

  @Test func thePendingClaimIsTheAnswerWhenTheWaitIsOver() throws {
    let bench = try Bench()
    let id = bench.backorder()
    let began = ContinuousClock.now
    let patient = bench.wait(for: id)
    let answer = bench.wait(for: id, "200ms").answer
    #expect(ContinuousClock.now - began >= .milliseconds(200))
    #expect(answer.status == 200 && answer.text("state") == "pending")
    #expect(answer.json["position"] as? Int == 1)
    #expect(bench.api.waiters.count == 1 && !patient.isAnswered)
    #expect(bench.wait(for: id, "0s").answer.text("state") == "pending")
    bench.fill()
    #expect(patient.answer.text("state") == "claimed")
  }

  @Test(arguments: ["cancel", "fill"])
  func whatResolvesAClaimAnswersThoseThatWaitForIt(_ way: String) throws {
    let bench = try Bench()
    let id = bench.backorder()
    let other = bench.backorder(user: "v")
    let waits = (0..<3).map { _ in bench.wait(for: id) }
    let elsewhere = bench.wait(for: other)
    #expect(eventually { bench.api.waiters.count == 4 })
    if way == "cancel" {
      #expect(bench.call("DELETE", "v1/claims/\(id)").status == 200)
    } else {
      bench.fill()
    }
    for wait in waits {
      #expect(wait.answer.text("state") == (way == "cancel" ? "cancelled" : "claimed"))
    }
    if way == "cancel" {
      #expect(bench.api.waiters.count == 1 && !elsewhere.isAnswered)
    } else {
      #expect(elsewhere.answer.text("state") == "claimed")
    }
  }

  /// Claims are resolved while calls are on their way to wait for them.
  @Test func noWakeUpIsLost() throws {
    let bench = try Bench()
    for round in 0..<300 {
      let ids = (0..<4).map { bench.backorder(user: "\(round)-\($0)") }
      let cancelling = WorkThread("cancel") {
        for id in ids { _ = bench.begin("DELETE", "v1/claims/\(id)") }
      }
      let waits = ids.map { bench.wait(for: $0) }
      cancelling.join()
      for wait in waits { #expect(wait.answer.text("state") == "cancelled") }
    }
    #expect(bench.api.waiters.count == 0)
  }

  @Test func oneMoreThanMayWaitIsRefused() throws {
    let bench = try Bench()
    let id = bench.backorder()
    var waits: [Mailbox<HTTPResponse?>] = []
    for count in 1...Limits.waiters {
      waits.append(bench.wait(for: id))
      // So that no reading is refused for want of room in the readers' queue.
      if count.isMultiple(of: 500) {
        #expect(bench.call("GET", "v1/claims/\(id)").status == 200)
      }
    }
    let refused = bench.wait(for: id).answer
    #expect(refused.status == 503 && refused.word == "busy")
    #expect(refused.header("Retry-After") == "1")
    bench.fill()
    #expect(waits.allSatisfy { $0.answer.text("state") == "claimed" })
    #expect(bench.api.waiters.count == 0)
  }

  /// More claims are resolved at once than may wait for a reader, and the queue is full.
  @Test func aFullQueueOfReadingsLosesNobody() throws {
    let bench = try Bench(readerThreads: 1)
    let ids = (0..<120).map { bench.backorder(user: "\($0)") }
    let waits = ids.map { bench.wait(for: $0) }
    #expect(eventually { bench.api.waiters.count == ids.count })
    #expect(bench.call("GET", "v1/claims/\(ids[0])").status == 200)
    let gate = Mailbox(false)
    let arrived = Mailbox(false)
    func read() -> Bool {
      bench.readers.read { (_) throws(StoreError) in
        arrived.change { $0 = true }
        gate.take { $0 ? () : nil }
      } _: { _ in
      }
    }
    #expect(read())
    arrived.take { $0 ? () : nil }
    while read() {}
    bench.fill()
    #expect(bench.wait(for: ids[0]).answer.word == "busy")
    gate.change { $0 = true }
    #expect(waits.allSatisfy { $0.answer.text("state") == "claimed" })
  }

  @Test func whoWaitsIsAnsweredWhenTheServerStops() throws {
    let bench = try Bench()
    let id = bench.backorder()
    let waits = (0..<3).map { _ in bench.wait(for: id) }
    #expect(eventually { bench.api.waiters.count == 3 })
    bench.api.stopWaiting()
    for wait in waits { #expect(wait.answer.text("state") == "pending") }
    let late = bench.wait(for: id).answer
    #expect(late.status == 200 && late.text("state") == "pending")
    bench.api.close()
    #expect(bench.wait(for: id).answer.word == "busy")
  }
}
