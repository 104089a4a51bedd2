/// The known word that was probably meant; nil where none is near.
func nearest(to word: String, among known: [String]) -> String? {
  let scalars = Array(word.lowercased().unicodeScalars)
  guard scalars.count <= FileLimits.comparedKey else { return nil }
  let ranked = known.map { (word: $0, distance: distance(scalars, Array($0.unicodeScalars))) }
  guard let best = ranked.min(by: { $0.distance < $1.distance }) else { return nil }
  return best.distance <= max(1, scalars.count / 3) ? best.word : nil
}

/// How many letters have to be put in, left out, replaced or swapped with their neighbour to make
/// one word of the other.
private func distance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
  var older = [Int](repeating: 0, count: right.count + 1)
  var previous = Array(0...right.count)
  for (row, letter) in left.enumerated() {
    var current = [row + 1]
    for (column, other) in right.enumerated() {
      var best = min(
        previous[column + 1] + 1, current[column] + 1, previous[column] + (letter == other ? 0 : 1))
      if row > 0, column > 0, letter == right[column - 1], left[row - 1] == other {
        best = min(best, older[column - 1] + 1)
      }
      current.append(best)
    }
    (older, previous) = (previous, current)
  }
  return previous[right.count]
}

/// Words for a sentence: `a`, `b` or `c`.
func alternatives(_ words: [String]) -> String {
  let quoted = words.map { "`\($0)`" }
  guard let last = quoted.last, quoted.count > 1 else { return quoted.first ?? "" }
  return quoted.dropLast().joined(separator: ", ") + " or " + last
}
