import Sizing
import Testing

@testable import Pictures

struct StockChartTests {
  /// 2026-06-01T00:00Z, a Monday.
  private static let monday = 20_605 * Grid.binsPerDay

  private func chart(_ columns: [StockChart.Column], title: String = "pool") -> StockChart {
    StockChart(
      title: title, note: "", start: Self.monday, binsPerColumn: Grid.binsPerHour, columns: columns)
  }

  private func count(_ part: String, in text: String) -> Int {
    text.split(separator: part, omittingEmptySubsequences: false).count - 1
  }

  @Test func eachMissAndEachWasteIsMarked() {
    var columns = Array(repeating: StockChart.Column(demand: 3, stock: 5), count: 48)
    columns[4].missed = 1
    columns[5].missed = 5000
    columns[40].wasted = 7
    let svg = chart(columns).svg
    #expect(svg.contains(">misses: 5001<") && svg.contains(">waste: 7<"))
    #expect(count("fill=\"#d55e00\"", in: svg) == 2 && count("fill=\"#e69f00\"", in: svg) == 1)
    // One of thousands is 2 pixels high.
    #expect(svg.contains("height=\"2\" fill=\"#d55e00\""))
  }

  @Test func whatIsUnknownInterruptsLinesAndBands() {
    var columns = Array(
      repeating: StockChart.Column(demand: 3, expected: 3, likely: 1...5), count: 10)
    columns[5] = StockChart.Column()
    let svg = chart(columns).svg
    #expect(count("<polygon", in: svg) == 2)
    #expect(count("M", in: svg) == 4)
  }

  @Test func withoutStockThereIsDemandAlone() {
    let svg = chart([StockChart.Column(demand: 3), StockChart.Column(demand: 1)]).svg
    #expect(!svg.contains("misses") && !svg.contains("shelf") && !svg.contains("expected"))
    #expect(svg.contains("height=\"332\""))
  }

  @Test(arguments: [0, 1])
  func littleIsDrawnToo(_ count: Int) {
    let svg = chart(Array(repeating: StockChart.Column(demand: 0, stock: 0), count: count)).svg
    #expect(svg.hasPrefix("<svg ") && svg.hasSuffix("</svg>\n"))
    #expect(!svg.contains("nan") && !svg.contains("inf"))
  }

  @Test func textsAreEscaped() {
    let svg = chart([], title: "<a> & \"b\"\u{1}").svg
    #expect(count("&lt;a&gt; &amp; &quot;b&quot; <", in: svg) == 2)
  }

  @Test(arguments: [
    (0, "0"), (1.5, "1.5"), (-2.25, "-2.25"), (3.05, "3.05"), (0.001, "0"), (1e6, "1000000"),
    (-0.004, "0"),
  ])
  func numbersAreShort(_ number: Double, _ text: String) {
    #expect(SVG.text(number) == text)
  }

  @Test(arguments: [
    (0, [0, 1]), (3, [0, 1, 2, 3]), (97, [0, 20, 40, 60, 80, 100]), (1234, [0, 500, 1000, 1500]),
  ])
  func ticksAreRound(_ maximum: Double, _ ticks: [Double]) {
    let scale = Scale(maximum: maximum, top: 10, bottom: 110, ticks: 5)
    #expect(scale.ticks == ticks)
    #expect(scale.y(0) == 110 && scale.y(ticks.last ?? 0) == 10)
  }

  @Test func timesAreRound() {
    func labels(_ hours: Int) -> [String] {
      TimeTicks.ticks(
        from: Self.monday + 1, to: Self.monday + hours * Grid.binsPerHour, atMost: 12
      ).map(\.label)
    }
    #expect(
      labels(9) == [
        "01:00", "02:00", "03:00", "04:00", "05:00", "06:00", "07:00", "08:00", "09:00",
      ])
    #expect(labels(50) == ["06:00", "12:00", "18:00", "2 Jun", "06:00", "12:00", "18:00", "3 Jun"])
    #expect(labels(28 * 24) == ["8 Jun", "15 Jun", "22 Jun", "29 Jun"])
    #expect(labels(3000 * 24).count <= 12)
  }

  @Test func aReplayHasItsSumsInThePicture() throws {
    let series = DemandSeries(
      start: Self.monday, requests: (0..<12 * Grid.binsPerDay).map { $0 % 40 == 0 ? 9 : 1 })
    let supply = Supply(interval: Grid.binsPerHour, lead: 2, shelfLife: 18)
    let replay = try #require(Replay(demand: series, supply: supply, costs: Costs(miss: 5)))
    var bins: [ReplayedBin] = []
    _ = replay.run(.learned(topUps: true)) { bins.append($0) }
    let chart = StockChart(title: "pool", note: "", replayed: bins)
    #expect(chart.columns.reduce(0) { $0 + $1.missed } == bins.reduce(0) { $0 + $1.missed })
    #expect(chart.columns.reduce(0) { $0 + $1.wasted } == bins.reduce(0) { $0 + $1.wasted })
    #expect((100...370).contains(chart.columns.count))
    #expect(chart.columns.dropFirst(24).allSatisfy { $0.likely != nil && $0.target != nil })
    let requests = chart.columns.reduce(0) { $0 + ($1.demand ?? 0) }
    let hours = Double(chart.binsPerColumn) / Double(Grid.binsPerHour)
    #expect(abs(requests * hours - Double(bins.reduce(0) { $0 + $1.requests })) < 30)
  }

  @Test func aPlanShowsWhatWasAndWhatIsExpected() {
    var planner = Planner(
      supply: Supply(interval: Grid.binsPerHour, lead: 2, shelfLife: 24), start: Self.monday)
    for _ in 0..<10 * Grid.binsPerDay + 5 { planner.observe(2) }
    let chart = StockChart(title: "pool", note: "", planner: planner)
    #expect(chart.columns.count == 96 && chart.now == planner.next)
    // The present hour is neither over nor wholly to come.
    let known = chart.columns.filter { $0.demand != nil }
    #expect(known.count == 47 && known.allSatisfy { $0.demand == 24 })
    let expected = chart.columns.suffix(48)
    #expect(expected.allSatisfy { abs(($0.expected ?? 0) - 24) < 1 })
    #expect(expected.allSatisfy { $0.likely?.contains(24) ?? false })
  }
}
