import Testing

@testable import SQLiteStore

@Suite struct RecentFirstTests {
  /// All that can be done, beside a dictionary.
  @Test func itHoldsWhatADictionaryHolds() {
    var random = SeededGenerator(seed: 7)
    var tested = RecentFirst<Int, Int>()
    var model: [Int: Int] = [:]
    for step in 0..<20_000 {
      let key = Int.random(in: 0..<4, using: &random)
      switch Int.random(in: 0..<100, using: &random) {
      case 0:
        tested.removeAll()
        model = [:]
      case 1..<20:
        #expect(tested.take(key) == model.removeValue(forKey: key))
      case 20..<40:
        let value = step % 3 == 0 ? nil : step
        tested[key] = value
        model[key] = value
      case 40..<70:
        tested.change(key, default: -1) { $0 += step }
        model[key, default: -1] += step
      default:
        #expect(tested[key] == model[key])
      }
      #expect(tested.count == model.count && tested.isEmpty == model.isEmpty)
      #expect(
        Dictionary(uniqueKeysWithValues: tested.all.map { ($0.key, $0.value) }) == model)
    }
  }

  @Test func textsAreToldApartByTheirBytes() {
    #expect("\u{e9}" == "e\u{301}")
    #expect(!"\u{e9}".hasBytes(of: "e\u{301}"))
    #expect("e\u{301}".hasBytes(of: "e\u{301}"))
  }
}
