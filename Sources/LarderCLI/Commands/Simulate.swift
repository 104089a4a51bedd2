import API
import Larder
import Pictures
import ScheduleFile
import Sizing

extension Command {
  fileprivate static let demandFile = Option(
    name: "--demand", value: "FILE", help: "the demand that was; - is standard input")
  private static let from = Option(
    name: "--evaluate-from", value: "INSTANT",
    help: "what counts begins here (default: the last 4 weeks)"
  )
  private static let policy = Option(
    name: "--policy", value: "POLICY",
    help: "learned, learned+topup, fixed:N, fixed:best, reorder:R,T or today; may be repeated",
    isRepeatable: true)
  private static let svg = Option(
    name: "--svg", value: "FILE", help: "draw the first policy as a picture")

  static let simulate = Command(
    name: "simulate", arguments: "[FILE]",
    summary: "replays demand that was by several policies, and compares what they come to",
    notes: """
      FILE is a schedule file, whose pool is tried as it is (today) and as it might be, by what decides
      in `larder serve`. The demand is what the store has counted of the pool, or that of --demand; the
      lead time is what past runs took, or --lead-time. Without FILE, --demand and the other options say
      all that is to be known.

      A demand file is CSV: the line `start,requests`, then a row for each step of time, as
      `2026-06-01T00:00Z,17`; requests that missed count too, and unknown ones are left empty.
      `larder demand POOL --csv` prints one. An access log will do too, as for `larder demand import`.

      learned is `target: auto` without top-ups: it orders at each interval what the forecast of the demand
      before asks for; learned+topup is `target: auto`: it orders also in between, when the shelf would run
      out. fixed:N fills up to N at each interval, and fixed:best to the N that comes out best, which nobody
      could have known. reorder:R,T has no schedule and fills up to T as soon as R or fewer are left.
      Without --policy: learned, learned+topup and fixed:best; with FILE also today, and the reorder
      point that it has.

      No policy sees what is still to come. The shelf is empty 48 hours before what is evaluated, which
      ends 26 hours before the demand does. COST/1000: misses and waste by their costs, for 1,000 requests.
      """,
    options: [
      demandFile, SizingOptions.shelfLife, SizingOptions.leadTime, SizingOptions.interval,
      SizingOptions.missCost, SizingOptions.wasteCost, SizingOptions.holdingCost, from, policy, svg,
      DemandInput.time,
    ]
  ) { context throws(CommandError) in
    let arguments = context.arguments
    try arguments.expect(atMost: 1)
    let tried =
      if let file = arguments.positional.first {
        try Trial(file: file, context)
      } else {
        try Trial(arguments)
      }
    let choices = try choices(arguments, tried.pool)
    let start = try arguments.instant(from)
    guard
      let replay = Replay(
        demand: tried.demand, supply: tried.supply, costs: tried.costs,
        from: start.map { $0.firstWholeBin })
    else { throw tooShort(tried) }

    var bins: [ReplayedBin] = []
    var plans: [Int: Plan] = [:]
    let picture = arguments.value(svg)
    var line = ProgressLine()
    let outcomes = Simulation(replay: replay, choices: choices, pool: tried.pool).run { percent in
      if Terminal.errorIsTerminal { line.show("replaying", done: percent, of: 100) }
    } each: { policy, bin in
      guard picture != nil else { return }
      if policy == 0 { bins.append(bin) }
      if let plan = bin.plan, plans[bin.bin] == nil { plans[bin.bin] = plan }
    }
    line.clear()
    let setting =
      tried.pool.map { SimulationReport.setting($0, replay) } ?? SimulationReport.setting(replay)
    let report = SimulationReport(replay: replay, setting: setting, outcomes: outcomes)
    if let picture {
      // What a learned policy expected is drawn with any.
      let chart = StockChart(
        title: "\(outcomes[0].name): \(tried.source)", note: report.setting, replayed: bins,
        expecting: plans)
      try Files.write(chart.svg, to: picture)
    }
    if context.wantsJSON {
      Terminal.output(JSONWriter.text { report.write(to: &$0) } + [0x0A])
    } else {
      Terminal.output(report.text)
    }
    return 0
  }

  /// What is replayed.
  fileprivate struct Trial {
    let demand: DemandSeries
    /// Where the demand is from, in words.
    let source: String
    let supply: Supply
    let costs: Costs
    var pool: Pool?
  }

