import Engine
import Larder
import Webhook

/// What a server tells on standard error, a line each.
enum Log {
  static func line(_ text: String) {
    Terminal.error("\(RFC3339.format(Instant.now())) \(Terminal.printable(text))\n")
  }

  /// Why the server ends by itself.
  static func lost(_ error: StoreError) {
    if case .unknownCommit = error {
      line("\(error); stopping, since only a restart can find out")
    } else {
      line("\(error); stopping")
    }
  }

  /// Definitions that came into force while serving, and pools that were retired.
  static func changes(_ changes: DefinitionChanges) {
    for definition in changes.adopted {
      line("\(definition.pool.name): \(definition.file) is in force")
    }
    retired(changes.retired)
  }

  static func retired(_ pools: [String]) {
    for pool in pools { line("\(pool) is retired: no schedule file declares it") }
  }

  /// A try of a slice that failed.
  static func setback(_ setback: Setback) {
    line(
      "\(setback.pool): run \(setback.run) slice \(setback.slice) failed at try "
        + "\(setback.attempt) of \(setback.attempts), the next at "
        + "\(RFC3339.format(setback.nextTryAt)): \(setback.why)")
  }

  /// A try of a push that failed.
  static func setback(_ setback: WebhookSetback) {
    line(
      "\(setback.pool): push \(setback.id) of claim \(setback.claim) failed at try "
        + "\(setback.attempt), the next at \(RFC3339.format(setback.nextTryAt)): \(setback.why)")
  }

  /// A run that ended or was skipped.
  static func ended(_ run: Run) {
    var text = "\(run.pool): run \(run.id) "
    if let schedule = run.schedule, let nominalAt = run.nominalAt {
      text += "(\(schedule) of \(RFC3339.format(seconds: nominalAt.seconds))) "
    } else {
      text += "(\(run.reason.rawValue)) "
    }
    text += run.state.rawValue
    if run.startedAt != nil { text += ", \(run.stored) of \(run.asked) items stored" }
    if let why = run.why { text += ": \(why)" }
    line(text)
  }
}
