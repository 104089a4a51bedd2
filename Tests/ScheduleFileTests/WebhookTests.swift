import Larder
import Testing

@testable import ScheduleFile

@Suite struct WebhookTests {
  /// Where results may be pushed to, without a warning.
  static let addresses = [
    "https://example.org", "https://example.org/", "https://example.org:8443/hook",
    "https://a_b.example-2.org./x/y;z=1?q=[a]&r=%C3%a4/?", "https://example.org?x",
    "https://192.0.2.1/", "https://[2001:db8::1]:443/", "http://localhost", "http://LocalHost:9/a",
    "http://127.0.0.1:65535", "http://127.255.0.9/", "http://[::1]:1/x", "http://[0:0:0:0:0:0:0:1]",
    "https://example.org/@a:b", "https://example.org/" + String(repeating: "a", count: 2028),
  ]

  /// What is no address, as far as a schema can say it too.
  static let noAddresses = [
    "", " ", "None", "example.org", "//example.org/", "ftp://example.org", "HTTPS://example.org",
    "https:/example.org", "https:example.org", "https://", "https:///hook", "https://:80/",
    "https://?a", "https://.", "https://a..b", "https://.a", "https://user@example.org/",
    "https://user:word@example.org/", "https://@example.org/", "https://example.org/#a",
    "https://example.org#", "https://example.org:/", "https://example.org:+1/",
    "https://example.org:123456/", "https://example.org:8o/", "https://[::1", "https://[]/",
    "https://[::1]a/", "https://[fe80::1%25lo]/", "https://::1/", "https://exa mple.org/",
    "https://example.org/a b", "https://example.org/\u{E9}", "https://\u{E9}.org/",
    "https://example.org/%", "https://example.org/%2", "https://example.org/%2g",
    "https://example.org/<a>", "https://example.org/a|b", "https://example.org/{id}",
    " https://example.org", "https://example.org/" + String(repeating: "a", count: 2029),
  ]

  static func file(_ address: String) -> String {
    "pool: p\nclaims: {webhook: {url: '\(address)', secret: ./key}}\n"
  }

  @Test(arguments: addresses)
  func anAddressReachesTheModel(_ address: String) {
    let parsed = Data.parse(Self.file(address))
    #expect(parsed.diagnostics == [])
    #expect(
      parsed.pool?.claims.webhook == WebhookSpec(url: address, secret: "/srv/Schedules/key"))
  }

  /// Some have keys in them, so that no message may repeat them.
  @Test(arguments: noAddresses + ["https://example.org:0", "https://a:65536/", "https://[:::]/"])
  func whatIsNoAddressIsOneErrorThatDoesNotRepeatIt(_ address: String) {
    let parsed = Data.parse(Self.file(address))
    #expect(parsed.pool == nil)
    #expect(parsed.diagnostics.map(\.severity) == [.error])
    #expect(parsed.diagnostics.map(\.line) == [2])
    let message = parsed.diagnostics.first?.message ?? ""
    #expect(message.hasPrefix("`claims.webhook.url` "))
    #expect(address.count < 10 || !message.contains(address))
  }

  @Test(arguments: [
    "http://example.org/", "http://128.0.0.1/", "http://[::2]/", "http://localhost.example.org/",
    "http://127.0.0.1.example.org/", "http://[2001:db8::1]/", "http://126.255.255.255",
  ])
  func payloadsThatLeaveTheMachineInTheClearAreWarnedOf(_ address: String) {
    let parsed = Data.parse(Self.file(address))
    #expect(parsed.pool?.claims.webhook?.url == address)
    #expect(parsed.diagnostics.map(\.severity) == [.warning])
    #expect(parsed.diagnostics.first?.message.contains("unencrypted") == true)
  }

  @Test(arguments: [
    ("{url: 'https://a'}", Diagnostic.Severity.error),
    ("{url: 'https://a', secret: none}", .error),
    ("{secret: ./key}", .warning), ("{url: none, secret: ./key}", .warning),
    ("{url: none, secret: none}", nil), ("{secret: none}", nil), ("{}", nil),
    ("{url: nowhere, secret: ./key}", .error), ("{url: nowhere}", .error),
    ("{url: 'https://a', secret: ''}", .error), ("{secret: ''}", .error),
  ])
  func anAddressAndItsSecretBelongTogether(_ webhook: String, _ severity: Diagnostic.Severity?) {
    let parsed = Data.parse("pool: p\nclaims: {webhook: \(webhook)}\n")
    #expect(parsed.diagnostics.map(\.severity) == (severity.map { [$0] } ?? []))
    #expect((parsed.pool == nil) == (severity == .error))
    #expect(parsed.pool?.claims.webhook == nil)
  }

  @Test(arguments: [
    ("secrets/key", "/srv/Schedules/secrets/key"), ("../key", "/srv/key"), ("/etc/key", "/etc/key"),
    ("./none", "/srv/Schedules/none"),
  ])
  func aSecretIsFoundFromTheFilesFolder(_ path: String, _ absolute: String) {
    let text = "pool: p\nclaims: {webhook: {url: 'https://a', secret: \(path)}}\n"
    #expect(Data.parse(text).pool?.claims.webhook?.secret == absolute)
  }
}
