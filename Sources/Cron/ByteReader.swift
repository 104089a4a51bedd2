/// Reads bytes of a file that may be cut or garbled: what isn't there is nil, never a trap.
struct ByteReader {
  private let bytes: [UInt8]
  private(set) var position = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The next byte, without taking it.
  var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

  /// Takes the next byte.
  mutating func byte() -> UInt8? {
    guard let byte = peek else { return nil }
    position += 1
    return byte
  }

  /// Takes the next byte if it is the given one.
  mutating func take(_ expected: UInt8) -> Bool {
    guard peek == expected else { return false }
    position += 1
    return true
  }

  /// Passes over bytes; false if there are fewer.
  mutating func skip(_ count: Int) -> Bool {
    guard count >= 0, count <= bytes.count - position else { return false }
    position += count
    return true
  }

  /// Takes a big-endian number of 1 to 8 bytes, unsigned in the low bits.
  mutating func bigEndian(width: Int) -> UInt64? {
    guard width <= bytes.count - position else { return nil }
    var value: UInt64 = 0
    for _ in 0..<width {
      value = value << 8 | UInt64(bytes[position])
      position += 1
    }
    return value
  }

  /// Takes a big-endian number of four bytes in two's complement.
  mutating func int32() -> Int64? {
    bigEndian(width: 4).map { Int64(Int32(truncatingIfNeeded: $0)) }
  }

  /// Takes a big-endian number of eight bytes in two's complement.
  mutating func int64() -> Int64? {
    bigEndian(width: 8).map { Int64(bitPattern: $0) }
  }
}
