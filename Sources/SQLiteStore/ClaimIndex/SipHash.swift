/// SipHash-2-4 (Aumasson and Bernstein, https://www.aumasson.jp/siphash/siphash.pdf): a hash that
/// nobody who does not know its key can find collisions of.
struct SipHash {
  private var v0, v1, v2, v3: UInt64
  /// The bytes that do not fill a word yet, lowest first.
  private var rest: UInt64 = 0
  private var length = 0

  init(key: (UInt64, UInt64)) {
    v0 = key.0 ^ 0x736f_6d65_7073_6575
    v1 = key.1 ^ 0x646f_7261_6e64_6f6d
    v2 = key.0 ^ 0x6c79_6765_6e65_7261
    v3 = key.1 ^ 0x7465_6462_7974_6573
  }

  mutating func feed(_ byte: UInt8) {
    rest |= UInt64(byte) << UInt64(length & 7 * 8)
    length += 1
    if length & 7 == 0 {
      take(rest)
      rest = 0
    }
  }

  mutating func feed(_ bytes: UnsafeBufferPointer<UInt8>) {
    var at = 0
    while length & 7 != 0, at < bytes.count {
      feed(bytes[at])
      at += 1
    }
    while at + 8 <= bytes.count {
      take(
        UInt64(
          littleEndian: UnsafeRawBufferPointer(bytes).loadUnaligned(
            fromByteOffset: at, as: UInt64.self)))
      at += 8
      length += 8
    }
    while at < bytes.count {
      feed(bytes[at])
      at += 1
    }
  }

  mutating func feed(_ text: String) {
    var text = text
    text.withUTF8 { feed($0) }
  }

  mutating func finish() -> UInt64 {
    take(rest | UInt64(length & 0xff) << 56)
    v2 ^= 0xff
    for _ in 0..<4 { mix() }
    return v0 ^ v1 ^ v2 ^ v3
  }

  private mutating func take(_ word: UInt64) {
    v3 ^= word
    mix()
    mix()
    v0 ^= word
  }

  private mutating func mix() {
    v0 &+= v1
    v1 = Self.turn(v1, 13) ^ v0
    v0 = Self.turn(v0, 32)
    v2 &+= v3
    v3 = Self.turn(v3, 16) ^ v2
    v0 &+= v3
    v3 = Self.turn(v3, 21) ^ v0
    v2 &+= v1
    v1 = Self.turn(v1, 17) ^ v2
    v2 = Self.turn(v2, 32)
  }

  private static func turn(_ word: UInt64, _ by: UInt64) -> UInt64 {
    word << by | word >> (64 - by)
  }
}
