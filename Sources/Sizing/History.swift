/// The demand of the last weeks, by the hour, and of the last day by the bin. What nobody counted is
/// unknown, which is something else than 0.
struct History: Sendable, Equatable {
  /// -1: unknown.
  private var bins: Ring<Int32>
  /// Those of whose bins one is unknown are unknown.
  private var hours: Ring<Int32>
  /// The first bin that is known.
  private(set) var since: Int?
  private var lastKnown = 0

  /// A window may end in the middle of an hour, and calendars move hours by days.
  private static let keptBins = Grid.binsPerDay + Grid.binsPerHour
  private static let keptHours = Method.memoryHours + 5 * Grid.hoursPerDay

  init(start: Int) {
    bins = Ring(capacity: Self.keptBins, start: start)
    hours = Ring(capacity: Self.keptHours, start: Grid.hour(of: start))
  }

  /// The bin that comes next.
  var next: Int { bins.end }

  /// The hour that the next bin lies in.
  var hour: Int { Grid.hour(of: next) }

  /// Whether nothing was known for so long that the rest tells nothing any more.
  var isStale: Bool {
    since != nil && next - lastKnown > Method.memoryHours * Grid.binsPerHour
  }

  /// The first hour that is known as a whole.
  var firstHour: Int? { since.map { ceilDivide($0, by: Grid.binsPerHour) } }

  mutating func append(_ requests: Int?) {
    if requests != nil {
      since = since ?? next
      lastKnown = next
    }
    bins.append(requests.map { Int32(clamping: $0) } ?? -1)
    if next % Grid.binsPerHour == 0 {
      let sum = sum(from: next - Grid.binsPerHour)
      hours.append(sum.map { Int32(clamping: $0) } ?? -1)
    }
  }

  /// The requests of a bin of the last day; nil where they are unknown.
  func requests(of bin: Int) -> Int? { Self.known(bins[bin]) }

  /// The requests of an hour; nil where they are unknown.
  func requests(ofHour hour: Int) -> Int? { Self.known(hours[hour]) }

  /// The requests of `count` bins from the beginning of an hour on; nil where one is unknown.
  func requests(fromHour hour: Int, bins count: Int) -> Int? {
    let (whole, rest) = count.quotientAndRemainder(dividingBy: Grid.binsPerHour)
    var total = 0
    for hour in hour..<(hour + whole) {
      guard let requests = requests(ofHour: hour) else { return nil }
      total += requests
    }
    let start = Grid.bin(ofHour: hour + whole)
    for bin in start..<(start + rest) {
      guard let requests = requests(of: bin) else { return nil }
      total += requests
    }
    return total
  }

  /// The mean of the hours that are known.
  var meanHour: Double? {
    var total = 0.0
    var count = 0.0
    for hour in hours.start..<hours.end {
      guard let requests = requests(ofHour: hour) else { continue }
      total += Double(requests)
      count += 1
    }
    return count > 0 ? total / count : nil
  }

  private func sum(from start: Int) -> Int? {
    var total = 0
    for bin in start..<next {
      guard let requests = requests(of: bin) else { return nil }
      total += requests
    }
    return total
  }

  private static func known(_ requests: Int32?) -> Int? {
    requests.flatMap { $0 < 0 ? nil : Int($0) }
  }
}
