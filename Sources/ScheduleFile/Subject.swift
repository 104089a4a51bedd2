/// What a message is about: a key with those above it, or an item of its list.
struct Subject: CustomStringConvertible {
  /// The key with those above it, `stock.target`.
  let path: String
  var isItem = false

  var description: String {
    isItem ? "an item of `\(path)`" : "`\(path)`"
  }

  /// The key alone, as a file writes it.
  var key: Substring {
    path.split(separator: ".").last ?? ""
  }

  var item: Subject {
    Subject(path: path, isItem: true)
  }
}
