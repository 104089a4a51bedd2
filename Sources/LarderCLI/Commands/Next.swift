import Cron
import Larder
import SQLiteStore
import ScheduleFile

extension Command {
  private static let number = Option(
    name: "-n", value: "N", help: "how many fire times (default 5)")
  private static let cron = Option(
    name: "--cron", value: "EXPR", help: "the fire times of this expression")
  private static let timezone = Option(
    name: "--timezone", value: "ZONE", help: "the time zone of --cron (default UTC)")
  private static let after = Option(
    name: "--after", value: "INSTANT", help: "fire times after this one (default: now)")

  static let next = Command(
    name: "next", arguments: "[POOL]", summary: "shows the next fire times",
    notes: "Of all pools, of one, or with --cron of an expression. Jitter is left out.",
    options: [number, cron, timezone, after],
    common: [.store, .schedules, .json, .help]
  ) { context throws(CommandError) in
    let arguments = context.arguments
    try arguments.expect(atMost: 1)
    let count = try arguments.integer(number, in: 1...100_000) ?? 5
    var now = Instant.now()
    if let text = arguments.value(after) {
      guard let instant = RFC3339.parse(text) else {
        throw .usage("--after must be a time such as 2026-11-24T20:00:00Z, not \(text)")
      }
      now = instant
    }
    if let text = arguments.value(cron) {
      guard arguments.positional.isEmpty else { throw .usage("POOL and --cron exclude each other") }
      let zone = arguments.value(timezone) ?? "UTC"
      return try printTimes(text, zone, count, after: now, asJSON: context.wantsJSON)
    }
    guard arguments.value(timezone) == nil else { throw .usage("--timezone needs --cron") }
    try printFires(context.scheduled(arguments.positional.first), count, after: now, context)
    return 0
  }

  private static func printTimes(
    _ text: String, _ zoneName: String, _ count: Int, after now: Instant, asJSON: Bool
  ) throws(CommandError) -> Int32 {
    let expression: CronExpression
    let zone: Zone
    do throws(CronError) { expression = try CronExpression.parse(text) } catch {
      throw .failed("\(text): \(error.message)" + (error.hint.map { "\nhint: \($0)" } ?? ""))
    }
    do throws(ZoneError) { zone = try Zone.load(zoneName) } catch {
      throw .failed(error.message + (error.hint.map { "\nhint: \($0)" } ?? ""))
    }
    expression.warnings.forEach { Terminal.warning($0) }
    let times = FireTimes.next(count, of: expression, in: zone, after: now)
      .map(RFC3339.format(seconds:))
    if asJSON {
      Terminal.output(
        JSONWriter.text { $0.array { json in times.forEach { json.string($0) } } } + [0x0A])
    } else {
      Terminal.output(times.map { $0 + "\n" }.joined())
    }
    return 0
  }

  /// The first `count` fire times of all the pools' schedules together.
  private static func printFires(
    _ pools: [Pool], _ count: Int, after now: Instant, _ context: Context
  ) {
    var fires: [(at: Int64, pool: String, schedule: String)] = []
    for pool in pools where !pool.suspend && pool.producer != nil {
      for schedule in pool.schedules where !schedule.suspend {
        fires += FireTimes.next(count, of: schedule, after: now).map {
          ($0, pool.name, schedule.name)
        }
      }
    }
    fires = Array(fires.sorted { $0 < $1 }.prefix(count))
    if context.wantsJSON {
      let body = JSONWriter.text { json in
        json.array { json in
          for fire in fires {
            json.object {
              $0.member("pool", fire.pool)
              $0.member("schedule", fire.schedule)
              $0.member("at", RFC3339.format(seconds: fire.at))
            }
          }
        }
      }
      Terminal.output(body + [0x0A])
      return
    }
    var table = Table([("AT", .left), ("POOL", .left), ("SCHEDULE", .left)])
    for fire in fires { table.add([RFC3339.format(seconds: fire.at), fire.pool, fire.schedule]) }
    Terminal.output(table.text)
  }
}

extension Context {
  /// The pools of the schedule files, or where they do not have the one that is asked for, of the
  /// store.
  fileprivate func scheduled(_ name: String?) throws(CommandError) -> [Pool] {
    do throws(ScheduleDirectory.ReadError) {
      let loaded = try ScheduleDirectory.load(schedules)
      for diagnostic in loaded.diagnostics where diagnostic.severity == .error {
        Terminal.error(diagnostic.rendered + "\n")
      }
      let found = loaded.pools.filter { name == nil || $0.name == name }
      if !found.isEmpty || name == nil { return found }
    } catch {
      if !error.isMissing { throw .failed("\(error)") }
    }
    let files = try storeFiles()
    guard files.exists else {
      throw .failed(
        name.map { "there is no pool \($0) in \(schedules) and no store" }
          ?? "there is no folder \(schedules) and no store: name one with --schedules")
    }
    return try CommandError.wrapping {
      let reader = try SQLiteReader(path: files.database, readDefinition: Node.readDefinition)
      defer { reader.close() }
      let kept = try reader.pools(name.map { [$0] }, at: .now())
      if let name, kept.isEmpty { throw CommandError.failed("there is no pool \(name)") }
      return kept.filter { !$0.retired && !$0.paused }.map(\.pool)
    }
  }
}
