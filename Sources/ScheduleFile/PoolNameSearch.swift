import Larder

/// Finds the pool's name in a file that YAML could not read as far as that.
enum PoolNameSearch {
  /// The value of the first line that begins with `pool:`, where it is a name for a pool.
  static func find(in source: SourceText) -> (text: String, range: Range<Int>)? {
    let key = Array("pool:".unicodeScalars)
    var start = 0
    while start < source.scalars.count {
      let line = source.restOfLine(from: start)
      if line.starts(with: key) {
        return name(in: line.dropFirst(key.count), source)
      }
      start = line.endIndex + 1
    }
    return nil
  }

  private static func name(
    in rest: ArraySlice<Unicode.Scalar>, _ source: SourceText
  ) -> (text: String, range: Range<Int>)? {
    let value = rest.drop { $0 == " " || $0 == "\"" || $0 == "'" }
    let name = value.prefix { $0 != " " && $0 != "\"" && $0 != "'" }
    let text = source.text(name.startIndex..<name.endIndex)
    return Pool.isValidName(text) ? (text, name.startIndex..<name.endIndex) : nil
  }
}
