/// A promise that did not hold.
package struct Violation: Error, Hashable, CustomStringConvertible {
  /// The check that failed: a shrunk history fails by the same one.
  package var check: String
  package var detail: String

  package var description: String { "\(check): \(detail)" }
}

/// Fails a check unless the condition holds.
func check(
  _ condition: Bool, _ name: String, _ detail: @autoclosure () -> String
) throws(Violation) {
  if !condition { throw Violation(check: name, detail: detail()) }
}

func same<Value: Equatable>(
  _ found: Value, _ expected: Value, _ name: String, _ what: @autoclosure () -> String = ""
) throws(Violation) {
  guard found != expected else { return }
  throw Violation(check: name, detail: "\(what()) is \(found), not \(expected)")
}

/// The simulated process died: not an error, but the way out of whatever was going on.
struct Crashed: Error {}
