import Cron

extension PoolBuilder {
  /// A schedule's expression; its warnings become warnings here.
  mutating func cron(_ field: Field?) -> CronExpression? {
    guard let field, case .text(let text)? = field.value else { return nil }
    do throws(CronError) {
      let expression = try CronExpression.parse(text)
      for warning in expression.warnings {
        warn(field.range, warning)
      }
      return expression
    } catch {
      report(place(of: error, in: field, text: text), error.message, hint: error.hint)
      return nil
    }
  }

  /// The part of the expression that is wrong, where the file has its characters one by one
  /// (no escapes, one line); else the whole of it.
  private func place(of error: CronError, in field: Field, text: String) -> Range<Int> {
    guard let offset = error.offset else { return field.range }
    let length = text.unicodeScalars.count
    for quotes in [0, 1] {
      let start = field.range.lowerBound + quotes
      if source.text(start..<start + length) == text {
        return start + offset..<start + offset + max(error.length, 1)
      }
    }
    return field.range
  }

  /// A schedule's time zone, UTC where none is given.
  mutating func zone(_ field: Field?) -> Zone? {
    guard let field else { return .utc }
    guard case .text(let name)? = field.value else { return nil }
    do throws(ZoneError) {
      return try Zone.load(name)
    } catch {
      report(field.range, error.message, hint: error.hint)
      return nil
    }
  }
}
