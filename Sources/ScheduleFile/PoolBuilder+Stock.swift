import Larder

extension PoolBuilder {
  mutating func stock(_ fields: Fields) -> StockPolicy {
    var policy = StockPolicy()
    policy.target = fields.integer("target")
    policy.isAuto = fields.text("target") == ScheduleKeys.auto
    policy.takesAll = fields.text("target") == ScheduleKeys.takesAll
    policy.reorderAt = fields.integer("reorder_at") ?? policy.reorderAt
    policy.max = fields.integer("max") ?? policy.max
    policy.shelfLife = fields.duration("shelf_life")
    policy.duplicates =
      fields.text("duplicates").flatMap(StockPolicy.Duplicates.init) ?? policy.duplicates
    policy.onRevision =
      fields.text("on_revision").flatMap(StockPolicy.OnRevision.init) ?? policy.onRevision
    policy.costs.miss = fields.decimal("miss_cost") ?? policy.costs.miss
    policy.costs.waste = fields.decimal("waste_cost") ?? policy.costs.waste
    policy.costs.holding = fields.decimal("holding_cost") ?? policy.costs.holding
    policy.sizing = fields.text("sizing").flatMap(StockPolicy.Sizing.init) ?? policy.sizing
    policy.min = fields.integer("min") ?? policy.min
    checkReorderPoint(fields, policy)
    checkSizing(fields, policy)
    if let target = fields["target"], let number = policy.target {
      checkMaximum(fields, holds: number, of: "stock.target", at: target)
    }
    return policy
  }

  /// Whether the reorder point lies below the level that runs fill up to: the target, or `max`
  /// where they take all.
  private mutating func checkReorderPoint(_ fields: Fields, _ policy: StockPolicy) {
    guard let point = fields["reorder_at"], let number = fields.integer("reorder_at"),
      let level = policy.fillsToMax ? fields.integer("max", or: policy.max) : policy.target
    else { return }
    let name = policy.fillsToMax ? "max" : "target"
    if number > level {
      let origin = fields[name] == nil ? ", the default" : ""
      report(
        point.range,
        "`stock.reorder_at` (\(number)) is above `stock.\(name)` (\(level)\(origin))",
        hint: "write \(level) at most, or raise \(policy.fillsToMax ? "`max`" : "the target")")
    } else if number == level, number > 0 {
      let itself = policy.fillsToMax ? "`stock.max`" : "the target"
      warn(
        point.range, "`stock.reorder_at` is \(itself) itself: every claim starts a refill",
        hint: "leave room between the two, so that refills are worth a run")
    }
  }

  /// Whether `sizing` and `min`, which are for a target that follows demand, have one, and room.
  private mutating func checkSizing(_ fields: Fields, _ policy: StockPolicy) {
    if let field = fields["min"], let number = fields.integer("min"),
      let maximum = fields.integer("max", or: policy.max), number > maximum
    {
      let origin = fields["max"] == nil ? ", the default" : ""
      report(
        field.range, "`stock.min` (\(number)) is above `stock.max` (\(maximum)\(origin))",
        hint: "write \(maximum) at most, or raise `max`")
    }
    // A target that is wrong has been told of already.
    guard !policy.isAuto, fields["target"] == nil || fields["target"]?.value != nil else { return }
    let usual = StockPolicy()
    for (name, isUsual) in [
      ("sizing", policy.sizing == usual.sizing), ("min", policy.min == usual.min),
    ] {
      guard let field = fields[name], !isUsual else { continue }
      warn(
        field.keyRange, "`stock.\(name)` says nothing here: it is for `target: auto`",
        hint: "leave it out, or let the target follow demand")
    }
  }

