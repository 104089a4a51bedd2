/// What phases did and found, to be summed.
package struct Tally: Sendable {
  /// Servers that were killed.
  package var kills = 0
  /// States that a disk might hold after a power loss, each recovered from.
  package var states = 0
  /// Errors of the disk, of descriptors and the like that were injected.
  package var ioFaults = 0
  /// Claims that were answered 2xx, and those of which nobody knew.
  package var ok = 0
  package var info = 0
  /// Mutants that were caught.
  package var mutants = 0
  package var violations: [Violation] = []

  package init() {}

  package init(_ history: History, _ violations: [Violation] = []) {
    ok = history.okClaims
    info = history.infoClaims
    self.violations = violations
  }

  package static func += (sum: inout Tally, part: Tally) {
    sum.kills += part.kills
    sum.states += part.states
    sum.ioFaults += part.ioFaults
    sum.ok += part.ok
    sum.info += part.info
    sum.mutants += part.mutants
    sum.violations += part.violations
  }

  package func count(_ kind: Violation.Kind) -> Int { violations.count { $0.kind == kind } }
}
