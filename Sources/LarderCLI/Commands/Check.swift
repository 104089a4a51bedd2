import Larder
import ScheduleFile

extension Command {
  static let check = Command(
    name: "check", arguments: "[FILE…]", summary: "validates schedule files",
    notes: "Prints each pool and its next fire times. Without FILE: all files of --schedules.",
    options: [], common: [.schedules, .json, .help]
  ) { context throws(CommandError) in
    let named = context.arguments.positional
    let loaded =
      named.isEmpty
      ? try context.loadSchedules() : ScheduleDirectory.load(files: named)
    for diagnostic in loaded.diagnostics { Terminal.error(diagnostic.rendered + "\n") }
    let errors = loaded.diagnostics.count { $0.severity == .error }
    let now = Instant.now()
    if context.wantsJSON {
      Terminal.output(json(loaded, at: now) + [0x0A])
    } else {
      for pool in loaded.pools { Terminal.output(text(pool, at: now)) }
    }
    if errors > 0 {
      throw .failed(
        "\(errors) \(errors == 1 ? "error" : "errors") in \(loaded.files.count) "
          + (loaded.files.count == 1 ? "file" : "files"))
    }
    return 0
  }

  private static let shownFires = 3

  private static func text(_ pool: Pool, at now: Instant) -> String {
    var text = "\(pool.name): "
    let stock = pool.stock
    text +=
      stock.target.map { "target \($0)" }
      ?? (stock.takesAll
        ? "target all" : stock.isAuto ? "target auto" : "filled by `larder put` alone")
    if stock.isAuto, stock.sizing == .forecastOnly { text += " (forecast only)" }
    if pool.stock.reorderAt > 0 { text += ", reorder at \(pool.stock.reorderAt)" }
    if pool.suspend { text += ", suspended" }
    text += "\n"
    for schedule in pool.schedules {
      let fires = FireTimes.next(shownFires, of: schedule, after: now).map(RFC3339.format(seconds:))
      text += "  \(schedule.name) (\(schedule.cron.source), \(schedule.zone.name))"
      text += schedule.jitter > .zero ? ", jitter \(DurationText.format(schedule.jitter))" : ""
      text += schedule.suspend ? ", suspended" : ""
      text += ": \(fires.joined(separator: ", "))\n"
    }
    return text
  }

  private static func json(_ loaded: ScheduleDirectory.Loaded, at now: Instant) -> [UInt8] {
    JSONWriter.text { json in
      json.object {
        $0.array("pools") { json in
          for pool in loaded.pools {
            json.object {
              $0.member("pool", pool.name)
              $0.array("schedules") { json in
                for schedule in pool.schedules {
                  json.object {
                    $0.member("schedule", schedule.name)
                    $0.array("next") { json in
                      for fire in FireTimes.next(shownFires, of: schedule, after: now) {
                        json.string(RFC3339.format(seconds: fire))
                      }
                    }
                  }
                }
              }
            }
          }
        }
        $0.array("diagnostics") { json in
          for diagnostic in loaded.diagnostics {
            json.object {
              $0.member("severity", diagnostic.severity.rawValue)
              $0.member("file", diagnostic.file)
              $0.member("line", diagnostic.line)
              $0.member("column", diagnostic.column)
              $0.member("message", diagnostic.message)
              $0.member("hint", diagnostic.hint)
            }
          }
        }
      }
    }
  }
}

extension Context {
  /// The files of the schedules' folder.
  func loadSchedules() throws(CommandError) -> ScheduleDirectory.Loaded {
    do throws(ScheduleDirectory.ReadError) {
      return try ScheduleDirectory.load(schedules)
    } catch {
      throw .failed("\(error); --schedules names another one")
    }
  }
}
