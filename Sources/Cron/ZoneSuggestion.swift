/// Finds what was meant by a name that no zone has.
enum ZoneSuggestion {
  /// Names suggested at most.
  private static let limit = 3
  /// Longer texts are not compared: no name is nearly as long.
  private static let lengthLimit = 64

  /// A hint for an unknown name, or nil if nothing is near.
  static func hint(_ text: String, names: [String]) -> String? {
    if text.isEmpty { return "write an IANA name such as Europe/Berlin, or UTC" }
    if let hint = fixedOffset(text) { return hint }
    guard text.utf8.count <= lengthLimit else { return nil }
    let nearest = nearest(text, names: names)
    if nearest.isEmpty { return "write an IANA name such as Europe/Berlin, or UTC" }
    return "did you mean \(nearest.joined(separator: " or "))?"
  }

  /// The names nearest to a text, best first.
  static func nearest(_ text: String, names: [String]) -> [String] {
    let wanted = folded(text)
    let tolerance = max(2, wanted.count / 3)
    var found: [(distance: Int, name: String)] = []
    for name in names {
      let whole = folded(name)
      let city = whole.split(separator: UInt8(ascii: "/")).last.map(Array.init) ?? whole
      // Someone who leaves out the region, or takes a wrong one, still has the city right.
      let wantedCity = wanted.split(separator: UInt8(ascii: "/")).last.map(Array.init) ?? wanted
      let cityDistance = distance(wantedCity, city)
      let byCity = cityDistance <= wantedCity.count / 4 ? cityDistance + 1 : Int.max
      // `PST` is the beginning of PST8PDT, and a region that of its places.
      let byBeginning = wanted.count > 2 && whole.starts(with: wanted) ? 0 : Int.max
      let distance = min(distance(wanted, whole), byCity, byBeginning)
      if distance <= tolerance { found.append((distance, name)) }
    }
    found.sort { ($0.distance, $0.name) < ($1.distance, $1.name) }
    // What is much farther than the best is noise beside it.
    let reach = (found.first?.distance ?? 0) + 1
    return found.prefix(limit).filter { $0.distance <= reach }.map(\.name)
  }

  /// The hint for `GMT+5`, `UTC-03:00` and the like: zones of this name have inverted signs.
  private static func fixedOffset(_ text: String) -> String? {
    var rest = text.uppercased()[...]
    for prefix in ["UTC", "GMT"] where rest.hasPrefix(prefix) { rest = rest.dropFirst(3) }
    guard let sign = rest.first, sign == "+" || sign == "-" else { return nil }
    let parts = rest.dropFirst().split(separator: ":", omittingEmptySubsequences: false)
    guard let hours = parts.first.flatMap({ Int($0) }), (0...14).contains(hours) else { return nil }
    guard parts.count == 1 || (parts.count == 2 && parts[1] == "00"),
      sign == "+" || hours <= 12
    else { return "write the IANA name of a place with this offset" }
    return "for UTC\(sign)\(hours) all year write Etc/GMT\(sign == "+" ? "-" : "+")\(hours) "
      + "(its sign is inverted), or the IANA name of a place"
  }

  /// Lower case, with spaces as the underscores of the names.
  private static func folded(_ text: String) -> [UInt8] {
    text.utf8.map { byte in
      switch byte {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte | 0x20
      case UInt8(ascii: " "): UInt8(ascii: "_")
      default: byte
      }
    }
  }

  /// How many bytes must be inserted, deleted, replaced or swapped with their neighbour.
  static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var older: [Int] = []
    var previous = Array(0...right.count)
    for (row, byte) in left.enumerated() {
      var current = [row + 1]
      for (column, other) in right.enumerated() {
        var best = min(previous[column + 1], current[column]) + 1
        best = min(best, previous[column] + (byte == other ? 0 : 1))
        if row > 0, column > 0, byte == right[column - 1], left[row - 1] == other {
          best = min(best, older[column - 1] + 1)
        }
        current.append(best)
      }
      older = previous
      previous = current
    }
    return previous[right.count]
  }
}
