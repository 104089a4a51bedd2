/// A time zone: the offset from UTC at every instant, as the system's tz database has it.
///
/// Gaps and overlaps of local time come from the offsets alone; flags and abbreviations of the
/// database are not kept.
package struct Zone: Sendable, Equatable {
  /// The IANA name.
  package let name: String
  /// Instants at which the offset may change, ascending.
  let transitions: [Int64]
  /// The offset before the first transition, then the one from each transition on.
  let offsets: [Int64]
  /// The rule that holds from `ruleStart` on, where there is one.
  let rule: FooterRule?
  /// The last transition of the table; the rule holds always if there is none.
  let ruleStart: Int64
  /// The smallest offset that the zone ever has.
  let minimumOffset: Int64
  /// The largest offset that the zone ever has.
  let maximumOffset: Int64

  /// Coordinated Universal Time, whatever the database says.
  package static let utc = Zone(
    name: "UTC", transitions: [], offsets: [0], rule: nil, ruleStart: 0)

  /// Offsets that RFC 9636 recommends as bounds; a file with others is taken for corrupt.
  static let offsetBounds: ClosedRange<Int64> = -89_999...93_599

  init(
    name: String, transitions: [Int64], offsets: [Int64], rule: FooterRule?, ruleStart: Int64
  ) {
    let all = offsets + (rule?.offsets ?? [])
    self.name = name
    self.transitions = transitions
    self.offsets = offsets
    self.rule = rule
    self.ruleStart = ruleStart
    minimumOffset = all.min() ?? 0
    maximumOffset = all.max() ?? 0
  }

  /// Seconds east of UTC at an instant (seconds since the Unix epoch).
  ///
  /// Instants outside `SupportedInstants` have the offset of the nearest one inside.
  package func offset(at instant: Int64) -> Int64 {
    segment(at: SupportedInstants.clamp(instant)).offset
  }

  /// The stretch of constant offset that an instant lies in.
  func segment(at instant: Int64) -> ZoneSegment {
    if let rule, instant >= ruleStart {
      var segment = rule.segment(at: instant)
      segment.start = max(segment.start, ruleStart)
      return segment
    }
    let later = firstTransition(after: instant)
    return ZoneSegment(
      start: later > 0 ? transitions[later - 1] : SupportedInstants.distantPast,
      end: later < transitions.count ? transitions[later] : SupportedInstants.distantFuture,
      offset: offsets[later])
  }

  /// The index of the first transition later than an instant.
  private func firstTransition(after instant: Int64) -> Int {
    var low = 0
    var high = transitions.count
    while low < high {
      let middle = (low + high) / 2
      if transitions[middle] > instant { high = middle } else { low = middle + 1 }
    }
    return low
  }

  /// The latest local time that the zone's clock has shown up to an instant.
  ///
  /// It is the present local time, or a later one in the second pass of an overlap.
  func latestLocal(through instant: Int64) -> Int64 {
    var segment = segment(at: instant)
    var latest = instant + segment.offset
    // Earlier than this, no offset of the zone could have brought the clock so far.
    let horizon = instant - (maximumOffset - minimumOffset)
    while segment.start > horizon {
      let last = segment.start - 1
      segment = self.segment(at: last)
      latest = max(latest, last + segment.offset)
    }
    return latest
  }

  /// The first instant at which the zone's clock has shown a local time or a later one.
  ///
  /// It is the first pass of an overlap, and the first instant after a gap.
  func firstInstant(reaching local: Int64) -> Int64 {
    var segment = segment(at: local - maximumOffset)
    while true {
      let instant = max(segment.start, local - segment.offset)
      if instant < segment.end { return instant }
      segment = self.segment(at: segment.end)
    }
  }
}
