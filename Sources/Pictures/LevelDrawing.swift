import Sizing

/// The shapes of a chart of levels: the pools below each other.
struct LevelDrawing {
  private let chart: LevelChart
  private(set) var svg: SVG

  private static let width = 1000.0
  private static let left = 64.0
  private static let right = 984.0
  private static let head = 44.0
  private static let panel = 276.0
  // Within a panel.
  private static let bar = 48.0...66.0
  private static let demand = 118.0...198.0
  private static let waste = 220.0...240.0

  /// Characters that fit into a line of the picture.
  private static let line = 150
  /// A maximum that is so many times more than all else is told, not drawn: the rest would be tiny.
  private static let farMaximum = 3.0

  init(_ chart: LevelChart) {
    self.chart = chart
    let height = Self.head + Self.panel * Double(chart.panels.count)
    svg = SVG(width: Int(Self.width), height: Int(height), title: chart.title)
  }

  mutating func draw() {
    svg.label(chart.title, x: Self.left, y: 26, size: 16, bold: true)
    svg.label(
      "times in UTC", x: Self.right, y: 26, anchor: .end, fill: Palette.grey, size: 11)
    for (place, panel) in chart.panels.enumerated() {
      draw(panel, at: Self.head + Self.panel * Double(place))
    }
  }

  private mutating func draw(_ panel: LevelChart.Panel, at top: Double) {
    svg.label(panel.pool, x: Self.left, y: top + 20, size: 14, bold: true)
    svg.label(panel.note, x: Self.right, y: top + 20, anchor: .end, fill: Palette.grey)
    svg.label(
      Self.cut(panel.reason), x: Self.left, y: top + 38,
      fill: panel.isWarning ? Palette.vermilion : Palette.grey)
    drawStock(panel, at: top)
    drawHours(panel, at: top)
  }

  /// A text that fits into a line.
  private static func cut(_ text: String) -> String {
    text.count > line ? text.prefix(line - 1) + "…" : text
  }

  // MARK: The shelf

  private mutating func drawStock(_ panel: LevelChart.Panel, at top: Double) {
    let position = panel.available + panel.inFlight
    let most = Double(max(position, panel.target ?? 0, panel.reorderAt, 1))
    let isFar = Double(panel.max) > Self.farMaximum * most
    let end = isFar ? most * 1.1 : max(most, Double(panel.max)) * 1.02
    func x(_ items: Int) -> Double { Self.left + (Self.right - Self.left) * Double(items) / end }
    let (upper, lower) = (top + Self.bar.lowerBound, top + Self.bar.upperBound)
    func bar(_ items: Range<Int>, _ fill: String) {
      svg.rectangle(
        x: x(items.lowerBound), y: upper, width: x(items.upperBound) - x(items.lowerBound),
        height: lower - upper, fill: fill)
    }
    svg.rectangle(
      x: Self.left, y: upper, width: Self.right - Self.left, height: lower - upper,
      fill: Palette.faint)
    let available = max(0, panel.available)
    bar(0..<available, Palette.green)
    bar(available..<available + max(0, panel.inFlight), Palette.sky)
    var keys = [
      ("on the shelf \(panel.available)", Palette.green),
      ("on order \(panel.inFlight)", Palette.sky),
    ]
    var marks: [(name: String, items: Int, colour: String)] = []
    if let target = panel.target { marks.append(("target", target, Palette.black)) }
    if panel.reorderAt > 0 { marks.append(("reorder at", panel.reorderAt, Palette.vermilion)) }
    marks.append(("max", panel.max, Palette.purple))
    for mark in marks {
      let isDrawn = Double(mark.items) <= end
      if isDrawn {
        svg.rectangle(
          x: x(mark.items) - 1.5, y: upper - 4, width: 3, height: lower - upper + 8,
          fill: mark.colour)
      }
      keys.append(("\(mark.name) \(mark.items)\(isDrawn ? "" : ", far off")", mark.colour))
    }
    drawKeys(keys, from: Self.left, y: lower + 18)
  }

  // MARK: Demand

