import Larder

/// Bounds on what a schedule file may say, besides those of `Limits`.
enum FileLimits {
  /// Lists and mappings inside each other; the deepest key needs 4.
  static let depth = 16
  /// Diagnostics of one file; the rest is counted.
  static let diagnostics = 100
  /// Characters of a line that are shown with a diagnostic.
  static let shownLine = 120
  /// Characters of a value that are shown in a message.
  static let shownValue = 60
  /// Longer keys are not compared with the known ones.
  static let comparedKey = 40
  static let scheduleNameCharacters = 100
  static let revisionCharacters = 255
  /// A command's arguments, the program included.
  static let arguments = 1...1000
  /// Runs of one pool at once: no more producers run over all pools.
  static let concurrency = 1...Limits.producers.upperBound
  /// Tries of a slice.
  static let attempts = 1...1000
  static let breakerFailures = 1...1_000_000
  /// Targets, reorder points and items of one user.
  static let stock = 0...Limits.poolMax
  static let max = 1...Limits.poolMax
  /// What a miss, a wasted item or one that is held may cost: 9 digits.
  static let costs = 0.0...999_999_999.0
  /// The longest that a schedule's runs start after their nominal times.
  static let jitter = Duration.seconds(86_400)
  /// The longest hold that a pool may allow.
  static let hold = Duration.seconds(30 * 86_400)
  /// The longest that a backorder may wait.
  static let backorderTimeout = Duration.seconds(30 * 86_400)
  static let webhookURLBytes = 2048
  static let schedules = 0...Limits.schedulesPerPool
  static let excludedSpans = 0...Limits.excludedSpans
  static let dayOverrides = 0...Limits.dayOverrides
}
