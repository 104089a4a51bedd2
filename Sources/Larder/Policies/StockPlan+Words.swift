import Sizing

extension StockPlan {
  /// Where the target comes from.
  package var why: String { SizingWords.why(plan, sizer, pool.stock) }

  /// What would be ordered.
  package var orderText: String {
    var text = "would order \(order) now: \(position) on the shelf or on order"
    if expiring > 0 { text += ", of which \(expiring) will expire unused before more is ready" }
    if order < wanted { text += ", and \(wanted) would pass the max of \(pool.stock.max)" }
    return text
  }

  /// What it was reckoned with.
  package var termsText: String {
    let life = supply.shelfLife.map { "shelf life \(Self.span($0))" } ?? "no shelf life"
    let next = nextOrderAt.map { "the next order at \(RFC3339.format($0))" } ?? "no schedule"
    return "\(next), ordered each \(Self.span(supply.interval)), ready after "
      + "\(Self.span(supply.lead)); \(life); a miss costs \(Self.rate(costs.miss)), a wasted "
      + "item \(Self.rate(costs.waste))"
  }

  /// What is in force.
  package var inForceText: String {
    guard pool.producer != nil else { return "no producer: nothing is ordered" }
    let stock = pool.stock
    if stock.isAuto, stock.sizing == .forecastOnly {
      return "in force: `sizing: forecast_only`, so runs fill up to \(stock.floor)"
    }
    if stock.isAuto {
      guard let inForce else { return "in force: such a target, from the next run on" }
      return "in force: the target of \(inForce.target), reckoned at "
        + "\(RFC3339.format(inForce.at)), with top-ups between the runs"
    }
    guard let target = stock.target else {
      return "in force: each run takes all that there is"
    }
    return "in force: the file's target of \(target), reorder point \(stock.reorderAt)"
  }

  private static func span(_ bins: Int) -> String { SizingWords.span(bins) }
  private static func rate(_ number: Double) -> String { SizingWords.rate(number) }
}

extension Sizer {
  /// How long demand is known for.
  var known: Duration { .seconds(Grid.binSeconds * knownBins) }
}

/// Plans in words.
enum SizingWords {
  /// Where a target comes from.
  static func why(_ plan: Plan, _ sizer: Sizer, _ stock: StockPolicy) -> String {
    let target = stock.target(by: plan)
    var text = "target \(target)"
    if target < plan.target { text += ", cut by the max from \(plan.target)" }
    if target > plan.target { text += ", raised by `min` or `reorder_at` from \(plan.target)" }
    text += ": usual \(rate(plan.usualOfHour))/h; "
    if let carried = plan.carried {
      text += "last hour \(change(plan.lastHour)), last 24 h \(change(plan.lastDay)), "
      text += "carried forward \(part(carried.lastHour))/\(part(carried.lastDay)); "
    } else {
      let known = sizer.known
      text +=
        known > .zero ? "demand is known of \(DurationText.rough(known))" : "no demand is known"
      text += ", so this is mostly a guess; "
    }
    let likely = plan.likely
    text += "expect \(rate(plan.untilNext.mean)) in \(span(plan.bins)) "
    text += "(80 %: \(likely.lowerBound) to \(likely.upperBound)); "
    text += "chance to run out \(percent(plan.chanceToRunOut(of: target)))"
    guard sizer.planner.supply.shelfLife != nil else { return text }
    return text + ", last item expires unused \(percent(plan.chanceOfWaste(of: target)))"
  }

  static func span(_ bins: Int) -> String {
    DurationText.format(.seconds(bins * Grid.binSeconds))
  }

  /// With a place where it is small.
  static func rate(_ number: Double) -> String {
    number < 10 && number != number.rounded() ? fixed(number, places: 1) : fixed(number, places: 0)
  }

  private static func part(_ number: Double) -> String { fixed(number, places: 2) }

  private static func percent(_ share: Double) -> String {
    "\(fixed(100 * share, places: share < 0.1 ? 1 : 0)) %"
  }

  private static func change(_ share: Double) -> String {
    (share < 0 ? "-" : "+") + "\(fixed(100 * share.magnitude, places: 0)) %"
  }

  private static func fixed(_ number: Double, places: Int) -> String {
    let scale = places == 0 ? 1 : places == 1 ? 10 : 100
    let scaled = Int((min(number.magnitude, 1e12) * Double(scale)).rounded())
    let sign = number < 0 && scaled > 0 ? "-" : ""
    guard places > 0 else { return "\(sign)\(scaled)" }
    let digits = String(scaled % scale)
    let zeros = String(repeating: "0", count: places - digits.count)
    return "\(sign)\(scaled / scale).\(zeros)\(digits)"
  }
}
