/// When a schedule fires: a cron expression, parsed.
///
/// It says nothing of a time zone; one comes in with each question about instants.
package struct CronExpression: Sendable, Hashable {
  /// The expression as written.
  package let source: String
  /// What is probably not meant, though it is valid; for people.
  package let warnings: [String]
  let rule: CronRule

  /// Parses an expression of five fields, of six with seconds first, or a macro.
  ///
  /// Throws if it is not valid, longer than the limit, or matches no date in 400 years.
  package static func parse(_ text: String) throws(CronError) -> CronExpression {
    let parsed = try CronParser.parse(text)
    return CronExpression(source: text, warnings: parsed.warnings, rule: parsed.rule)
  }
}

/// What an expression means.
enum CronRule: Sendable, Hashable {
  /// Fields, matched against local time.
  case calendar(CalendarRule)
  /// A fixed interval, counted from the Unix epoch.
  case every(seconds: Int64)
}
