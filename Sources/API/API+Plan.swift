import Engine
import HTTPServer
import Larder
import Sizing

extension API {
  /// `GET /v1/pools/{pool}/plan`
  func readPlan(
    _ call: APIRequest, pool: String, _ answer: @escaping Route.Answer
  ) throws(Problem) {
    try call.expectQuery("miss_cost", "waste_cost", "holding_cost", "lead_time", "interval")
    let terms = try call.planTerms()
    let now = clock()
    try read(
      { (store) throws(StoreError) in
        guard let status = try store.pools([pool], at: now).first else { throw .unknownPool(pool) }
        return StockPlan(of: status, try store.evidence(of: status, at: now), terms, at: now)
      }, answer
    ) { plan in Documents.json(200) { Documents.write(plan, &$0) } }
  }
}

extension APIRequest {
  fileprivate func planTerms() throws(Problem) -> StockPlan.Terms {
    var terms = StockPlan.Terms()
    terms.missCost = try cost("miss_cost")
    terms.wasteCost = try cost("waste_cost")
    terms.holdingCost = try cost("holding_cost")
    terms.leadTime = try duration("lead_time")
    terms.interval = try duration("interval") ?? terms.interval
    return terms
  }

  private func cost(_ name: String) throws(Problem) -> Double? {
    guard let text = parameter(name) else { return nil }
    guard let cost = Double(text), Limits.costs.contains(cost) else {
      throw Problem(.badRequest, "\(name) must be a number from 0 to 1000000000")
    }
    return cost
  }

  private func duration(_ name: String) throws(Problem) -> Duration? {
    guard let text = parameter(name) else { return nil }
    guard let span = DurationText.parse(text) else {
      throw Problem(.badRequest, "\(name) must be a duration such as 90s, 10m or 1h30m")
    }
    return span
  }
}

extension Documents {
  fileprivate static func write(_ plan: StockPlan, _ json: inout JSONWriter) {
    func seconds(_ bins: Int?) -> Int? { bins.map { $0 * Grid.binSeconds } }
    json.object { json in
      json.member("pool", plan.pool.name)
      json.member("at", plan.at)
      json.member("target", plan.target)
      json.member("order", plan.order)
      json.member("position", plan.position)
      json.member("expiring", plan.expiring)
      json.member("why", plan.why)
      json.member("order_why", plan.orderText)
      json.member("terms", plan.termsText)
      json.member("in_force", plan.inForceText)
      json.member("next_order_at", plan.nextOrderAt)
      json.member("interval_seconds", seconds(plan.supply.interval))
      json.member("lead_seconds", seconds(plan.supply.lead))
      json.member("shelf_life_seconds", seconds(plan.supply.shelfLife))
      json.member("miss_cost", plan.costs.miss)
      json.member("waste_cost", plan.costs.waste)
      json.member("holding_cost", plan.costs.holding)
      json.member("known_seconds", Int(plan.known.components.seconds))
      json.member("usual_per_hour", plan.plan.usualOfHour)
      json.member("last_hour", plan.plan.lastHour)
      json.member("last_day", plan.plan.lastDay)
      json.member("last_hour_carried", plan.plan.carried?.lastHour)
      json.member("last_day_carried", plan.plan.carried?.lastDay)
      json.member("window_seconds", seconds(plan.plan.bins))
      json.member("expected", plan.plan.untilNext.mean)
      json.member("expected_low", plan.plan.likely.lowerBound)
      json.member("expected_high", plan.plan.likely.upperBound)
      json.member("chance_to_run_out", plan.chanceToRunOut)
      json.member("chance_of_waste", plan.chanceOfWaste)
      json.array("past") { json in
        for hour in plan.past {
          json.object {
            $0.member("from", Instant(bin: Grid.bin(ofHour: hour.hour)))
            $0.member("requests", hour.requests)
          }
        }
      }
      json.array("forecast") { json in
        for hour in plan.outlook {
          json.object {
            $0.member("from", Instant(bin: Grid.bin(ofHour: hour.hour)))
            $0.member("usual", hour.usual)
            $0.member("expected", hour.mean)
            $0.member("low", hour.likely.lowerBound)
            $0.member("high", hour.likely.upperBound)
          }
        }
      }
    }
  }
}
