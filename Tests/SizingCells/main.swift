import Cron
import Engine
import Glibc
import Larder
import LiveReplay
import Sizing

// Replays the demand files of a folder (taxi50.csv, flights.csv) by the learned policies and compares
// what that costs with the figures of the method: `sizing-cells FOLDER`, exit 1 above 2 %. A week of
// the first also goes through the live engine, which must come to the same as the replay.

func fail(_ message: String) -> Never {
  print(message)
  exit(2)
}

func read(_ path: String) -> [UInt8] {
  guard let file = fopen(path, "r") else { fail("\(path) cannot be read") }
  defer { fclose(file) }
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 1 << 16)
  while true {
    let count = fread(&buffer, 1, buffer.count, file)
    guard count > 0 else { return bytes }
    bytes += buffer[..<count]
  }
}

func text(_ number: Double, digits: Int) -> String {
  let scale = pow(10, Double(digits))
  let scaled = Int((number.magnitude * scale).rounded())
  let sign = number < 0 ? "-" : ""
  guard digits > 0 else { return "\(sign)\(scaled)" }
  let fraction = String(scaled % Int(scale))
  let zeros = String(repeating: "0", count: digits - fraction.count)
  return "\(sign)\(scaled / Int(scale)).\(zeros)\(fraction)"
}

func column(_ text: String, _ width: Int) -> String {
  String(repeating: " ", count: max(0, width - text.count)) + text
}

guard CommandLine.arguments.count == 2, !CommandLine.arguments[1].isEmpty else {
  fail("usage: make verify-sizing DEMAND=FOLDER")
}
let folder = CommandLine.arguments[1]
var failures = 0
var longest = DemandSeries(start: 0, requests: [])
for file in Figures.files {
  let series: DemandSeries
  do throws(DemandFile.Malformed) {
    series = try DemandFile.read(read("\(folder)/\(file.name).csv"))
  } catch {
    fail("\(file.name).csv:\(error.line): \(error.message)")
  }
  for missCost in file.name == Figures.files[0].name ? Figures.liveMissCosts : [] {
    do {
      let began = ContinuousClock.now
      let (live, replay) = try liveWeek(
        of: series, from: series.start + file.firstDay * Grid.binsPerDay, missCost: missCost)
      let isGood =
        live.requests == replay.requests && live.missed == replay.missed
        && live.wasted == replay.wasted && live.produced == replay.produced
        && live.runs[.topup] ?? 0 == replay.extraRuns
      if !isGood { failures += 1 }
      print(
        "a live week of \(file.name), a miss costs \(missCost): requests \(live.requests), misses \(live.missed), waste "
          + "\(live.wasted), produced \(live.produced), top-ups \(live.runs[.topup] ?? 0); "
          + "replayed: \(replay.missed), \(replay.wasted), \(replay.produced), "
          + "\(replay.extraRuns); \(text((ContinuousClock.now - began).inSeconds, digits: 1)) s",
        isGood ? "" : "  FAILED")
    } catch {
      fail("the live week: \(error)")
    }
  }
  if series.requests.count > longest.requests.count { longest = series }
  for cell in file.cells {
    let costs = Costs(miss: Double(cell.missCost))
    let supply = Supply(
      interval: Grid.binsPerHour, lead: Figures.lead, shelfLife: cell.hours * Grid.binsPerHour)
    let from = series.start + file.firstDay * Grid.binsPerDay
    guard let replay = Replay(demand: series, supply: supply, costs: costs, from: from) else {
      fail("\(file.name).csv is too short")
    }
    let probe = from + Figures.probeHours * Grid.binsPerHour
    var target = -1
    let result = replay.run(.learned(topUps: cell.topUps)) {
      if $0.bin == probe { target = $0.plan?.target ?? -1 }
    }
    let total = result.total
    let byTick = EngineReplay.run(pool(cell), over: replay).total
    let cost = total.cost(costs)
    let reference = costs.miss * Double(cell.misses) + costs.waste * Double(cell.waste)
    let deviation = 100 * (cost / reference - 1)
    let isGood =
      deviation <= Figures.tolerance && abs(target - cell.target) <= 1
      && total.requests == file.requests
      && byTick.cost(costs) <= reference * (1 + Figures.tolerance / 100)
    if !isGood { failures += 1 }
    print(
      column(file.name, 8), "\(cell.hours)h", column("\(cell.missCost)", 3),
      cell.topUps ? "top-ups" : "hourly ", column("misses \(total.missed)", 12),
      column("waste \(total.wasted)", 11), column("cost \(text(cost, digits: 0))", 11),
      column("of \(text(reference, digits: 0))", 9),
      column((deviation < 0 ? "" : "+") + text(deviation, digits: 2) + " %", 9),
      "  target \(target) of \(cell.target)",
      " by ticks \(text(byTick.cost(costs), digits: 0))", isGood ? "" : "  FAILED")
  }
}

