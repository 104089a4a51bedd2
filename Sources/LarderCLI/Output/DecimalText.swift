/// Numbers with a fixed number of places.
enum DecimalText {
  static func format(_ number: Double, places: Int) -> String {
    guard number.isFinite, number.magnitude < 1e15 else { return "\(number)" }
    var scale = 1.0
    for _ in 0..<places { scale *= 10 }
    let scaled = Int((number.magnitude * scale).rounded())
    let sign = number < 0 && scaled > 0 ? "-" : ""
    let (whole, rest) = scaled.quotientAndRemainder(dividingBy: Int(scale))
    guard places > 0 else { return "\(sign)\(whole)" }
    let digits = String(rest)
    return "\(sign)\(whole)." + String(repeating: "0", count: places - digits.count) + digits
  }

  /// A number without places that say nothing: `5`, `0.5`.
  static func short(_ number: Double) -> String {
    number == number.rounded() && number.magnitude < 1e15 ? "\(Int(number))" : "\(number)"
  }

  /// A part in per cent with two places, cut, so that only all is 100.00%; `-` of nothing.
  static func percent(_ part: Int, of whole: Int) -> String {
    guard whole > 0 else { return "-" }
    let share = 10_000.0 * Double(part) / Double(whole)
    // What binary fractions leave of a hundredth must not be cut off with the rest.
    return format((share + 1e-9).rounded(.down) / 100, places: 2) + "%"
  }
}
