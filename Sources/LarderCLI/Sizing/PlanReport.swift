import Larder
import Pictures
import Sizing

/// A plan as the API answers with it, for people.
struct PlanReport {
  private let plan: JSONNode

  init(_ plan: JSONNode) {
    self.plan = plan
  }

  func text(withForecast: Bool) -> String {
    func part(_ name: String) -> String { plan[name]?.plain ?? "" }
    var text = "\(part("pool")): \(part("why"))\n"
    for name in ["order_why", "terms", "in_force"] { text += "  \(part(name))\n" }
    text = Terminal.printable(text, keepingLines: true)
    return withForecast ? text + "\n" + forecast : text
  }

  private var forecast: String {
    var table = Table([
      ("FROM", .left), ("USUAL", .right), ("EXPECTED", .right), ("80 %", .right),
    ])
    for hour in plan["forecast"]?.elements ?? [] {
      func number(_ name: String) -> String {
        hour[name].flatMap { Double($0.text) }.map { DecimalText.format($0, places: 1) } ?? "-"
      }
      table.add([
        hour["from"]?.plain ?? "", number("usual"), number("expected"),
        "\(hour["low"]?.plain ?? "") to \(hour["high"]?.plain ?? "")",
      ])
    }
    return table.text
  }

  /// The last hours, and what is expected of the next.
  var chart: StockChart {
    let past = plan["past"]?.elements ?? []
    let before = past.map { hour in
      StockChart.Column(demand: hour["requests"]?.int.map(Double.init))
    }
    let after = (plan["forecast"]?.elements ?? []).map { hour in
      let (low, high) = (Double(hour["low"]?.int ?? 0), Double(hour["high"]?.int ?? 0))
      return StockChart.Column(
        expected: hour["expected"].flatMap { Double($0.text) }, likely: low...max(low, high))
    }
    let start = past.first?["from"]?.string.flatMap(RFC3339.parse)?.bin ?? 0
    return StockChart(
      title: "\(plan["pool"]?.plain ?? ""): \(plan["order_why"]?.plain ?? "")",
      note: plan["terms"]?.plain ?? "", start: start, binsPerColumn: Grid.binsPerHour,
      columns: before + gap(until: after.isEmpty ? nil : firstForecast, from: start, before)
        + after,
      now: plan["at"]?.string.flatMap(RFC3339.parse)?.bin)
  }

  private var firstForecast: Int? {
    plan["forecast"]?.elements.first?["from"]?.string.flatMap(RFC3339.parse)?.bin
  }

  /// The present hour, of which neither is whole.
  private func gap(
    until end: Int?, from start: Int, _ before: [StockChart.Column]
  ) -> [StockChart.Column] {
    guard let end else { return [] }
    let missing = (end - start) / Grid.binsPerHour - before.count
    return Array(repeating: StockChart.Column(), count: max(0, min(missing, 1)))
  }
}
