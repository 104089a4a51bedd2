import CCrypto

/// What a receiver checks to know that a push is Larder's, and of its time.
package enum WebhookSignature {
  /// The value of `webhook-signature`: `v1,` and the base64 of HMAC-SHA256 over
  /// `id.timestamp.body`.
  ///
  /// - Parameters:
  ///   - id: the push's id, the same in every try.
  ///   - timestamp: the Unix time of this try in seconds.
  ///   - body: the exact bytes that are sent.
  ///   - key: at most 2 GiB.
  package static func header(
    id: String, timestamp: Int64, body: some Collection<UInt8>, key: [UInt8]
  ) -> String {
    "v1," + base64(hmacSHA256(Array("\(id).\(timestamp).".utf8) + body, key: key))
  }

  static func hmacSHA256(_ message: [UInt8], key: [UInt8]) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: Int(EVP_MAX_MD_SIZE)) { digest, count in
      var size: UInt32 = 0
      let result = HMAC(
        EVP_sha256(), key, Int32(key.count), message, message.count, digest.baseAddress, &size)
      precondition(result != nil, "libcrypto has no HMAC-SHA256")
      count = Int(size)
    }
  }

  static func base64(_ bytes: [UInt8]) -> String {
    // Four characters for three bytes or fewer, and the NUL that libcrypto adds.
    String(unsafeUninitializedCapacity: (bytes.count + 2) / 3 * 4 + 1) { text in
      Int(EVP_EncodeBlock(text.baseAddress, bytes, Int32(bytes.count)))
    }
  }
}
