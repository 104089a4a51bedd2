extension String {
  /// Whether it has the same bytes, as the database compares texts. `==` takes texts for the same that
  /// look alike.
  func hasBytes(of other: String) -> Bool {
    utf8.count == other.utf8.count && utf8.elementsEqual(other.utf8)
  }
}
