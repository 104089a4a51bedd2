import Sizing

/// The shapes of a chart: panels above one axis of time.
struct StockDrawing {
  private let chart: StockChart
  private(set) var svg: SVG

  private static let width = 1000.0
  private static let left = 64.0
  private static let right = 984.0
  private static let demand = 84.0...284.0
  private static let stock = 316.0...456.0
  private static let missed = 484.0...532.0
  private static let wasted = 556.0...604.0

  /// Whether there is more to draw than demand.
  private let hasStock: Bool

  init(_ chart: StockChart) {
    self.chart = chart
    hasStock = chart.columns.contains { $0.stock != nil }
    let end = (hasStock ? Self.wasted : Self.demand).upperBound
    svg = SVG(width: Int(Self.width), height: Int(end) + 48, title: chart.title)
  }

  mutating func draw() {
    svg.label(chart.title, x: Self.left, y: 26, size: 16, bold: true)
    svg.label(chart.note, x: Self.left, y: 46, fill: Palette.grey)
    drawTimes()
    drawDemand()
    if hasStock {
      drawStock()
      drawBars("misses", \.missed, Self.missed, fill: Palette.vermilion)
      drawBars("waste", \.wasted, Self.wasted, fill: Palette.orange)
    }
    if let now = chart.now {
      let x = x(ofBin: now)
      svg.line(
        from: (x, Self.demand.lowerBound), to: (x, end), stroke: "#000000",
        dashed: true)
      svg.label("now", x: x + 4, y: Self.demand.lowerBound + 10)
    }
  }

  // MARK: Places

  private var panels: [ClosedRange<Double>] {
    hasStock ? [Self.demand, Self.stock, Self.missed, Self.wasted] : [Self.demand]
  }

  private var end: Double { panels.last?.upperBound ?? 0 }

  private func x(ofBin bin: Int) -> Double {
    let bins = Double(max(1, chart.columns.count * chart.binsPerColumn))
    return Self.left + (Self.right - Self.left) * Double(bin - chart.start) / bins
  }

  private var columnWidth: Double {
    (Self.right - Self.left) / Double(max(1, chart.columns.count))
  }

  /// The middle of a column.
  private func x(_ column: Int) -> Double { Self.left + columnWidth * (Double(column) + 0.5) }

  private func highest(_ value: (StockChart.Column) -> Double?) -> Double {
    chart.columns.compactMap(value).max() ?? 0
  }

  // MARK: Parts

  private mutating func drawTimes() {
    let last = chart.start + chart.columns.count * chart.binsPerColumn
    for tick in TimeTicks.ticks(from: chart.start, to: last, atMost: 12) {
      let x = x(ofBin: tick.bin)
      for panel in panels {
        svg.line(
          from: (x, panel.lowerBound), to: (x, panel.upperBound), stroke: Palette.faint)
      }
      svg.label(
        tick.label, x: x, y: end + 18,
        anchor: x < Self.right - 20 ? .middle : .end)
    }
    svg.label(
      "times in UTC", x: Self.right, y: end + 36, anchor: .end, fill: Palette.grey, size: 11)
  }

  private mutating func drawDemand() {
    let maximum = max(
      highest(\.demand), highest(\.expected), highest { $0.likely?.upperBound })
    let scale = drawPanel("requests an hour", Self.demand, maximum: maximum, ticks: 5)
    drawBand(scale)
    drawLine(\.expected, scale, stroke: Palette.sky, width: 1.6)
    drawLine(\.demand, scale, stroke: Palette.blue, width: 1.4)
    var keys = [("demand", Palette.blue)]
    if chart.columns.contains(where: { $0.expected != nil }) {
      keys.append(("expected", Palette.sky))
    }
    if chart.columns.contains(where: { $0.likely != nil }) {
      keys.append(("8 times out of 10", "#cfe7f7"))
    }
    drawKeys(keys, y: Self.demand.lowerBound - 8)
  }

