import Larder
import Sizing

/// A pool over demand that was, run by the engine's own `tick` on a clock that jumps from deadline to
/// deadline. What is made up is the rest: the shelf, and a producer that always brings what it is
/// asked for, the first slice of a run after the lead time.
///
/// The requests of 5 minutes all come at their beginning, when what is due then has been ordered: where
/// the lead time is 0, it is there for them.
package struct EngineReplay {
  private let pool: Pool
  private let replay: Replay
  private let lead: Duration
  private var state: EngineState
  private var shelf: [Batch] = []
  private var flying: [(readyAt: Instant, launch: Launch)] = []
  private var now: Instant
  private var deadline: Instant?
  private var bin: Tally

  /// Items of one slice.
  private struct Batch {
    var expiresAt: Instant?
    var items: Int
  }

  /// What happened in a bin.
  private struct Tally {
    var wasted = 0
    var ordered = 0
    var isExtra = false
    var plan: Plan?
  }

  /// - Parameters:
  ///   - pool: as its file has it, or as it might; it has a producer.
  ///   - replay: the demand, what counts of it, and the lead time in bins.
  package init(of pool: Pool, over replay: Replay) {
    self.pool = pool
    self.replay = replay
    lead = .seconds(replay.supply.lead * Grid.binSeconds)
    let start = Instant(bin: replay.evaluated.lowerBound - Replay.warmUp)
    now = start
    bin = Tally()
    var status = PoolStatus(pool: pool)
    let justBefore = start - .milliseconds(1)
    for schedule in pool.schedules {
      // A schedule that is seen for the first time has no time that comes just then.
      status.marks[schedule.name] = ScheduleMark(
        timing: schedule.timing, active: !pool.suspend && !schedule.suspend,
        considered: justBefore)
    }
    status.memory.typicalRunTime = lead
    state = EngineState(
      pools: [status], producers: Limits.producers.upperBound, automatic: true,
      awakeSince: justBefore)
  }

  /// - Parameter each: is told of each bin from when the shelf is empty on, as of its end.
  package static func run(
    _ pool: Pool, over replay: Replay, each: (ReplayedBin) -> Void = { _ in }
  ) -> ReplayResult {
    var engine = EngineReplay(of: pool, over: replay)
    var result = ReplayResult(evaluated: replay.evaluated, costs: replay.costs)
    let first = replay.evaluated.lowerBound
    for bin in first - Replay.warmUp..<replay.evaluated.upperBound {
      if bin == first { result.itemsBefore = engine.position }
      let replayed = engine.pass(bin)
      if bin >= first { result.add(replayed) }
      each(replayed)
    }
    result.itemsAfter = engine.position
    return result
  }

  /// What is on the shelf and on order.
  private var position: Int {
    shelf.reduce(0) { $0 + $1.items } + flying.reduce(0) { $0 + $1.launch.count }
  }

  /// Lets a bin pass.
  private mutating func pass(_ number: Int) -> ReplayedBin {
    bin = Tally()
    let (start, end) = (Instant(bin: number), Instant(bin: number + 1))
    now = start
    act()
    let requests = replay.demand[number] ?? 0
    let missed = serve(requests)
    // Deadlines and deliveries within the bin.
    while let next = [deadline, flying.first?.readyAt].compactMap({ $0 }).min(), next < end {
      now = max(now, next)
      act()
    }
    return ReplayedBin(
      bin: number, requests: requests, missed: missed, wasted: bin.wasted, ordered: bin.ordered,
      isExtra: bin.isExtra, available: shelf.reduce(0) { $0 + $1.items },
      target: bin.ordered > 0 ? state.status(of: pool.name)?.target.map(Double.init) : nil,
      plan: bin.plan)
  }

  private mutating func serve(_ requests: Int) -> Int {
    var left = requests
    while left > 0, let first = shelf.first {
      let taken = min(left, first.items)
      left -= taken
      if taken == first.items { shelf.removeFirst() } else { shelf[0].items -= taken }
    }
    return left
  }

  /// Does all that is due now.
  private mutating func act() {
    while true {
      expire()
      deliver()
      state.stockChanged([pool.name: stock])
      let tick = state.tick(at: now)
      for run in tick.cancellations { giveUp(run) }
      for launch in tick.launches { take(launch) }
      for pool in tick.markings { state.marked(pool) }
      for study in tick.studies { state.studied(study, evidence(study), at: now) }
      for case .open(let run) in tick.events where run.reason != .schedule { bin.isExtra = true }
      if tick.events.contains(where: { if case .target = $0 { true } else { false } }) {
        bin.plan = state.pools[pool.name]?.sizer?.plan
      }
      deadline = tick.deadline
      let isDone = tick.launches.isEmpty && tick.studies.isEmpty && tick.expiries.isEmpty
      let waits = flying.first.map { $0.readyAt <= now } ?? false
      if isDone, !waits, state.isSettled, deadline.map({ now < $0 }) ?? true { return }
    }
  }

  private mutating func take(_ launch: Launch) {
    bin.ordered += launch.count
    let readyAt = launch.slice == 1 ? now + lead : now
    let place = flying.firstIndex { $0.readyAt > readyAt } ?? flying.endIndex
    flying.insert((readyAt, launch), at: place)
  }

  private mutating func deliver() {
    while let next = flying.first, next.readyAt <= now {
      flying.removeFirst()
      let expiresAt = pool.stock.shelfLife.map {
        next.readyAt + $0 - pool.claims.minRemaining
      }
      shelf.append(Batch(expiresAt: expiresAt, items: next.launch.count))
      state.stockChanged([pool.name: stock])
      var put = PutResult()
      put.stored = next.launch.count
      let cursor = "\(next.launch.slice)"
      _ = state.sliceEnded(
        next.launch, .committed(put, printed: next.launch.count, cursor: cursor), at: now)
    }
  }

  private mutating func giveUp(_ run: String) {
    for (_, launch) in flying where launch.run == run {
      bin.ordered -= launch.count
      _ = state.sliceEnded(launch, .givenUp, at: now)
    }
    flying.removeAll { $0.launch.run == run }
  }

  private mutating func expire() {
    while let first = shelf.first, let expiresAt = first.expiresAt, expiresAt <= now {
      bin.wasted += first.items
      shelf.removeFirst()
    }
  }

  /// What the engine is told of the shelf, which expires in the order in which it was filled.
  private var stock: Stock {
    var stock = Stock()
    stock.available = shelf.reduce(0) { $0 + $1.items }
    stock.nextExpiry = shelf.first?.expiresAt.map { $0 + pool.claims.minRemaining }
    return stock
  }

  private func evidence(_ study: Study) -> StockPlan.Evidence {
    var evidence = StockPlan.Evidence()
    let start = max(
      study.from?.bin ?? now.bin - StockPlan.lookedBack, replay.demand.start)
    if start < now.bin {
      var unknown: Int?
      for bin in start..<now.bin {
        if let requests = replay.demand[bin] {
          if let since = unknown {
            evidence.demand.gaps.append(Instant(bin: since)..<Instant(bin: bin))
          }
          unknown = nil
          var demand = Demand()
          demand.hits = requests
          evidence.demand.bins.append(DemandRecord.Bin(start: Instant(bin: bin), demand: demand))
        } else {
          unknown = unknown ?? bin
        }
      }
      if let since = unknown {
        evidence.demand.gaps.append(Instant(bin: since)..<Instant(bin: now.bin))
      }
    }
    for batch in shelf {
      guard let expiresAt = batch.expiresAt, expiresAt < now + Limits.planShelf else { continue }
      evidence.expiring[expiresAt.bin, default: 0] += batch.items
    }
    evidence.runTimes = [lead]
    return evidence
  }
}
