import Glibc
import Larder
import Lock

/// Counts for `/metrics`, in Prometheus's text format.
package final class Metrics: Sendable {
  private struct Series: Hashable {
    var pool: String
    var result: String
  }

  private struct Change: Hashable {
    var command: ClaimCommand
    var result: String
  }

  private struct State {
    var claims = Counts<Series>()
    var changes = Counts<Change>()
    var runs = Counts<Series>()
    var claimTimes = Histogram(bounds: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 1])
    var runTimes = Histogram(bounds: [0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600])
  }

  private let state = Lock(State())

  package init() {}

  /// Counts a claim request's result; `pool` is empty where none is known.
  ///
  /// - Parameter took: seconds from its arrival.
  func claimed(pool: String, result: String, took: Double) {
    state.withLock {
      $0.claims.add(Series(pool: pool, result: result))
      $0.claimTimes.add(took)
    }
  }

  /// Counts what became of a command for a claim.
  func changed(_ command: ClaimCommand, result: String) {
    state.withLock { $0.changes.add(Change(command: command, result: result)) }
  }

  /// Counts a run that ended or was skipped.
  package func ended(_ run: Run) {
    state.withLock {
      $0.runs.add(Series(pool: run.pool, result: run.state.rawValue))
      if let startedAt = run.startedAt, let endedAt = run.endedAt {
        $0.runTimes.add((endedAt - startedAt).inSeconds)
      }
    }
  }

  /// The whole page.
  func text(_ levels: [PoolStatus], _ disk: Disk = Disk()) -> String {
    let state = state.withLock { $0 }
    var text = PrometheusText()
    text.begin("larder_items", "gauge", "Items of each pool by state.")
    for level in levels {
      for state in ItemState.allCases {
        text.sample(["pool": level.pool.name, "state": state.rawValue], level.stock[state])
      }
    }
    text.begin("larder_in_flight", "gauge", "Items that running slices were asked for.")
    for level in levels { text.sample(["pool": level.pool.name], level.inFlight) }
    text.begin("larder_pending", "gauge", "Items that pending claims wait for.")
    for level in levels { text.sample(["pool": level.pool.name], level.stock.pending) }
    text.begin("larder_target", "gauge", "The level that each pool's runs fill up to.")
    for level in levels {
      if let target = level.target { text.sample(["pool": level.pool.name], target) }
    }
    text.begin(
      "larder_waste_24h_items", "gauge",
      "Items that each pool lost in the last 24 hours, by reason.")
    for level in levels {
      for reason in WasteReason.allCases {
        text.sample(
          ["pool": level.pool.name, "reason": reason.rawValue],
          level.demand.wasted[reason]?.items ?? 0)
      }
    }
    text.begin("larder_claims_total", "counter", "Claim requests by result since the start.")
    for (series, count) in state.claims.all.sorted(by: {
      ($0.key.pool, $0.key.result) < ($1.key.pool, $1.key.result)
    }) {
      text.sample(["pool": series.pool, "result": series.result], count)
    }
    if let space = disk.space {
      text.begin("larder_disk_free_bytes", "gauge", "What the store's file system has left.")
      text.sample([:], Int(space.free))
    }
    text.begin("larder_filling_stopped", "gauge", "1 while the disk is short of room, else 0.")
    text.sample([:], disk.isShort ? 1 : 0)
    text.begin("larder_disk_full", "gauge", "1 while claims find no room on the disk, else 0.")
    text.sample([:], disk.isFull ? 1 : 0)
    text.begin(
      "larder_claim_changes_total", "counter",
      "Confirmations and the like by result since the start.")
    for (change, count) in state.changes.all.sorted(by: {
      ($0.key.command.rawValue, $0.key.result) < ($1.key.command.rawValue, $1.key.result)
    }) {
      text.sample(["command": change.command.rawValue, "result": change.result], count)
    }
    text.begin("larder_runs_total", "counter", "Runs that ended, by result, since the start.")
    for (series, count) in state.runs.all.sorted(by: {
      ($0.key.pool, $0.key.result) < ($1.key.pool, $1.key.result)
    }) {
      text.sample(["pool": series.pool, "result": series.result], count)
    }
    text.histogram(
      "larder_claim_duration_seconds", "From a claim request's arrival to its answer.",
      state.claimTimes)
    text.histogram(
      "larder_run_duration_seconds", "From a run's start to its end.", state.runTimes)
    return text.text
  }
}

/// Counts by key. Most of what is counted has the key of what was before: it is compared, not hashed.
private struct Counts<Key: Hashable & Sendable>: Sendable {
  private var others: [Key: Int] = [:]
  /// The last key, and how often it came in a row.
  private var last: (key: Key, count: Int)?

  mutating func add(_ key: Key) {
    if last?.key == key {
      last?.count += 1
    } else {
      if let last { others[last.key, default: 0] += last.count }
      last = (key, 1)
    }
  }

  var all: [Key: Int] {
    var all = others
    if let last { all[last.key, default: 0] += last.count }
    return all
  }
}

/// How long something takes.
struct Stopwatch {
  private let start = now

  /// The seconds since it was made.
  var seconds: Double { Double(Self.now - start) / 1e9 }

  /// A clock that never jumps, in nanoseconds.
  private static var now: Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}

/// Counts of values by the first bound that they do not pass.
struct Histogram: Sendable {
  let bounds: [Double]
  private var counts: [Int]
  private(set) var count = 0
  private(set) var sum = 0.0

  init(bounds: [Double]) {
    self.bounds = bounds
    counts = Array(repeating: 0, count: bounds.count)
  }

  mutating func add(_ value: Double) {
    if let index = bounds.firstIndex(where: { value <= $0 }) { counts[index] += 1 }
    count += 1
    sum += value
  }

  /// How many values are up to each bound.
  var cumulated: [(bound: Double, count: Int)] {
    var total = 0
    return zip(bounds, counts).map { bound, count in
      total += count
      return (bound, total)
    }
  }
}

/// Builds a page in Prometheus's text format 0.0.4.
private struct PrometheusText {
  private(set) var text = ""
  private var name = ""

  mutating func begin(_ name: String, _ type: String, _ help: String) {
    self.name = name
    text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
  }

  /// A sample of the present metric. Label values are names of pools, states and results, which
  /// hold nothing that needs an escape.
  mutating func sample(_ labels: KeyValuePairs<String, String>, _ value: Int, suffix: String = "") {
    let list = labels.map { "\($0.key)=\"\($0.value)\"" }.joined(separator: ",")
    text += "\(name)\(suffix)\(list.isEmpty ? "" : "{\(list)}") \(value)\n"
  }

  mutating func histogram(_ name: String, _ help: String, _ histogram: Histogram) {
    begin(name, "histogram", help)
    for (bound, count) in histogram.cumulated {
      sample(["le": "\(bound)"], count, suffix: "_bucket")
    }
    sample(["le": "+Inf"], histogram.count, suffix: "_bucket")
    text += "\(name)_sum \(histogram.sum)\n"
    sample([:], histogram.count, suffix: "_count")
  }
}