/// A pool that a cell's policy fills.
func pool(_ cell: Figures.Cell) -> Pool {
  var pool = Pool(name: "cell")
  pool.producer = ProducerSpec(command: ["make"], executable: "make", directory: "/")
  pool.producer?.slice = Limits.sliceItems.upperBound
  // A scheduled run does not wait for a top-up that is under way.
  pool.producer?.concurrency = 2
  pool.stock.isAuto = true
  pool.stock.topsUp = cell.topUps
  pool.stock.shelfLife = .seconds(3600 * cell.hours)
  pool.stock.costs = Costs(miss: Double(cell.missCost))
  guard let cron = try? CronExpression.parse("0 * * * *") else { fail("the schedule is bad") }
  pool.schedules = [ScheduleSpec(name: "hourly", cron: cron, zone: .utc)]
  return pool
}

/// A week of a file through the live engine and a program, and by the replay.
func liveWeek(
  of series: DemandSeries, from: Int, missCost: Double
) throws -> (live: LiveReplay.Totals, replay: ReplayTotals) {
  let week = from..<from + Grid.binsPerWeek
  var demand = series
  demand.requests.removeLast(series.end - week.upperBound - Replay.cutOff)
  let supply = Supply(
    interval: Grid.binsPerHour, lead: 0, shelfLife: Figures.liveHours * Grid.binsPerHour)
  let costs = Costs(miss: missCost)
  guard let replay = Replay(demand: demand, supply: supply, costs: costs, from: from),
    replay.evaluated == week
  else { fail("there is no week to replay") }
  let emptyAt = week.lowerBound - Replay.warmUp
  var path = Array("/tmp/sizing-cells-XXXXXX".utf8CString)
  guard let folder = mkdtemp(&path).map({ String(cString: $0) }) else { fail("no folder in /tmp") }
  defer {
    for name in ["larder.db", "larder.db-wal", "larder.db-shm", "larder.db.lock"] {
      unlink("\(folder)/\(name)")
    }
    rmdir(folder)
  }
  var past = demand
  past.requests.removeLast(demand.end - emptyAt)
  let live = try LiveReplay(
    database: "\(folder)/larder.db",
    source: LiveReplay.source(shelfLife: Figures.liveHours, missCost: missCost), past: past,
    at: Instant(bin: emptyAt))
  defer { live.stop() }
  let totals = try live.run(emptyAt..<week.upperBound, of: demand, counting: week)
  return (totals, replay.run(.learned(topUps: true)).total)
}

/// Microseconds that each of some plans takes after so much demand.
func planTime(after series: DemandSeries) -> Double {
  var planner = Planner(
    supply: Supply(interval: Grid.binsPerHour, lead: Figures.lead, shelfLife: 72),
    start: series.start)
  for requests in series.requests { planner.observe(requests) }
  let plans = 1000
  var sum = 0
  let time = ContinuousClock().measure {
    for _ in 0..<plans {
      sum += planner.plan(nextOrder: planner.next + 12, costs: Costs(miss: 5)).target
    }
  }
  guard sum > 0 else { fail("the plans order nothing") }
  return time.inSeconds * 1e6 / Double(plans)
}

let time = planTime(after: longest)
let isFast = time < Figures.planTime
print(
  "a plan takes \(text(time, digits: 1)) microseconds after \(longest.requests.count) bins",
  isFast ? "" : "  FAILED")
if !isFast { failures += 1 }
print(failures == 0 ? "all figures are met" : "\(failures) of the figures are not met")
exit(failures == 0 ? 0 : 1)
