/// I8: while disk and server are well and pools have stock, claims are quick and none is a 5xx.
struct SpeedChecks {
  /// What 99 of 100 claims take at most, in nanoseconds.
  static let p99: Int64 = 50_000_000
  /// Fewer claims in a span than this say nothing about the hundredth of them.
  static let fewest = 100

  let history: History

  func violations() -> [Violation] {
    history.healthy.flatMap { span in
      let claims = history.operations.filter {
        $0.action == .claim && span.contains($0.invoked) && span.contains($0.completed)
      }
      var found = claims.filter { $0.status >= 500 || $0.status == 0 }.prefix(3).map {
        Violation(.i8, .other, "a claim was not answered though all was well", [$0])
      }
      guard claims.count >= Self.fewest else { return found }
      let times = claims.map { $0.completed - $0.invoked }.sorted()
      let p99 = times[times.count * 99 / 100]
      if p99 >= Self.p99 {
        found.append(
          Violation(.i8, .other, "p99 of \(claims.count) claims is \(p99 / 1_000_000) ms"))
      }
      return found
    }
  }
}
