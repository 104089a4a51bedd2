/// Says of most users whom a run of the claims' index does not have that it does not have them: a
/// Bloom filter (Bloom, 1970) in parts of a page, each for a range of hashes, so that it can be
/// written in the order of the hashes.
struct UserFilter: Sendable {
  static let partBytes = 4000
  private static let partBits = partBytes * 8
  /// With 12 bits for a user and 6 probes one of 270 users passes wrongly.
  private static let bitsPerUser = 12
  private static let probes = 6

  let parts: Int
  private(set) var bytes: [UInt8]

  /// An empty filter with room for so many claims.
  init(claims: Int) {
    self.init(parts: max(1, (claims * Self.bitsPerUser + Self.partBits - 1) / Self.partBits))
  }

  init(parts: Int) {
    self.parts = parts
    bytes = [UInt8](repeating: 0, count: parts * Self.partBytes)
  }

  /// The memory that a filter of so many parts takes.
  static func bytes(parts: Int) -> Int { parts * partBytes }

  /// The part that a hash belongs to. It grows with the hash.
  func part(of hash: Int64) -> Int {
    let place = UInt64(bitPattern: hash) ^ (1 << 63)
    return Int(place.multipliedFullWidth(by: UInt64(parts)).high)
  }

  mutating func insert(_ hash: Int64) {
    let base = part(of: hash) * Self.partBytes
    for probe in 0..<Self.probes {
      let bit = Self.bit(probe, hash)
      bytes[base + bit >> 3] |= 1 << UInt8(bit & 7)
    }
  }

  func mayHave(_ hash: Int64) -> Bool {
    let base = part(of: hash) * Self.partBytes
    return bytes.withUnsafeBufferPointer { bytes in
      for probe in 0..<Self.probes {
        let bit = Self.bit(probe, hash)
        if bytes[base + bit >> 3] & 1 << UInt8(bit & 7) == 0 { return false }
      }
      return true
    }
  }

  private static func bit(_ probe: Int, _ hash: Int64) -> Int {
    let first = UInt32(truncatingIfNeeded: hash >> 1)
    let second = UInt32(truncatingIfNeeded: hash >> 17) | 1
    let mixed = UInt64(first &+ UInt32(probe) &* second)
    return Int((mixed * UInt64(partBits)) >> 32)
  }

  /// The bytes of a part.
  func content(of part: Int) -> [UInt8] {
    Array(bytes[(part * Self.partBytes)..<((part + 1) * Self.partBytes)])
  }

  /// Puts a part's bytes in their place.
  mutating func set(_ part: Int, _ content: UnsafeRawBufferPointer) {
    guard content.count == Self.partBytes, part < parts else { return }
    bytes.replaceSubrange(
      (part * Self.partBytes)..<((part + 1) * Self.partBytes), with: content)
  }
}
