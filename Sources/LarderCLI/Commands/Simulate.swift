import Larder
import Pictures
import Sizing

extension Command {
  private static let demandFile = Option(
    name: "--demand", value: "FILE", help: "the demand that was; - is standard input")
  private static let from = Option(
    name: "--evaluate-from", value: "INSTANT",
    help: "what counts begins here (default: the last 4 weeks)"
  )
  private static let policy = Option(
    name: "--policy", value: "POLICY",
    help: "learned, learned+topup, fixed:N, fixed:best or reorder:R,T; may be repeated",
    isRepeatable: true)
  private static let svg = Option(
    name: "--svg", value: "FILE", help: "draw the first policy as a picture")

  static let simulate = Command(
    name: "simulate", arguments: "--demand FILE",
    summary: "replays demand that was by several policies, and compares what they come to",
    notes: """
      The file is CSV: the line `start,requests`, then a row for each step of time, as
      `2026-06-01T00:00Z,17`; requests that missed count too, and unknown ones are left empty.
      `larder demand POOL --csv` prints one. An access log will do too, as for `larder demand import`.

      learned orders at each interval what the forecast of the demand before asks for; learned+topup
      also in between, when the shelf would run out. fixed:N fills up to N at each interval, and
      fixed:best to the N that comes out best, which nobody could have known. reorder:R,T fills up to T
      as soon as R or fewer are left. Without --policy: learned, learned+topup and fixed:best.

      No policy sees what is still to come. The shelf is empty 48 hours before what is evaluated, which
      ends 26 hours before the file does. COST/1000: misses and waste by their costs, for 1,000 requests.
      """,
    options: [
      demandFile, SizingOptions.shelfLife, SizingOptions.leadTime, SizingOptions.interval,
      SizingOptions.missCost, SizingOptions.wasteCost, SizingOptions.holdingCost, from, policy, svg,
      DemandInput.time,
    ], common: [.json, .help]
  ) { context throws(CommandError) in
    let arguments = context.arguments
    try arguments.expect(atMost: 0)
    let file = try arguments.required(arguments.value(demandFile), demandFile)
    let supply = try supply(arguments)
    let costs = Costs(
      miss: try arguments.required(arguments.cost(SizingOptions.missCost), SizingOptions.missCost),
      waste: try arguments.cost(SizingOptions.wasteCost) ?? 1,
      holding: try arguments.cost(SizingOptions.holdingCost) ?? 0)
    let choices = try choices(arguments)
    let start = try arguments.instant(from)
    let series = try DemandInput.read(file, timeField: arguments.value(DemandInput.time))
    guard
      let replay = Replay(
        demand: series, supply: supply, costs: costs, from: start.map { $0.firstWholeBin })
    else { throw tooShort(series, file) }

    var bins: [ReplayedBin] = []
    let picture = arguments.value(svg)
    var line = ProgressLine()
    let outcomes = Simulation(replay: replay, choices: choices).run { percent in
      if Terminal.errorIsTerminal { line.show("replaying", done: percent, of: 100) }
    } first: {
      if picture != nil { bins.append($0) }
    }
    line.clear()
    let report = SimulationReport(replay: replay, outcomes: outcomes)
    if let picture {
      let chart = StockChart(
        title: "\(outcomes[0].name): \(file)", note: report.setting, replayed: bins)
      try Files.write(chart.svg, to: picture)
    }
    if context.wantsJSON {
      Terminal.output(JSONWriter.text { report.write(to: &$0) } + [0x0A])
    } else {
      Terminal.output(report.text)
    }
    return 0
  }

  private static func supply(_ arguments: Arguments) throws(CommandError) -> Supply {
    let life = SizingOptions.shelfLife
    let text = try arguments.required(arguments.value(life), life)
    let lead = try arguments.bins(SizingOptions.leadTime, atLeast: 0)
    let interval = try arguments.bins(SizingOptions.interval, atLeast: 1)
    return Supply(
      interval: try arguments.required(interval, SizingOptions.interval),
      lead: try arguments.required(lead, SizingOptions.leadTime),
      shelfLife: text == "none" ? nil : try arguments.bins(life, atLeast: 1))
  }

  private static func choices(_ arguments: Arguments) throws(CommandError) -> [PolicyChoice] {
    var choices: [PolicyChoice] = []
    for text in arguments.values(policy) {
      guard let choice = PolicyChoice(text) else {
        throw .usage("--policy must be \(PolicyChoice.forms), not \(text)")
      }
      guard !choices.contains(choice) else { throw .usage("--policy \(text) is given twice") }
      choices.append(choice)
    }
    return choices.isEmpty ? PolicyChoice.usual : choices
  }

  private static func tooShort(_ series: DemandSeries, _ file: String) -> CommandError {
    .failed(
      "\(file) has demand from \(RFC3339.format(Instant(bin: series.start))) to "
        + "\(RFC3339.format(Instant(bin: series.end))), and what is evaluated ends 26 hours before "
        + "that: nothing is left to evaluate; give more demand, or an earlier --evaluate-from")
  }
}

extension Instant {
  /// The first bin that begins here or later.
  fileprivate var firstWholeBin: Int { Instant(bin: bin) == self ? bin : bin + 1 }
}