  private mutating func drawHours(_ panel: LevelChart.Panel, at top: Double) {
    let hours = panel.hours
    let demand = top + Self.demand.lowerBound...top + Self.demand.upperBound
    let waste = top + Self.waste.lowerBound...top + Self.waste.upperBound
    let column = (Self.right - Self.left) / Double(max(1, hours.count))
    for (place, hour) in hours.enumerated() where !hour.isKnown {
      for part in [demand, waste] {
        svg.rectangle(
          x: Self.left + column * Double(place), y: part.lowerBound, width: column,
          height: part.upperBound - part.lowerBound, fill: Palette.faint)
      }
    }
    drawTimes(hours.count, [demand, waste])
    let scale = drawAxis(demand, maximum: hours.map(\.requests).max() ?? 0, ticks: 4)
    for (place, hour) in hours.enumerated() {
      let hits = max(0, hour.requests - hour.misses)
      drawBar(0..<hits, place, column, scale, Palette.blue)
      drawBar(hits..<hits + hour.misses, place, column, scale, Palette.vermilion)
    }
    let wasted = drawAxis(waste, maximum: hours.map(\.wasted).max() ?? 0, ticks: 1)
    for (place, hour) in hours.enumerated() {
      drawBar(0..<hour.wasted, place, column, wasted, Palette.orange)
    }
    svg.label("requests by the hour", x: Self.left, y: demand.lowerBound - 10, bold: true)
    func total(_ count: (LevelChart.Hour) -> Int) -> Int { hours.reduce(0) { $0 + count($1) } }
    var keys = [
      ("got their items: \(total { $0.requests - $0.misses })", Palette.blue),
      ("misses: \(total(\.misses))", Palette.vermilion),
    ]
    if hours.contains(where: { !$0.isKnown }) { keys.append(("unknown", Palette.faint)) }
    drawKeys(keys, from: Self.left + 160, y: demand.lowerBound - 10)
    svg.label("waste: \(total(\.wasted))", x: Self.left, y: waste.lowerBound - 6, bold: true)
  }

  private mutating func drawTimes(_ hours: Int, _ parts: [ClosedRange<Double>]) {
    guard hours > 0, let last = parts.last else { return }
    let (from, to) = (chart.firstHour, chart.firstHour + hours)
    let ticks = TimeTicks.ticks(
      from: Grid.bin(ofHour: from), to: Grid.bin(ofHour: to), atMost: 12)
    for tick in ticks {
      let part = Double(tick.bin - Grid.bin(ofHour: from)) / Double(hours * Grid.binsPerHour)
      let x = Self.left + (Self.right - Self.left) * part
      for part in parts {
        svg.line(from: (x, part.lowerBound), to: (x, part.upperBound), stroke: Palette.faint)
      }
      svg.label(
        tick.label, x: x, y: last.upperBound + 16, anchor: x < Self.right - 20 ? .middle : .end)
    }
  }

  private mutating func drawAxis(
    _ part: ClosedRange<Double>, maximum: Int, ticks: Int
  ) -> Scale {
    let scale = Scale(
      maximum: Double(maximum), top: part.lowerBound, bottom: part.upperBound, ticks: ticks)
    for tick in scale.ticks {
      let y = scale.y(tick)
      svg.line(
        from: (Self.left, y), to: (Self.right, y),
        stroke: tick == 0 ? Palette.grey : Palette.faint)
      svg.label(
        SVG.text(tick), x: Self.left - 8, y: y + 4, anchor: .end, fill: Palette.grey, size: 11)
    }
    return scale
  }

  /// A part of an hour's bar, from one count to another.
  private mutating func drawBar(
    _ counts: Range<Int>, _ place: Int, _ column: Double, _ scale: Scale, _ fill: String
  ) {
    guard !counts.isEmpty else { return }
    let bottom = scale.y(Double(counts.lowerBound))
    // A single one has to be seen, also where others are many.
    let top = min(scale.y(Double(counts.upperBound)), bottom - 2)
    svg.rectangle(
      x: Self.left + column * (Double(place) + 0.1), y: top, width: column * 0.8,
      height: bottom - top, fill: fill)
  }

  private mutating func drawKeys(
    _ keys: [(name: String, colour: String)], from start: Double, y: Double
  ) {
    var x = start
    for key in keys {
      svg.rectangle(x: x, y: y - 8, width: 16, height: 6, fill: key.colour)
      svg.label(key.name, x: x + 22, y: y, fill: Palette.grey)
      x += 46 + 7 * Double(key.name.count)
    }
  }
}
