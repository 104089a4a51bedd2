import Larder
import Sizing

/// What a simulation came to, for people and for programs.
struct SimulationReport {
  let replay: Replay
  /// What was replayed, in a line.
  let setting: String
  let outcomes: [Simulation.Outcome]

  private static let hoursInTable = 3
  private static let hoursInJSON = 10

  private var costs: Costs { replay.costs }

  private static func time(_ bin: Int) -> String {
    RFC3339.format(seconds: Int64(bin) * Int64(Grid.binSeconds))
  }

  // MARK: - Text

  /// The terms of a replay that no file gives.
  static func setting(_ replay: Replay) -> String {
    let (supply, costs) = (replay.supply, replay.costs)
    func span(_ bins: Int) -> String { DurationText.format(.seconds(bins * Grid.binSeconds)) }
    let life = supply.shelfLife.map { "shelf life \(span($0))" } ?? "no shelf life"
    let holding =
      costs.holding > 0 ? ", an item held unused \(DecimalText.short(costs.holding))" : ""
    return
      "\(life), ready after \(span(supply.lead)), ordered each \(span(supply.interval)); a miss "
      + "costs \(DecimalText.short(costs.miss)), a wasted item \(DecimalText.short(costs.waste))"
      + holding
  }

  var text: String {
    let requests = outcomes.first?.result.total.requests ?? 0
    var text = "\(requests) requests from \(Self.time(replay.evaluated.lowerBound)) to "
    text += "\(Self.time(replay.evaluated.upperBound)): \(setting)\n\n"
    return text + totals + "\ncost per 1,000 requests by week\n" + weeks + "\nthe worst hours\n"
      + worst
  }

  private var totals: String {
    var table = Table([
      ("POLICY", .left), ("HIT RATE", .right), ("MISSES", .right), ("WASTE", .right),
      ("OF PRODUCED", .right), ("PRODUCED", .right), ("MEAN STOCK", .right),
      ("EXTRA RUNS/H", .right), ("COST/1000", .right),
    ])
    for outcome in outcomes {
      let total = outcome.result.total
      table.add([
        outcome.name + (outcome.target.map { " (\($0))" } ?? ""),
        DecimalText.percent(total.requests - total.missed, of: total.requests),
        "\(total.missed)", "\(total.wasted)",
        DecimalText.percent(total.wasted, of: total.produced), "\(total.produced)",
        DecimalText.format(total.meanStock, places: 1),
        DecimalText.format(total.extraRunsPerHour, places: 3), cost(total),
      ])
    }
    return table.text
  }

  private var weeks: String {
    var table = Table(
      [("FROM", .left), ("REQUESTS", .right)] + outcomes.map { ($0.name.uppercased(), .right) })
    for (index, week) in (outcomes.first?.result.weeks ?? []).enumerated() {
      table.add(
        [Self.time(start(ofWeek: index)), "\(week.requests)"]
          + outcomes.map { cost($0.result.weeks[index]) })
    }
    return table.text
  }

  private var worst: String {
    var table = Table([
      ("POLICY", .left), ("FROM", .left), ("REQUESTS", .right), ("MISSES", .right),
      ("WASTE", .right), ("COST", .right),
    ])
    for outcome in outcomes {
      for hour in outcome.result.worstHours(Self.hoursInTable) {
        table.add([
          outcome.name, Self.time(hour.bin), "\(hour.totals.requests)", "\(hour.totals.missed)",
          "\(hour.totals.wasted)", DecimalText.short(hour.totals.cost(costs)),
        ])
      }
    }
    guard table.isEmpty else { return table.text }
    let isFlawless = outcomes.allSatisfy { $0.result.total.missed + $0.result.total.wasted == 0 }
    return isFlawless
      ? "none: no policy missed or wasted anything\n"
      : "none: by these costs no hour cost anything\n"
  }

  private func cost(_ totals: ReplayTotals) -> String {
    totals.costPer1000(costs).map { DecimalText.format($0, places: 1) } ?? "-"
  }

  private func start(ofWeek index: Int) -> Int {
    replay.evaluated.lowerBound + index * Grid.binsPerWeek
  }

  /// The terms of a pool's file.
  static func setting(_ pool: Pool, _ replay: Replay) -> String {
    let lead = DurationText.format(.seconds(replay.supply.lead * Grid.binSeconds))
    let life = pool.stock.shelfLife.map { "shelf life \(DurationText.format($0))" }
    let crons = pool.schedules.filter { !$0.suspend }.map { "\($0.cron.source) \($0.zone.name)" }
    return "\(pool.name) as its file has it: \(life ?? "no shelf life"), ready after \(lead), "
      + (crons.isEmpty ? "no schedule" : "ordered at " + crons.joined(separator: " and "))
      + "; a miss costs \(DecimalText.short(replay.costs.miss)), a wasted item "
      + DecimalText.short(replay.costs.waste)
  }

  // MARK: - JSON

  func write(to json: inout JSONWriter) {
    json.object { json in
      json.member("requests", outcomes.first?.result.total.requests)
      json.member("evaluated_from", Instant(bin: replay.evaluated.lowerBound))
      json.member("evaluated_to", Instant(bin: replay.evaluated.upperBound))
      json.array("policies") { json in
        for outcome in outcomes { write(outcome, to: &json) }
      }
    }
  }

  private func write(_ outcome: Simulation.Outcome, to json: inout JSONWriter) {
    let total = outcome.result.total
    json.object { json in
      json.member("name", outcome.name)
      json.member("misses", total.missed)
      json.member("waste", total.wasted)
      json.member("produced", total.produced)
      json.member("mean_stock", total.meanStock)
      json.member("extra_runs_per_hour", total.extraRunsPerHour)
      json.member("cost_per_1000", total.costPer1000(costs))
      json.array("by_week") { json in
        for (index, week) in outcome.result.weeks.enumerated() {
          write(week, from: start(ofWeek: index), to: &json)
        }
      }
      json.array("worst_hours") { json in
        for hour in outcome.result.worstHours(Self.hoursInJSON) {
          write(hour.totals, from: hour.bin, to: &json)
        }
      }
    }
  }

  private func write(_ totals: ReplayTotals, from bin: Int, to json: inout JSONWriter) {
    json.object { json in
      json.member("from", Instant(bin: bin))
      json.member("requests", totals.requests)
      json.member("misses", totals.missed)
      json.member("waste", totals.wasted)
      json.member("produced", totals.produced)
      json.member("cost_per_1000", totals.costPer1000(costs))
    }
  }
}
