/// Why a pool's level is what it is, in words.
extension PoolStatus {
  /// Why runs do or do not take place now.
  package func reasons(at now: Instant) -> [String] {
    if let standstill { return [standstill] + runs.map(describe) }
    var reasons = (disk.map { [$0] } ?? []) + runs.map(describe)
    if let until = breakerOpenUntil(at: now) {
      reasons.append(
        "the breaker is open until \(RFC3339.format(until)): \(memory.failures) runs in a row "
          + "failed")
    }
    if case .waits(let until) = reorder(at: now), breakerOpenUntil(at: now) == nil {
      reasons.append(
        "the reorder point waits until \(RFC3339.format(until)): \(memory.fruitless) "
          + "\(memory.fruitless == 1 ? "run" : "runs in a row") brought too little")
    }
    if stock.stale > 0 {
      reasons.append(
        "\(stock.stale) of \(stock.available) available items are stale, made by an older revision "
          + "than \(pool.producer?.revision ?? ""): they do not count for the target")
    }
    if pool.stock.takesAll {
      reasons.append("each run takes all that the producer has, up to the max of \(pool.stock.max)")
    }
    if stock.pending > 0 {
      let items = stock.pending == 1 ? "1 item is" : "\(stock.pending) items are"
      reasons.append("\(items) on backorder: they go to those who wait, in their order")
    }
    if pool.stock.isAuto, let auto {
      reasons.append(
        (pool.stock.sizing == .auto ? "sized by demand: " : "forecast only, not in force: ")
          + auto.why)
    }
    if let target {
      if position >= target, stock.fresh >= target {
        reasons.append("at or above the target of \(target)")
      } else if position >= target {
        reasons.append("with what is on order, the target of \(target) is reached")
      } else if runs.isEmpty, pool.stock.isAuto, pool.stock.sizing == .auto, !isLow {
        reasons.append(
          "below the target of \(target): each 5 minutes it is seen whether that lasts")
      } else if runs.isEmpty, pool.stock.reorderAt == 0 {
        reasons.append("below the target of \(target), and there is no reorder point")
      } else if reorder(at: now) == .now {
        reasons.append("at or below the reorder point of \(pool.stock.reorderAt): a run is due")
      } else if runs.isEmpty, position > pool.stock.reorderAt {
        reasons.append(
          "below the target of \(target), above the reorder point of \(pool.stock.reorderAt)")
      }
    }
    if let next = nextFire(after: now) {
      reasons.append("the next scheduled run is at \(RFC3339.format(next))")
    }
    return reasons
  }

  private func describe(_ run: Run) -> String {
    guard run.state == .running else { return "run \(run.id) (\(run.reason.rawValue)) is queued" }
    let dealtWith = takesAll(run) ? "\(run.covered)" : "\(run.covered) of \(run.asked)"
    var text = "run \(run.id) (\(run.reason.rawValue)) is running: \(dealtWith) items dealt with"
    if let slice = run.slice, slice.attempts > 1 || slice.why != nil {
      text += ", slice \(slice.number) at try \(slice.attempts)"
      if let why = slice.why { text += " (\(why))" }
    }
    return text
  }

  /// What an operator should look at.
  package func warnings(at now: Instant) -> [String] {
    var warnings: [String] = []
    if stock.available == 0 { warnings.append("out of stock") }
    if let problem, !retired {
      warnings.append("its file is bad, and its last good definition in force: \(problem)")
    }
    if let disk { warnings.append(disk) }
    if let until = breakerOpenUntil(at: now) {
      warnings.append("the breaker is open until \(RFC3339.format(until))")
    }
    if let lastRun, lastRun.state == .failed {
      warnings.append("the last run failed: \(lastRun.why ?? "unknown")")
    }
    return warnings
  }
}