  private mutating func drawBand(_ scale: Scale) {
    // One shape for each stretch without a gap.
    for stretch in chart.columns.indices.split(whereSeparator: { chart.columns[$0].likely == nil })
    {
      let bands = stretch.map { (x: x($0), band: chart.columns[$0].likely ?? 0...0) }
      let upper = bands.map { ($0.x, scale.y($0.band.upperBound)) }
      let lower = bands.reversed().map { ($0.x, scale.y($0.band.lowerBound)) }
      svg.area(upper + lower, fill: Palette.sky, opacity: 0.28)
    }
  }

  private mutating func drawStock() {
    let maximum = max(highest(\.stock), highest(\.target))
    let scale = drawPanel("items on the shelf", Self.stock, maximum: maximum, ticks: 4)
    for stretch in chart.columns.indices.split(whereSeparator: { chart.columns[$0].stock == nil }) {
      guard let first = stretch.first, let last = stretch.last else { continue }
      let line = stretch.map { (x($0), scale.y(chart.columns[$0].stock ?? 0)) }
      let floor = [(x(last), scale.y(0)), (x(first), scale.y(0))]
      svg.area(line + floor, fill: Palette.green, opacity: 0.18)
    }
    drawLine(\.stock, scale, stroke: Palette.green, width: 1.6)
    drawLine(\.target, scale, stroke: Palette.grey, width: 1)
    var keys = [("stock", Palette.green)]
    if chart.columns.contains(where: { $0.target != nil }) { keys.append(("target", Palette.grey)) }
    drawKeys(keys, y: Self.stock.lowerBound - 8)
  }

  private mutating func drawBars(
    _ name: String, _ count: (StockChart.Column) -> Int, _ panel: ClosedRange<Double>, fill: String
  ) {
    let highest = highest { Double(count($0)) }
    let total = chart.columns.reduce(0) { $0 + count($1) }
    let scale = drawPanel(
      "\(name): \(total)", panel, maximum: highest, ticks: 2)
    for (index, column) in chart.columns.enumerated() where count(column) > 0 {
      // A single one has to be seen, also where others are many.
      let top = min(scale.y(Double(count(column))), panel.upperBound - 2)
      let width = max(columnWidth * 0.8, 1.5)
      svg.rectangle(
        x: x(index) - width / 2, y: top, width: width, height: panel.upperBound - top, fill: fill)
    }
  }

  private mutating func drawPanel(
    _ name: String, _ panel: ClosedRange<Double>, maximum: Double, ticks: Int
  ) -> Scale {
    let scale = Scale(
      maximum: maximum, top: panel.lowerBound, bottom: panel.upperBound, ticks: ticks)
    for tick in scale.ticks {
      let y = scale.y(tick)
      svg.line(
        from: (Self.left, y), to: (Self.right, y), stroke: tick == 0 ? Palette.grey : Palette.faint)
      svg.label(
        SVG.text(tick), x: Self.left - 8, y: y + 4, anchor: .end, fill: Palette.grey, size: 11)
    }
    svg.label(name, x: Self.left, y: panel.lowerBound - 8, bold: true)
    return scale
  }

  private mutating func drawLine(
    _ value: (StockChart.Column) -> Double?, _ scale: Scale, stroke: String, width: Double
  ) {
    let points = chart.columns.enumerated().map { index, column in
      value(column).map { (x: x(index), y: scale.y($0)) }
    }
    svg.path(points, stroke: stroke, width: width)
  }

  private mutating func drawKeys(_ keys: [(name: String, colour: String)], y: Double) {
    var x = Self.left + 150
    for key in keys {
      svg.rectangle(x: x, y: y - 8, width: 16, height: 6, fill: key.colour)
      svg.label(key.name, x: x + 22, y: y, fill: Palette.grey)
      x += 46 + 7 * Double(key.name.count)
    }
  }
}
