import Cron
import Larder

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

  /// Fire times that are looked at for the shortest time between two.
  private static let comparedFires = 10

  /// Warns of a jitter that is longer than the time between two fire times: a time waits for those
  /// before it, so their runs come in bunches instead of spread.
  mutating func warnOfBunching(_ schedule: ScheduleSpec, at field: Field?) {
    guard let field, schedule.jitter > .zero else { return }
    var fires: [Int64] = []
    while fires.count < Self.comparedFires,
      let next = schedule.cron.next(after: fires.last ?? 0, in: schedule.zone)
    { fires.append(next) }
    let spans = zip(fires.dropFirst(), fires).map { $0 - $1 }
    guard let shortest = spans.min(), .seconds(shortest) < schedule.jitter else { return }
    let span = DurationText.format(.seconds(shortest))
    warn(
      field.range,
      "the runs come in bunches: the jitter is longer than the \(span) between two fire times",
      hint: "write at most \(span)")
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