  /// Whether a target fits below `max`, given or not.
  mutating func checkMaximum(
    _ stock: Fields, holds target: Int, of name: String, at field: Field
  ) {
    guard let maximum = stock.integer("max", or: StockPolicy().max), maximum < target else {
      return
    }
    if let given = stock["max"], name == "stock.target" {
      report(
        given.range, "`stock.max` (\(maximum)) is below `stock.target` (\(target))",
        hint: "write \(target) at least, or lower the target")
    } else {
      let origin = stock["max"].map { line(of: $0.range) } ?? "the default"
      report(
        field.range, "`\(name)` (\(target)) is above `stock.max` (\(maximum), \(origin))",
        hint: "write `max: \(target)` or more in `stock`, or lower the target")
    }
  }

  mutating func checkTarget(_ file: Fields, _ stock: Fields) {
    guard stock["target"] == nil else {
      return checkSomethingIsOrdered(file, stock)
    }
    guard let place = file["stock"] ?? file["producer"] else { return }
    if let field = file["stock"], field.value == nil { return }
    report(
      place.keyRange, "`stock.target` is missing: a pool with a producer needs it",
      hint: "say how many items runs fill up to: `stock: {target: 100}`")
  }

  private mutating func checkSomethingIsOrdered(_ file: Fields, _ stock: Fields) {
    guard let target = stock["target"], stock.integer("target") == 0 else { return }
    let schedules = (file.list("schedules") ?? []).compactMap { field -> Fields? in
      if case .mapping(let fields)? = field.value { fields } else { nil }
    }
    guard schedules.allSatisfy({ $0["target"] == nil || $0.integer("target") == 0 }) else { return }
    warn(target.range, "with a target of 0 no run orders anything", hint: "raise the target")
  }

  /// A run that takes all asks for whole slices, as far as `max` lets it.
  mutating func checkSliceHasRoom(_ file: Fields, _ stock: Fields, _ producer: ProducerSpec?) {
    guard let producer, let field = stock["max"], let maximum = stock.integer("max"),
      stock.text("target") == ScheduleKeys.takesAll, maximum < producer.slice
    else { return }
    let given = file.mapping("producer")?["slice"]
    // A slice that is wrong has been told of already.
    if let given, given.value == nil { return }
    let origin = given.map { line(of: $0.range) } ?? "the default"
    warn(
      field.range,
      "`stock.max` (\(maximum)) has no room for a slice of \(producer.slice) (\(origin))",
      hint: "with `target: all` write what the supplier has and a slice more, or lower `slice`")
  }

  /// Without a revision all items are of the same.
  mutating func checkRevision(_ file: Fields, _ stock: Fields) {
    guard let field = stock["on_revision"], let producer = file.mapping("producer"),
      stock.text("on_revision") == StockPolicy.OnRevision.replace.rawValue,
      producer["revision"] == nil || producer.text("revision") == ""
    else { return }
    warn(
      field.range, "without `producer.revision` no item becomes stale, and none is replaced",
      hint: "add `revision: 1` to `producer`, and change it when items are to be made anew")
  }

  /// A pool without a producer is filled by hand: what would start runs does nothing.
  mutating func checkNothingRuns(_ file: Fields, _ stock: Fields) {
    if let schedules = file["schedules"], file.list("schedules")?.isEmpty == false {
      warn(
        schedules.keyRange, "nothing runs these schedules: the pool has no producer",
        hint: "add `producer`, or leave the schedules out")
    }
    if let point = stock["reorder_at"], let number = stock.integer("reorder_at"), number > 0 {
      warn(
        point.range, "nothing refills the pool at its reorder point: it has no producer",
        hint: "add `producer`, or leave `reorder_at` out")
    }
    if let field = stock["on_revision"],
      stock.text("on_revision") == StockPolicy.OnRevision.replace.rawValue
    {
      warn(
        field.range, "no item becomes stale: the pool has no producer",
        hint: "add `producer`, or leave `on_revision` out")
    }
  }
}

extension StockPolicy {
  /// Whether only `max` bounds what runs fill up to.
  fileprivate var fillsToMax: Bool { takesAll || isAuto }
}
