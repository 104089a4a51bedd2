import Foundation
import HTTPServer
import Larder
import Testing

@testable import API

/// Each limit of what a call says, from both sides: the status of the last value that is taken and of
/// the first that is not. Matches are in `ClaimTests`, waiting calls in `WaitTests`.
@Suite struct LimitTests {
  private let bench: Bench

  init() throws { bench = try Bench() }

  @Test func usersAndKeysHaveSoManyBytes() {
    // Two bytes each: bytes count, not characters.
    func text(_ bytes: Int) -> String {
      String(repeating: "é", count: bytes / 2) + String(repeating: "x", count: bytes % 2)
    }
    let (user, key) = (Limits.userBytes, Limits.idempotencyKeyBytes)
    for (bytes, status) in [(0, 400), (1, 201), (user - 1, 201), (user, 201), (user + 1, 400)] {
      #expect(bench.claim(user: text(bytes)).status == status, "a user of \(bytes) bytes")
      let list = bench.call("GET", "v1/users/\(text(bytes))/claims")
      if bytes > 0 { #expect(list.status == (status == 201 ? 200 : 400)) }
    }
    for (bytes, status) in [(0, 400), (1, 201), (key - 1, 201), (key, 201), (key + 1, 400)] {
      let bare = bench.claim(user: "bare-\(bytes)", key: text(bytes))
      #expect(bare.status == status, "a key of \(bytes) bytes")
      let quoted = bench.claim(user: "quoted-\(bytes)", key: "\"\(text(bytes))\"")
      #expect(quoted.status == status, "a quoted key of \(bytes) bytes")
    }
  }

  @Test func aClaimHasSoManyItems() {
    let most = Limits.claimCount.upperBound
    for (count, status) in [(0, 400), (1, 201), (most - 1, 201), (most, 201), (most + 1, 400)] {
      let answer = bench.claim(#""count": \#(count)"#, user: "u-\(count)")
      #expect(answer.status == status, "\(count) items: \(answer.text("detail"))")
    }
  }

  @Test func pagesHaveSoManyEntries() {
    let most = Limits.pageSizes.upperBound
    for (limit, status) in [(0, 400), (1, 200), (most - 1, 200), (most, 200), (most + 1, 400)] {
      let answer = bench.call("GET", "v1/claims", query: [("limit", "\(limit)")])
      #expect(answer.status == status, "\(limit) entries")
    }
  }

  @Test func aCallWaitsForSoLong() {
    let id = bench.claim().text("claim")
    let longest = Limits.wait.components.seconds
    for (wait, status) in [(longest - 1, 200), (longest, 200), (longest + 1, 400)] {
      #expect(bench.wait(for: id, "\(wait)s").answer.status == status, "\(wait) s")
    }
  }

  @Test func whatTheServerRefusesInOverloadSaysWhenToTryAgain() {
    let busy = API.refusal(status: 503, detail: "too much is being uploaded")
    #expect(busy.word == "busy" && busy.header("Retry-After") == "1")
    for (status, word) in [(403, "foreign-origin"), (421, "unknown-host"), (413, "too-large")] {
      let refusal = API.refusal(status: status, detail: "x")
      #expect(refusal.status == status && refusal.word == word)
      #expect(refusal.header("Retry-After") == nil)
    }
  }

  private func put(_ body: String) -> HTTPResponse {
    bench.call("POST", "v1/pools/p/items", body)
  }

  @Test func aBodyOfItemsHasSoManyLines() {
    let most = Limits.itemsPerBody
    for (lines, status) in [(most - 1, 200), (most, 200), (most + 1, 413)] {
      // Blank lines are none.
      let body = String(repeating: "{\"payload\":1}\n \r\n", count: lines)
      #expect(put(body).status == status, "\(lines) lines")
    }
  }

  @Test func aLineOfItemsHasSoManyBytes() {
    let most = Limits.lineBytes
    for (bytes, status) in [(most - 1, 200), (most, 200), (most + 1, 400)] {
      let frame = #"{"payload":""}"#.utf8.count
      let line = #"{"payload":"\#(String(repeating: "x", count: bytes - frame))"}"#
      #expect(put(#"{"payload":1}"# + "\n" + line).status == status, "\(bytes) bytes")
    }
  }

  @Test func itemsOfABodyHaveTheLimitsOfAProducersLines() {
    func members(_ count: Int) -> String {
      let members = (0..<count).map { "\"a\($0)\":1" }.joined(separator: ",")
      return "{\"payload\":1,\"attributes\":{\(members)}}"
    }
    for (count, status) in [
      (Limits.attributes - 1, 200), (Limits.attributes, 200), (Limits.attributes + 1, 400),
    ] {
      #expect(put(members(count)).status == status, "\(count) attributes")
    }
  }

  /// Over HTTP, with the limits that a server has.
  @Test func bodiesHaveSoManyBytes() throws {
    // A slow test shall still be able to send all of what is refused.
    var limits = HTTPLimits()
    limits.lingerTime = 60_000
    let http = try HTTPServer(
      configuration: HTTPServer.Configuration(
        listeners: [.tcp(host: "127.0.0.1", port: 0)], limits: limits,
        bodyLimit: { API.bodyLimit(method: $0, path: $1) },
        errorResponse: { API.refusal(status: $0, detail: $1) })
    ) { [bench] in bench.api.handle($0, $1) }
    try http.start()
    defer { http.stop(drainFor: 0) }
    guard case .tcp(_, let port) = http.listeners[0] else { throw ConnectionError() }
    func status(_ target: String, _ text: String, _ bytes: Int) throws -> Int {
      let connection = try Connection(port: port)
      try connection.post(target, text + String(repeating: " ", count: bytes - text.utf8.count))
      return try connection.answer().status
    }
    for (bytes, isTaken) in [
      (Limits.bodyBytes - 1, true), (Limits.bodyBytes, true), (Limits.bodyBytes + 1, false),
    ] {
      let claimed = try status("/v1/pools/p/claims", #"{"user":"u-\#(bytes)"}"#, bytes)
      #expect(claimed == (isTaken ? 201 : 413), "\(bytes) bytes")
    }
    // Lines that are full of blanks: a single one would be too long.
    let line = #"{"payload":1}"# + String(repeating: " ", count: 999_000) + "\n"
    let lines = String(repeating: line, count: 8)
    for (bytes, isTaken) in [
      (Limits.itemsBodyBytes - 1, true), (Limits.itemsBodyBytes, true),
      (Limits.itemsBodyBytes + 1, false),
    ] {
      let stored = try status("/v1/pools/p/items", lines, bytes)
      #expect(stored == (isTaken ? 200 : 413), "\(bytes) bytes")
    }
  }
}
