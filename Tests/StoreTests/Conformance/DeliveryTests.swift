import Larder
import Testing

@Suite struct DeliveryTests {
  @Test(arguments: StoreKind.all)
  func aFilledBackorderIsToldUntilItArrives(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", living("hold=30 webhook"))
    let first = try fixture.order("u")
    let second = try fixture.order("v")
    _ = try fixture.claim("w")
    #expect(try fixture.store.deliveries(at: start, limit: 9, without: []).due.isEmpty)
    try fixture.put(items(0..<2), at: start + .seconds(1))
    let now = start + .seconds(1)
    #expect(
      try fixture.store.deliveries(at: now - .milliseconds(1), limit: 9, without: []).next == now)
    let one = try fixture.store.deliveries(at: now, limit: 1, without: [])
    #expect(one.due.map(\.claim) == [first.id])
    #expect(one.next == now)
    let all = try fixture.store.deliveries(at: now, limit: 9, without: [])
    #expect(all.due.map(\.claim) == [first.id, second.id])
    #expect(all.next == nil)
    let body = JSONWriter.text { json in
      if let claim = try? fixture.shown(first) { claim.write(to: &json) }
    }
    #expect(all.due[0].body == String(decoding: body, as: UTF8.self))
    #expect(all.due[0].body.contains("\"payload\":0"))
    #expect(all.due.map(\.pool) == ["p", "p"])
    try fixture.store.failedDelivery(all.due[0].id, nextTryAt: start + .seconds(9))
    try fixture.store.delivered(all.due[1].id)
    try fixture.crash()
    let rest = try fixture.store.deliveries(at: now, limit: 9, without: [])
    #expect(rest.due.isEmpty)
    #expect(rest.next == start + .seconds(9))
    var tried = all.due[0]
    tried.attempts = 1
    #expect(
      try fixture.store.deliveries(at: start + .seconds(9), limit: 9, without: []).due == [tried])
    try fixture.store.delivered(tried.id)
    try fixture.store.delivered(tried.id)
    #expect(
      try fixture.store.deliveries(at: start + .seconds(99), limit: 9, without: []).due.isEmpty)
  }

  @Test(arguments: StoreKind.all)
  func withoutAWebhookNothingIsTold(_ kind: StoreKind) throws {
    let fixture = try kind.open()
    try fixture.adopt("p", living("hold=30"))
    _ = try fixture.order("u")
    try fixture.put(items(0..<1))
    #expect(
      try fixture.store.deliveries(at: start + .seconds(99), limit: 9, without: []).due.isEmpty)
  }
}
