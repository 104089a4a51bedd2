/// Why a cron expression is refused, and where.
package struct CronError: Error, Sendable, Equatable {
  /// What is wrong, for people.
  package let message: String
  /// What to write instead, if there is a likely wish.
  package let hint: String?
  /// Where the bad part begins, in Unicode scalars from the start of the expression (from 0);
  /// nil if the whole expression is meant.
  package let offset: Int?
  /// The length of the bad part in Unicode scalars, at least 1; 0 without an offset.
  package let length: Int

  /// An error about a part of an expression.
  package init(message: String, hint: String?, offset: Int?, length: Int) {
    self.message = message
    self.hint = hint
    self.offset = offset
    self.length = length
  }
}
