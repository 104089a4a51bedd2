import Foundation
import Testing

@testable import Webhook

@Suite struct SignatureTests {
  /// RFC 4231, test cases 1, 2, 3 and 6.
  @Test(arguments: [
    (
      [UInt8](repeating: 0x0b, count: 20), Array("Hi There".utf8),
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    ),
    (
      Array("Jefe".utf8), Array("what do ya want for nothing?".utf8),
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    ),
    (
      [UInt8](repeating: 0xaa, count: 20), [UInt8](repeating: 0xdd, count: 50),
      "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
    ),
    (
      [UInt8](repeating: 0xaa, count: 131),
      Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    ),
  ])
  func theHashIsThatOfTheStandard(key: [UInt8], message: [UInt8], digest: String) {
    let bytes = WebhookSignature.hmacSHA256(message, key: key)
    #expect(bytes.map { String(format: "%02x", $0) }.joined() == digest)
  }

  @Test func base64IsFoundations() {
    for count in 0...70 {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ count) }
      #expect(WebhookSignature.base64(bytes) == Data(bytes).base64EncodedString())
    }
  }

  /// Computed with Python's hmac.
  @Test func theHeaderIsOverIdTimeAndBody() {
    let header = WebhookSignature.header(
      id: "0198c0de-0000-7000-8000-000000000001", timestamp: 1_700_000_000,
      body: #"{"claim":"c","name":"Zoë"}"#.utf8,
      key: Array("s3cret-".utf8) + [0, 0xff] + Array(" key".utf8))
    #expect(header == "v1,ALJbtAoaR+28ab3rDvwnMjIxlaMoWnegsAdLqYxE7es=")
  }
}
