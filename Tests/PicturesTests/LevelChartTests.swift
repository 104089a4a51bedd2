import Sizing
import Testing

@testable import Pictures

struct LevelChartTests {
  /// 2026-06-01T00:00Z, a Monday.
  private static let monday = 20_605 * 24

  private func panel(
    available: Int = 40, inFlight: Int = 10, target: Int? = 80, reorderAt: Int = 20, max: Int = 100,
    hours: [LevelChart.Hour] = [], reason: String = "", isWarning: Bool = false
  ) -> LevelChart.Panel {
    LevelChart.Panel(
      pool: "codes", note: "note", reason: reason, isWarning: isWarning, available: available,
      inFlight: inFlight, target: target, reorderAt: reorderAt, max: max, hours: hours)
  }

  private func svg(_ panels: LevelChart.Panel...) -> String {
    LevelChart(title: "Levels", firstHour: Self.monday, panels: panels).svg
  }

  private func count(_ part: String, in text: String) -> Int {
    text.split(separator: part, omittingEmptySubsequences: false).count - 1
  }

  private func hour(_ requests: Int, misses: Int = 0, wasted: Int = 0) -> LevelChart.Hour {
    var hour = LevelChart.Hour()
    hour.requests = requests
    hour.misses = misses
    hour.wasted = wasted
    return hour
  }

  @Test func theShelfStandsAgainstItsLevels() {
    // 102 items are 920 wide.
    let all = svg(panel())
    #expect(all.contains("x=\"64\" y=\"92\" width=\"360.78\" height=\"18\" fill=\"#009e73\""))
    #expect(all.contains("x=\"424.78\" y=\"92\" width=\"90.2\" height=\"18\" fill=\"#56b4e9\""))
    #expect(all.contains("x=\"784.07\" y=\"88\" width=\"3\" height=\"26\" fill=\"#000000\""))
    for key in ["on the shelf 40", "on order 10", "target 80", "reorder at 20", "max 100"] {
      #expect(all.contains(">\(key)<"), "\(key)")
    }
    let some = svg(panel(target: nil, reorderAt: 0, max: 10_000))
    #expect(!some.contains(">target") && !some.contains(">reorder at"))
    // Its mark would leave nothing to see of the rest.
    #expect(some.contains(">max 10000, far off<") && count("width=\"3\"", in: some) == 0)
  }

  @Test func missesStandOnWhatWasServedAndWasteBelow() {
    let all = svg(
      panel(hours: [hour(10), hour(10, misses: 4), hour(5000, misses: 1), hour(0, wasted: 3)]))
    // With the key.
    #expect(count("fill=\"#0072b2\"", in: all) == 3 + 1)
    #expect(all.contains(">got their items: 5015<") && all.contains(">misses: 5<"))
    #expect(all.contains(">waste: 3<") && count("fill=\"#e69f00\"", in: all) == 1)
    // One of thousands is 2 pixels high, and above the others.
    #expect(count("height=\"2\" fill=\"#d55e00\"", in: all) == 2)
    #expect(!all.contains(">unknown<"))
  }

  @Test func hoursThatNobodyCountedAreGrey() {
    var hours = Array(repeating: hour(2), count: 48)
    let known = svg(panel(hours: hours))
    for place in 3..<7 { hours[place].isKnown = false }
    let some = svg(panel(hours: hours))
    let grey = "fill=\"#e4e4e4\""
    #expect(count(grey, in: some) == count(grey, in: known) + 2 * 4 + 1)
    #expect(some.contains(">unknown<"))
  }

  @Test func poolsStandBelowEachOther() {
    let all = svg(panel(), panel(reason: "<late>", isWarning: true), panel(reason: "full"))
    #expect(all.contains("height=\"872\"") && count(">codes<", in: all) == 3)
    #expect(all.contains("fill=\"#d55e00\" font-size=\"12\">&lt;late&gt;<"))
    #expect(all.contains("fill=\"#666666\" font-size=\"12\">full<"))
    let long = svg(panel(reason: String(repeating: "a", count: 1000)))
    #expect(long.contains(">" + String(repeating: "a", count: 149) + "…<"))
  }

  @Test func nothingIsDrawnToo() {
    for svg in [svg(), svg(panel(available: 0, inFlight: 0, target: 0, reorderAt: 0))] {
      #expect(svg.hasPrefix("<svg ") && svg.hasSuffix("</svg>\n"))
      #expect(!svg.contains("nan") && !svg.contains("inf"))
    }
  }
}
