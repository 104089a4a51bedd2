import Larder

/// Bounds on what a schedule file may say, besides those of `Limits`.
package enum FileLimits {
  /// Lists and mappings inside each other; the deepest key needs 4.
  package static let depth = 16
  /// Diagnostics of one file; the rest is counted.
  package static let diagnostics = 100
  /// Characters of a line that are shown with a diagnostic.
  package static let shownLine = 120
  /// Characters of a value that are shown in a message.
  package static let shownValue = 60
  /// Longer keys are not compared with the known ones.
  package static let comparedKey = 40
  package static let scheduleNameCharacters = 100
  package static let revisionCharacters = 255
  package static let arguments = 1...1000
  package static let concurrency = 1...Limits.producers.upperBound
  package static let attempts = 1...1000
  package static let breakerFailures = 1...1_000_000
  package static let stock = 0...Limits.poolMax
  package static let max = 1...Limits.poolMax
  package static let schedules = 0...Limits.schedulesPerPool
}
