import Larder

extension PoolBuilder {
  mutating func demand(_ fields: Fields?) -> DemandPolicy {
    var policy = DemandPolicy()
    guard let fields else { return policy }
    for item in fields.list("exclude") ?? [] {
      guard case .mapping(let span)? = item.value else { continue }
      if let excluded = excluded(span) { policy.excluded.append(excluded) }
    }
    for day in fields.days("days") {
      if day.date.weekday == day.weekday {
        warn(
          day.range, "this date is a \(Day.weekdays[day.weekday]) anyway",
          hint: "write the weekday that it is like instead, or leave the date out")
      }
      policy.days[day.date] = day.weekday
    }
    return policy
  }

  private mutating func excluded(_ span: Fields) -> Range<Instant>? {
    guard let from = span.instant("from"), let to = span.instant("to"), let place = span["to"]
    else {
      return nil
    }
    guard from < to else {
      report(
        place.range, "`demand.exclude.to` (\(span.text("to") ?? "")) is not after `from`",
        hint: "a span goes from its beginning to its end, which is not in it any more")
      return nil
    }
    return from..<to
  }
}
