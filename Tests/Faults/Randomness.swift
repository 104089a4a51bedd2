/// Numbers that follow from a seed (SplitMix64).
package struct Randomness: RandomNumberGenerator, Sendable {
  private var state: UInt64

  package init(seed: UInt64) { state = seed }

  /// Numbers of their own for each purpose under the same seed.
  package init(seed: UInt64, purpose: String) {
    state = Self.mixed(seed, purpose: purpose)
  }

  /// A seed of its own for each purpose.
  package static func mixed(_ seed: UInt64, purpose: String) -> UInt64 {
    // FNV-1a, so that a purpose gives the same numbers in every process.
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in purpose.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    return seed ^ hash
  }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// Whether one of so many chances is met.
  package mutating func chance(_ part: Int, in whole: Int) -> Bool {
    Int.random(in: 0..<whole, using: &self) < part
  }
}
