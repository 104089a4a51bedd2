import Sizing

extension StockChart {
  /// A pool's last hours, and what is expected of the next.
  package init(title: String, note: String, planner: Planner, past: Int = 48, ahead: Int = 48) {
    let outlook = planner.outlook(hours: ahead)
    let present = outlook.first?.hour ?? Grid.hour(of: planner.next)
    let before = (present - past..<present).map { hour in
      Column(demand: planner.requests(ofHour: hour).map(Double.init))
    }
    let after = outlook.map { hour in
      Column(
        expected: hour.mean,
        likely: Double(hour.likely.lowerBound)...Double(hour.likely.upperBound))
    }
    self.init(
      title: title, note: note, start: Grid.bin(ofHour: present - past),
      binsPerColumn: Grid.binsPerHour, columns: before + after, now: planner.next)
  }
}