  private static func choices(
    _ arguments: Arguments, _ pool: Pool?
  ) throws(CommandError) -> [PolicyChoice] {
    var choices: [PolicyChoice] = []
    for text in arguments.values(policy) {
      guard let choice = PolicyChoice(text), pool != nil || choice != .today else {
        let forms = pool == nil ? PolicyChoice.forms : PolicyChoice.formsWithFile
        throw .usage("--policy must be \(forms), not \(text)")
      }
      guard !choices.contains(choice) else { throw .usage("--policy \(text) is given twice") }
      if let pool, pool.schedules.allSatisfy(\.suspend), choice.needsSchedule {
        throw .usage("--policy \(text) orders by a schedule, and \(pool.name) has none")
      }
      choices.append(choice)
    }
    guard choices.isEmpty else { return choices }
    return pool.map { PolicyChoice.usual(of: $0) } ?? PolicyChoice.usual
  }

  private static func tooShort(_ trial: Trial) -> CommandError {
    guard !trial.demand.requests.isEmpty else {
      return .failed(
        "\(trial.source) is empty: name a file of demand by --demand FILE, or bring history in with "
          + "`larder demand import`")
    }
    return .failed(
      "\(trial.source) has demand from \(RFC3339.format(Instant(bin: trial.demand.start))) to "
        + "\(RFC3339.format(Instant(bin: trial.demand.end))), and what is evaluated ends 26 hours before "
        + "that: nothing is left to evaluate; give more demand, or an earlier --evaluate-from")
  }
}

extension Command.Trial {
  /// What options say.
  fileprivate init(_ arguments: Arguments) throws(CommandError) {
    let file = try arguments.required(arguments.value(Command.demandFile), Command.demandFile)
    let life = SizingOptions.shelfLife
    let text = try arguments.required(arguments.value(life), life)
    let lead = try arguments.bins(SizingOptions.leadTime, atLeast: 0)
    let interval = try arguments.bins(SizingOptions.interval, atLeast: 1)
    supply = Supply(
      interval: try arguments.required(interval, SizingOptions.interval),
      lead: try arguments.required(lead, SizingOptions.leadTime),
      shelfLife: text == "none" ? nil : try arguments.bins(life, atLeast: 1))
    costs = Costs(
      miss: try arguments.required(arguments.cost(SizingOptions.missCost), SizingOptions.missCost),
      waste: try arguments.cost(SizingOptions.wasteCost) ?? 1,
      holding: try arguments.cost(SizingOptions.holdingCost) ?? 0)
    demand = try DemandInput.read(file, timeField: arguments.value(DemandInput.time))
    source = file
  }

  /// What a schedule file says, and the store where it has the pool's demand.
  fileprivate init(file: String, _ context: Context) throws(CommandError) {
    let arguments = context.arguments
    for option in [SizingOptions.shelfLife, SizingOptions.interval] where arguments.has(option) {
      throw .usage("\(option.name) is what \(file) says: change it there, or leave FILE out")
    }
    let loaded = ScheduleDirectory.load(files: [file])
    for diagnostic in loaded.diagnostics { Terminal.error(diagnostic.rendered + "\n") }
    guard var pool = loaded.pools.first else { throw .failed("\(file) declares no pool") }
    guard pool.producer != nil else {
      throw .failed("\(pool.name) has no producer: nothing would be ordered")
    }
    pool.stock.costs = Costs(
      miss: try arguments.cost(SizingOptions.missCost) ?? pool.stock.costs.miss,
      waste: try arguments.cost(SizingOptions.wasteCost) ?? pool.stock.costs.waste,
      holding: try arguments.cost(SizingOptions.holdingCost) ?? pool.stock.costs.holding)
    var lead = try arguments.bins(SizingOptions.leadTime, atLeast: 0)
    if let path = arguments.value(Command.demandFile) {
      demand = try DemandInput.read(path, timeField: arguments.value(DemandInput.time))
      source = path
    } else {
      let client = try context.readingClient()
      defer { client.close() }
      let request = APIRequest("GET", ["v1", "pools", pool.name, "demand"])
      demand = try DemandListing(request, of: pool.name, client).record.series(before: .now())
      source = "the ledger of \(pool.name)"
      let plan = JSONNode(try client.call(APIRequest("GET", ["v1", "pools", pool.name, "plan"])))
      lead = lead ?? plan?["lead_seconds"]?.int.map { $0 / Grid.binSeconds }
    }
    if lead == nil {
      Terminal.warning("no --lead-time is given: items are taken to be there as soon as ordered")
    }
    // A replay by ticks has the file's own schedules and shelf life.
    supply = Supply(interval: Grid.binsPerHour, lead: lead ?? 0, shelfLife: nil)
    costs = pool.stock.costs
    self.pool = pool
  }
}

extension PolicyChoice {
  /// Whether it orders at scheduled times alone.
  fileprivate var needsSchedule: Bool {
    switch self {
    case .fixed, .bestFixed: true
    case .today, .learned, .reorder: false
    }
  }
}

extension Instant {
  /// The first bin that begins here or later.
  fileprivate var firstWholeBin: Int { Instant(bin: bin) == self ? bin : bin + 1 }
}
