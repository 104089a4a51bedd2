import Larder

/// Makes a pool of the checked keys, and checks what they mean together.
struct PoolBuilder {
  let source: SourceText
  /// The schedule file's folder, an absolute path.
  let directory: String
  private(set) var findings: [Finding] = []

  init(source: SourceText, directory: String) {
    self.source = source
    self.directory = directory
  }

  mutating func report(
    _ range: Range<Int>, _ message: String, hint: String? = nil,
    severity: Diagnostic.Severity = .error
  ) {
    findings.append(Finding(severity: severity, range: range, message: message, hint: hint))
  }

  mutating func warn(_ range: Range<Int>, _ message: String, hint: String? = nil) {
    report(range, message, hint: hint, severity: .warning)
  }

  /// The line of a place, for messages.
  func line(of range: Range<Int>) -> String {
    "line \(source.line(of: range.lowerBound))"
  }

  /// The pool; nil where a part that it cannot be without is missing or wrong.
  mutating func build(_ file: Fields) -> Pool? {
    let producer = file.mapping("producer").flatMap { self.producer($0) }
    let stock = file.mapping("stock") ?? Fields(range: file.range)
    let policy = self.stock(stock)
    let schedules = self.schedules(file.list("schedules") ?? [], stock: stock)
    if file["producer"] != nil {
      checkTarget(file, stock)
      checkSliceHasRoom(file, stock, producer)
      checkRevision(file, stock)
    } else {
      checkNothingRuns(file, stock)
    }
    let claims = self.claims(file.mapping("claims"), stock: stock)
    let demand = self.demand(file.mapping("demand"))
    guard let name = file.text("pool") else { return nil }
    var pool = Pool(name: name)
    pool.description = file.text("description") ?? pool.description
    pool.suspend = file.boolean("suspend") ?? pool.suspend
    pool.producer = producer
    pool.stock = policy
    pool.schedules = schedules
    pool.claims = claims
    pool.demand = demand
    return pool
  }
}

// MARK: Schedules

extension PoolBuilder {
  private mutating func schedules(_ items: [Field], stock: Fields) -> [ScheduleSpec] {
    var names: [String: Range<Int>] = [:]
    var result: [ScheduleSpec] = []
    for (index, item) in items.enumerated() {
      guard case .mapping(let fields)? = item.value else { continue }
      let name = scheduleName(fields, number: index + 1, names: &names)
      if let field = fields["target"], let target = fields.integer("target") {
        checkMaximum(stock, holds: target, of: "schedules.target", at: field)
      }
      guard let cron = cron(fields["cron"]), let zone = zone(fields["timezone"]) else { continue }
      var schedule = ScheduleSpec(name: name, cron: cron, zone: zone)
      schedule.target = fields.integer("target")
      schedule.jitter = fields.duration("jitter") ?? schedule.jitter
      warnOfBunching(schedule, at: fields["jitter"])
      schedule.overlap =
        fields.text("overlap").flatMap(ScheduleSpec.Overlap.init) ?? schedule.overlap
      schedule.catchup =
        fields.text("catchup").flatMap(ScheduleSpec.Catchup.init) ?? schedule.catchup
      schedule.catchupWindow = fields.duration("catchup_window") ?? schedule.catchupWindow
      schedule.suspend = fields.boolean("suspend") ?? schedule.suspend
      result.append(schedule)
    }
    return result
  }

  /// The schedule's name, given or by its number; no two may have the same.
  private mutating func scheduleName(
    _ fields: Fields, number: Int, names: inout [String: Range<Int>]
  ) -> String {
    let name = fields.text("name") ?? "schedule-\(number)"
    let place = fields["name"]?.range ?? fields.range
    if fields["name"] != nil, fields.text("name") == nil {
      return name
    }
    if let earlier = names[name] {
      let first = "the one at \(line(of: earlier))"
      if fields["name"] == nil {
        report(
          place, "this schedule would be called \(shown(name)), as \(first) is",
          hint: "give it a `name`")
      } else {
        report(
          place, "two schedules are called \(shown(name)): \(first) is the first",
          hint: "give each schedule a name of its own")
      }
    } else {
      names[name] = place
    }
    return name
  }
}
