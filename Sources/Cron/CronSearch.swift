extension CronExpression {
  /// The first fire instant strictly later than an instant, in seconds since the Unix epoch.
  ///
  /// Nil if none comes in the supported instants, or if every match of 400 years falls in a gap
  /// of local time.
  package func next(after instant: Int64, in zone: Zone) -> Int64? {
    let after = max(instant, SupportedInstants.earliest - 1)
    guard after < SupportedInstants.latest else { return nil }
    let found: Int64? =
      switch rule {
      case .every(let period):
        (floorDivide(after, by: period) + 1) * period
      case .calendar(let calendar) where calendar.isWallClock:
        // All that the clock has shown by now has fired by now, and nothing else has.
        calendar.first(atOrAfter: zone.latestLocal(through: after) + 1)
          .map(zone.firstInstant(reaching:))
      case .calendar(let calendar):
        calendar.firstInstant(atOrAfter: after + 1, in: zone)
      }
    return found.flatMap { $0 <= SupportedInstants.latest ? $0 : nil }
  }

  /// The last fire instant at or before an instant, in seconds since the Unix epoch.
  ///
  /// Nil if none came since `bound`, which limits the search.
  package func previous(
    atOrBefore instant: Int64, in zone: Zone, notBefore bound: Int64 = SupportedInstants.earliest
  ) -> Int64? {
    let from = min(instant, SupportedInstants.latest)
    let bound = max(bound, SupportedInstants.earliest)
    guard from >= bound else { return nil }
    let found: Int64? =
      switch rule {
      case .every(let period):
        floorDivide(from, by: period) * period
      case .calendar(let calendar) where calendar.isWallClock:
        calendar.last(atOrBefore: zone.latestLocal(through: from))
          .map(zone.firstInstant(reaching:))
      case .calendar(let calendar):
        calendar.lastInstant(atOrBefore: from, in: zone, notBefore: bound)
      }
    return found.flatMap { $0 >= bound ? $0 : nil }
  }

  /// The fire instants later than `after`, up to and including `through`: the newest `limit` of
  /// them, and how many there were.
  ///
  /// The search goes backwards and stops at `MissedTimes.countBound`, so that its cost doesn't
  /// grow with the stretch of time. A negative limit lists none.
  package func missed(
    after: Int64, through: Int64, in zone: Zone, limit: Int
  ) -> MissedTimes {
    let bound = after == .max ? after : after + 1
    var instants: [Int64] = []
    var count = 0
    var from = through
    while let instant = previous(atOrBefore: from, in: zone, notBefore: bound),
      instant > after
    {
      guard count < MissedTimes.countBound else {
        return MissedTimes(instants: instants.reversed(), count: count, countIsExact: false)
      }
      count += 1
      if count <= limit { instants.append(instant) }
      from = instant - 1
    }
    return MissedTimes(instants: instants.reversed(), count: count, countIsExact: true)
  }
}

extension CalendarRule {
  /// The first instant whose local time is selected.
  fileprivate func firstInstant(atOrAfter start: Int64, in zone: Zone) -> Int64? {
    let spread = zone.maximumOffset - zone.minimumOffset
    let limit = max(start, zone.ruleStart) + CivilDate.cycleDays * secondsPerDay
    var instant = start
    while instant <= limit {
      let segment = zone.segment(at: instant)
      guard let local = first(atOrAfter: instant + segment.offset) else { return nil }
      if local - segment.offset < segment.end { return local - segment.offset }
      // Nothing is selected from here to `local`. Once no overlap can bring the clock back to
      // before the present local time, the search may jump near to it.
      let mayJump = segment.end - instant >= spread
      instant = mayJump ? max(segment.end, local - zone.maximumOffset) : segment.end
    }
    return nil
  }

  /// The last instant whose local time is selected.
  fileprivate func lastInstant(
    atOrBefore start: Int64, in zone: Zone, notBefore bound: Int64
  ) -> Int64? {
    let spread = zone.maximumOffset - zone.minimumOffset
    var instant = start
    while instant >= bound {
      let segment = zone.segment(at: instant)
      guard let local = last(atOrBefore: instant + segment.offset) else { return nil }
      if local - segment.offset >= segment.start { return local - segment.offset }
      let before = segment.start - 1
      let mayJump = instant - before >= spread
      instant = mayJump ? min(before, local - zone.minimumOffset) : before
    }
    return nil
  }
}
