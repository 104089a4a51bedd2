import Foundation
import Harness
import Testing

/// Webhooks, with a program that receives what is pushed.
@Suite struct PushTests {
  private let secret = "SECRET-5b1e"
  private let marker = "PAYLOAD-c0de"

  /// A pool that is filled by hand and pushes to a receiver, served.
  private func withReceiver(
    plan: String = "200", mode: Int = 0o600, environment: [String: String] = [:],
    _ body: (Workspace, Receiver, ServerProcess) throws -> Void
  ) throws {
    try Workspace.with { workspace in
      let receiver = try Receiver(workspace, secret: secret, plan: plan)
      // The last newline is no part of the key.
      try workspace.write("Schedules/hook.key", secret + "\n", mode: mode)
      try declare(workspace, webhook: "{url: '\(receiver.url)/hook?a=b', secret: ./hook.key}")
      try body(workspace, receiver, try workspace.serve(environment: environment))
    }
  }

  private func declare(_ workspace: Workspace, webhook: String) throws {
    try workspace.declare("codes", "claims: {per_user: 0, webhook: \(webhook)}")
  }

  private func put(_ numbers: Range<Int>, _ server: ServerProcess) throws {
    let lines = numbers.map { #"{"payload": "\#(marker)-\#($0)", "key": "k-\#($0)"}"# }
    let answer = try server.http.post("/v1/pools/codes/items", lines.joined(separator: "\n"))
    #expect(answer.status == 200)
  }

  private func backorder(_ user: String, _ server: ServerProcess) throws -> String {
    let answer = try server.http.claim("codes", user, more: #""on_miss": "backorder""#)
    #expect(answer.status == 202)
    return try #require(answer.json["claim"].string)
  }

  private func recall(_ server: ServerProcess) throws {
    let window = #"{"made_from": "2000-01-01T00:00:00Z", "made_to": "2999-01-01T00:00:00Z"}"#
    #expect(try server.http.post("/v1/pools/codes/recall", window).status == 200)
  }

  private func expectSecrecy(_ server: ServerProcess) {
    #expect(!server.child.errors.contains(marker))
    #expect(!server.child.errors.contains(secret))
    #expect(server.child.output.isEmpty)
  }

  @Test func aFilledBackorderIsPushedAndSigned() throws {
    try withReceiver { _, receiver, server in
      try put(0..<1, server)
      // Who got an item at once has its answer already.
      #expect(try server.http.claim("codes", "u-1").status == 201)
      let claims = try ["u-2", "ü/3"].map { try backorder($0, server) }
      try put(1..<3, server)
      let pushes = try receiver.pushes(2)
      #expect(pushes.count == 2 && Set(pushes.map(\.id)).count == 2)
      #expect(Set(pushes.compactMap { $0.json["claim"].string }) == Set(claims))
      for push in pushes {
        #expect(push.isSigned && push.path == "/hook?a=b")
        #expect(push.header("content-type") == "application/json")
        let timestamp = try #require(Double(push.header("webhook-timestamp")))
        #expect(timestamp == timestamp.rounded() && timestamp <= push.receivedAt)
        let claim = try server.http.get("/v1/claims/\(push.json["claim"].string ?? "")")
        #expect(push.body == claim.text && push.state == "claimed")
      }
      expectSecrecy(server)
    }
  }

  @Test func noProxyOfTheEnvironmentIsUsed() throws {
    // Nobody listens on that port: a push that went there would fail.
    let proxy = "http://127.0.0.1:\(try FreePort.find())"
    let names = ["http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"]
    let environment = Dictionary(uniqueKeysWithValues: names.map { ($0, proxy) })
    try withReceiver(environment: environment) { _, receiver, server in
      let claim = try backorder("u-1", server)
      try put(0..<1, server)
      #expect(try receiver.pushes(1).map { $0.json["claim"] } == [.string(claim)])
      #expect(!server.child.errors.contains("failed"))
    }
  }

  @Test func aPushThatFailsIsTriedAgainWithTheSameId() throws {
    try withReceiver(plan: "500 404 204") { _, receiver, server in
      let claim = try backorder("u-1", server)
      try put(0..<1, server)
      let pushes = try receiver.pushes(3)
      #expect(Set(pushes.map(\.id)).count == 1 && Set(pushes.map(\.body)).count == 1)
      #expect(pushes.allSatisfy { $0.isSigned && $0.json["claim"] == .string(claim) })
      try eventually("the log of two tries") {
        let log = server.child.errors
        return log.contains("at try 1,") && log.contains("the host answered 500")
          && log.contains("at try 2,") && log.contains("the host answered 404")
      }
      // What arrived is not sent again: the next push is the next claim's.
      _ = try backorder("u-2", server)
      try put(1..<2, server)
      #expect(try receiver.pushes(4)[3].json["user"] == .string("u-2"))
      #expect(receiver.pushes().count == 4)
      expectSecrecy(server)
    }
  }

  @Test(arguments: [true, false])
  func aPushThatTheServersEndCutOffIsTriedAgainAfterTheStart(isKilled: Bool) throws {
    try withReceiver(plan: "hang") { workspace, receiver, server in
      _ = try backorder("u-1", server)
      try put(0..<1, server)
      let first = try receiver.pushes(1)[0]
      if isKilled { try server.kill() } else { #expect(try server.stop() == 0) }
      try receiver.answer("200")
      let next = try workspace.serve()
      let pushes = try receiver.pushes(2)
      #expect(pushes[1].id == first.id && pushes[1].body == first.body && pushes[1].isSigned)
      _ = try backorder("u-2", next)
      try put(1..<2, next)
      #expect(try receiver.pushes(3)[2].id != first.id)
      expectSecrecy(server)
      expectSecrecy(next)
    }
  }

  @Test func aClaimsPushesGoOneAfterTheOther() throws {
    try withReceiver(plan: "hang") { _, receiver, server in
      let claim = try backorder("u-1", server)
      try put(0..<1, server)
      let first = try receiver.pushes(1)[0]
      try recall(server)
      let recalled = try server.http.get("/v1/claims/\(claim)")
      #expect(recalled.json["state"] == .string("recalled"))
      // Another claim's pushes wait for nobody.
      _ = try backorder("u-2", server)
      try put(1..<2, server)
      #expect(try receiver.pushes(2)[1].json["user"] == .string("u-2"))
      try receiver.answer("500 500 200")
      let own = try eventually("the second push of the claim") {
        let own = receiver.pushes().filter { $0.json["claim"] == .string(claim) }
        return own.last?.state == "recalled" ? own : nil
      }
      // It is as the claim was when it was filled, whatever became of it meanwhile.
      #expect(own.dropLast().allSatisfy { $0.id == first.id && $0.body == first.body })
      #expect(own.last?.id != first.id && own.last?.body == recalled.text)
      expectSecrecy(server)
    }
  }

  @Test func aRecallTellsWhoHasItems() throws {
    try withReceiver { _, receiver, server in
      try put(0..<3, server)
      let claimed = try server.http.claim("codes", "u-1")
      let held = try server.http.claim("codes", "u-2", more: #""hold": "5m""#)
      #expect(claimed.status == 201 && held.status == 201)
      try recall(server)
      let pushes = try receiver.pushes(2)
      #expect(
        Set(pushes.compactMap { $0.json["claim"].string })
          == Set([claimed, held].compactMap { $0.json["claim"].string }))
      for push in pushes {
        #expect(push.isSigned && push.state == "recalled" && push.json["items"] == .array([]))
      }
      // Nobody is told of the third, which nobody had, nor twice.
      try recall(server)
      _ = try backorder("u-3", server)
      try put(3..<4, server)
      #expect(try receiver.pushes(3)[2].json["user"] == .string("u-3"))
    }
  }

  @Test func noRedirectIsFollowed() throws {
    try withReceiver(plan: "307>/elsewhere 302>/elsewhere 200") { _, receiver, server in
      _ = try backorder("u-1", server)
      try put(0..<1, server)
      let pushes = try receiver.pushes(3)
      #expect(pushes.allSatisfy { $0.path == "/hook?a=b" && $0.id == pushes[0].id })
      let log = server.child.errors
      #expect(log.contains("the host answered 307: redirects are not followed"))
      expectSecrecy(server)
    }
  }

  @Test func aSecretThatOthersCanReadIsNotUsed() throws {
    try withReceiver(mode: 0o644) { workspace, receiver, server in
      _ = try backorder("u-1", server)
      try put(0..<1, server)
      try eventually("the log of a try") {
        server.child.errors.contains("has mode 0644; it must be 0400 or 0600")
      }
      #expect(receiver.pushes().isEmpty)
      try workspace.write("Schedules/hook.key", secret, mode: 0o400)
      #expect(try receiver.pushes(1)[0].isSigned)
      expectSecrecy(server)
    }
  }

  @Test func whatAPoolWithoutAWebhookHadToPushIsDropped() throws {
    try withReceiver(plan: "500") { workspace, receiver, server in
      _ = try backorder("u-1", server)
      try put(0..<1, server)
      _ = try receiver.pushes(1)
      try declare(workspace, webhook: "{}")
      try eventually("the end of the push") {
        server.child.errors.contains("is dropped: the pool has no webhook any more")
      }
      expectSecrecy(server)
    }
  }
}
