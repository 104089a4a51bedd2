import Engine
import HTTPServer
import Larder
import Testing

@testable import API

/// Calls whose work grows are done in slices.
@Suite struct SliceTests {
  private let bench: Bench

  init() throws { bench = try Bench() }

  private func progress(_ answer: HTTPResponse) -> [Int] {
    [answer.status, answer.json["deleted"] as? Int ?? -1, answer.json["more"] as? Int ?? -1]
  }

  @Test func aUsersClaimsAreForgottenBitByBit() throws {
    bench.memory.change { $0.forgettable = 350 }
    let path = "v1/users/u/claims"
    #expect(progress(bench.call("DELETE", path)) == [200, 100, 1])
    #expect(progress(bench.call("DELETE", path, query: [("limit", "150")])) == [200, 150, 1])
    #expect(progress(bench.call("DELETE", path, query: [("limit", "1000")])) == [200, 100, 0])
    #expect(progress(bench.call("DELETE", path, "{}")) == [200, 0, 0])
    #expect(
      bench.memory.transactions == [
        "forget 100", "forget 100", "forget 50", "forget 100", "forget 100",
      ])
    for limit in ["0", "1001", "-1", "x", ""] {
      #expect(bench.call("DELETE", path, query: [("limit", limit)]).word == "bad-request")
    }
    #expect(bench.call("DELETE", path, #"{"all": true}"#).word == "bad-request")
  }

  @Test func itemsAreRecalledInSlicesAndTheLevelIsTheAnswer() throws {
    let from = "2026-11-24T20:00:00Z"
    let to = "2026-11-24T21:00:00.5Z"
    let start = try #require(RFC3339.parse(from))
    for (body, recall) in [
      (#"{"run": "r-1"}"#, Recall.run("r-1")), (#"{"revision": "2"}"#, .revision("2")),
      (
        #"{"made_from": "\#(from)", "made_to": "\#(to)"}"#,
        .made(from: start, to: start + .milliseconds(3_600_500))
      ),
    ] {
      bench.memory.change { state in
        state.recallable = 2 * Limits.recallSlice + 1
        state.transactions = []
        state.recalls = []
      }
      let answer = bench.call("POST", "v1/pools/p/recall", body)
      #expect(answer.status == 200 && answer.text("pool") == "p")
      #expect(answer.header("Larder-Recalled") == "\(2 * Limits.recallSlice + 1)")
      #expect(bench.memory.change { $0.recalls } == [recall])
      #expect(
        bench.memory.transactions
          == Array(repeating: "recall \(Limits.recallSlice)", count: 3))
    }
    #expect(bench.call("POST", "v1/pools/q/recall", #"{"run": "r"}"#).word == "unknown-pool")
  }

  @Test(arguments: [
    "", "{}", #"{"run": null}"#, #"{"run": 1}"#, #"{"run": "r", "revision": "2"}"#,
    #"{"made_from": "2026-11-24T20:00:00Z"}"#, #"{"made_to": "2026-11-24T20:00:00Z"}"#,
    #"{"made_from": "2026-11-24T20:00:00Z", "made_to": "2026-11-24T20:00:00Z"}"#,
    #"{"made_from": "yesterday", "made_to": "2026-11-24T20:00:00Z"}"#,
    #"{"run": "r", "made_from": "2026-11-24T20:00:00Z", "made_to": "2026-11-24T21:00:00Z"}"#,
    #"{"all": true}"#,
  ])
  func aRecallOfNothingInParticularIsRefused(_ body: String) {
    #expect(bench.call("POST", "v1/pools/p/recall", body).word == "bad-request")
    #expect(bench.memory.transactions.isEmpty)
  }

  @Test func claimsGoOnBetweenTheSlicesOfARecall() {
    bench.memory.change { $0.recallable = 5 * Limits.recallSlice }
    // The writer stands still until a claim waits as well.
    let gate = Mailbox(false)
    _ = bench.writer.submit { (_, _) throws(StoreError) in
      gate.take { $0 ? () : nil }
    } _: { _ in
    }
    let recall = bench.begin("POST", "v1/pools/p/recall", #"{"run": "r"}"#)
    let claim = bench.begin("POST", "v1/pools/p/claims", #"{"user": "u"}"#)
    gate.change { $0 = true }
    #expect(claim.answer.status == 201)
    #expect(recall.answer.status == 200)
    let transactions = bench.memory.transactions
    #expect(transactions.count == 6)
    #expect((transactions.firstIndex(of: "decide") ?? 9) < 2, "\(transactions)")
  }

  @Test func oldRowsArePurgedInSlices() {
    bench.memory.change { $0.purgeable = 3 * Limits.purgeSlice }
    let body = #"{"older_than": "90d"}"#
    let some = bench.call("POST", "v1/purge", query: [("limit", "\(Limits.purgeSlice)")], body)
    #expect(progress(some) == [200, Limits.purgeSlice, 1])
    #expect(progress(bench.call("POST", "v1/purge", body)) == [200, 2 * Limits.purgeSlice, 0])
    #expect(progress(bench.call("POST", "v1/purge", body)) == [200, 0, 0])
    let before = RFC3339.format(noon - .seconds(90 * 86_400))
    #expect(Set(bench.memory.transactions) == ["purge before \(before) \(Limits.purgeSlice)"])
    for body in ["", "{}", #"{"older_than": 90}"#, #"{"older_than": "long"}"#, #"{"all": true}"#] {
      #expect(bench.call("POST", "v1/purge", body).word == "bad-request")
    }
  }
}
