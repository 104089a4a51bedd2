import Larder
import ScheduleFile

/// A pool's schedule file, made up from a seed.
struct PoolDesign: Sendable {
  let pool: String
  let text: String

  /// The longest wait that a file may ask for after failures; `calm` waits for longer.
  static let longestWait = 120

  /// The most that any definition asks for at once; a slice of an earlier one goes on.
  static let largestSlice = 15

  static let zones = [
    "UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Chatham",
  ]
  private static let crons = [
    "*/2 * * * *", "*/5 * * * *", "0 * * * *", "30 2 * * *", "15,45 1-3 * * *", "*/20 * * * * *",
    "0 0 * * * *", "@every 7m", "10 */10 * * * *", "0 3 * * 1-5", "5 1 * * *", "30 */7 1-4 * * *",
    "59 59 1,2 * * *",
  ]

  init(_ index: Int, text: String) {
    pool = "pool-\(index)"
    self.text = "pool: \(pool)\n" + text
  }

  init(_ index: Int, _ random: inout SeededRandom) {
    pool = "pool-\(index)"
    let max = random.number(10...60)
    let target = random.number(5...max)
    var lines = ["pool: \(pool)", "suspend: \(random.chance(6))"]
    if random.chance(94) {
      lines += [
        "producer:", "  command: [make-items]", "  slice: \(random.number(1...Self.largestSlice))",
        "  concurrency: \(random.pick([1, 2, 3]))",
        "  rate: \(random.pick(["unlimited", "unlimited", "60/m", "2/s", "3000/h"]))",
        "  retry: {attempts: \(random.number(1...3)), backoff: \(random.pick([0, 2, 10]))s, "
          + "max_backoff: \(random.pick([10, 40, Self.longestWait]))s}",
        "  breaker: {failures: \(random.number(1...4)), "
          + "cooldown: \(random.pick([0, 30, Self.longestWait]))s}",
        "  revision: \"r\(random.number(1...3))\"",
      ]
    }
    lines += [
      "stock:", "  target: \(target)", "  max: \(max)",
      "  reorder_at: \(random.chance(25) ? 0 : random.number(1...target))",
      "  shelf_life: \(random.pick(["none", "none", "5m", "20m", "2h"]))",
      "claims:", "  order: \(random.pick(["fefo", "fefo", "fifo"]))",
      "  per_user: \(random.pick([0, 0, 1, 5]))",
      "  min_remaining: \(random.pick(["0s", "0s", "5s", "90s"]))", "schedules:",
    ]
    let count = random.number(0...3)
    if count == 0 { lines[lines.count - 1] += " []" }
    for number in 0..<count {
      lines += [
        "  - name: s\(number)", "    cron: \"\(random.pick(Self.crons))\"",
        "    timezone: \(random.pick(Self.zones))",
        "    catchup: \(random.pick(["latest", "latest", "none", "all"]))",
        "    catchup_window: \(random.pick(["24h", "10m", "90m"]))",
        "    suspend: \(random.chance(8))",
      ]
      if random.chance(40) { lines.append("    target: \(random.number(1...max))") }
    }
    text = lines.joined(separator: "\n") + "\n"
  }

  /// The definition that the file gives.
  func definition() throws -> Definition {
    let file = "/srv/Schedules/\(pool).yaml"
    return Definition(pool: try Self.read(text, file), source: text, file: file)
  }

  static let read: Definition.Reader = { source, file throws(StoreError) in
    let parsed = ScheduleFile.parse(Array(source.utf8), file: file, directory: "/srv/Schedules")
    guard let pool = parsed.pool else { throw .failed("\(parsed.diagnostics)\n\(source)") }
    return pool
  }
}
