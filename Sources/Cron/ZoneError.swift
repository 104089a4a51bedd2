/// Why a time zone is refused.
package struct ZoneError: Error, Sendable, Equatable {
  /// What is wrong, for people.
  package let message: String
  /// What to write instead, such as the nearest names, if there is anything near.
  package let hint: String?

  /// An error about a zone.
  package init(message: String, hint: String?) {
    self.message = message
    self.hint = hint
  }
}
