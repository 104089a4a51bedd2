import Larder
import ScheduleFile

/// A pool's schedule file, made up from a seed for each of its sections, so that an edit changes
/// some of them and leaves the others.
struct PoolDesign: Sendable {
  enum Section: Int, CaseIterable {
    case suspend, producer, revision, stock, claims, schedules
  }

  let pool: String
  let text: String
  private var seeds: [UInt64] = []

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
    self.init(index, seeds: Section.allCases.map { _ in random.next() })
  }

  private init(_ index: Int, seeds: [UInt64]) {
    pool = "pool-\(index)"
    self.seeds = seeds
    func random(_ section: Section) -> SeededRandom { SeededRandom(seed: seeds[section.rawValue]) }
    var suspend = random(.suspend)
    var lines = ["pool: \(pool)", "suspend: \(suspend.chance(6))"]
    lines += Self.producer(random(.producer), random(.revision))
    let (stock, most) = Self.stock(random(.stock))
    lines += stock + Self.claims(random(.claims)) + Self.schedules(random(.schedules), most)
    text = lines.joined(separator: "\n") + "\n"
  }

  /// The file with some of its sections made up anew.
  func edited(_ index: Int, _ random: inout SeededRandom) -> PoolDesign {
    guard !seeds.isEmpty else { return PoolDesign(index, &random) }
    var seeds = seeds
    for _ in 0..<random.number(1...2) {
      // Often it is the producer's revision alone.
      let section = random.chance(30) ? .revision : random.pick(Section.allCases)
      seeds[section.rawValue] = random.next()
    }
    return PoolDesign(index, seeds: seeds)
  }

  private static func producer(_ first: SeededRandom, _ second: SeededRandom) -> [String] {
    var random = first
    var revision = second
    guard random.chance(84) else { return [] }
    return [
      "producer:", "  command: [make-items]", "  slice: \(random.number(1...largestSlice))",
      "  concurrency: \(random.pick([1, 2, 3]))",
      "  rate: \(random.pick(["unlimited", "unlimited", "60/m", "2/s", "3000/h"]))",
      "  retry: {attempts: \(random.number(1...3)), backoff: \(random.pick([0, 2, 10]))s, "
        + "max_backoff: \(random.pick([10, 40, longestWait]))s}",
      "  breaker: {failures: \(random.number(1...4)), "
        + "cooldown: \(random.pick([0, 30, longestWait]))s}",
      "  revision: \"r\(revision.number(1...3))\"",
    ]
  }

  /// The stock's lines, and its `max`.
  private static func stock(_ first: SeededRandom) -> ([String], Int) {
    var random = first
    let most = random.number(10...60)
    let target = random.number(5...most)
    let targets = random.pick(["all", "auto", "\(target)", "\(target)", "\(target)"])
    let lines = [
      "stock:", "  target: \(targets)", "  max: \(most)",
      "  sizing: \(random.pick(["auto", "auto", "forecast_only"]))",
      "  min: \(random.pick([0, 0, random.number(0...target)]))",
      "  reorder_at: \(random.chance(25) ? 0 : random.number(1...target))",
      "  shelf_life: \(random.pick(["none", "none", "5m", "20m", "2h"]))",
      "  duplicates: \(random.pick(["ignore", "replace"]))",
      "  on_revision: \(random.pick(["keep", "replace", "replace"]))",
    ]
    return (lines, most)
  }

  private static func claims(_ first: SeededRandom) -> [String] {
    var random = first
    return [
      "claims:", "  order: \(random.pick(["fefo", "fifo"]))",
      "  per_user: \(random.pick([0, 0, 1, 5]))",
      "  min_remaining: \(random.pick(["0s", "0s", "5s", "90s"]))",
      "  hold: \(random.pick(["0s", "20s", "2m", "10m"]))",
      "  on_miss: \(random.pick(["reject", "backorder", "backorder"]))",
      "  backorder: {timeout: \(random.pick(["10s", "2m", "15m", "3h"]))}",
      "  on_release: \(random.pick(["discard", "restock", "restock"]))",
    ]
      + (random.chance(60)
        ? ["  webhook: {url: \"http://127.0.0.1:9/\", secret: ./webhook.key}"] : [])
  }

  private static func schedules(_ first: SeededRandom, _ most: Int) -> [String] {
    var random = first
    let count = random.number(0...3)
    var lines = ["schedules:" + (count == 0 ? " []" : "")]
    for number in 0..<count {
      lines += [
        "  - name: s\(number)", "    cron: \"\(random.pick(crons))\"",
        "    timezone: \(random.pick(zones))",
        "    catchup: \(random.pick(["latest", "latest", "none", "all"]))",
        "    catchup_window: \(random.pick(["24h", "10m", "90m"]))",
        "    jitter: \(random.pick(["0s", "0s", "0s", "3s", "45s", "10m"]))",
        "    overlap: \(random.pick(["skip", "queue", "replace"]))",
        "    suspend: \(random.chance(8))",
      ]
      if random.chance(40) { lines.append("    target: \(random.number(1...most))") }
    }
    return lines
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
