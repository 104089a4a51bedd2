/// What is wrong with a JSON text, and where.
package struct JSONError: Error, Sendable, Hashable, CustomStringConvertible {
  package let message: String
  /// The offending byte, counted from 0.
  package let offset: Int

  package var description: String { "\(message) at byte \(offset + 1)" }
}
