import Cron
import Engine
import Larder
import Sizing

/// Policies that are replayed over the same demand.
struct Simulation {
  /// What a policy came to.
  struct Outcome {
    let name: String
    /// The target that was found best, where one was looked for.
    let target: Int?
    let result: ReplayResult
  }

  let replay: Replay
  let choices: [PolicyChoice]
  /// Whose file the policies are tried on; nil: there are no more terms than the replay has.
  var pool: Pool?

  /// - Parameters:
  ///   - progress: is told of each per cent that is done.
  ///   - each: is told of each bin that counts, and by the how manieth policy.
  func run(
    progress: (Int) -> Void, each: (Int, ReplayedBin) -> Void
  ) -> [Outcome] {
    let bins = replay.evaluated.count + Replay.warmUp
    var done = 0
    var told = -1
    var outcomes: [Outcome] = []
    func step(_ bin: ReplayedBin) {
      if replay.evaluated.contains(bin.bin) { each(outcomes.count, bin) }
      done += 1
      let percent = 100 * done / (bins * choices.count)
      guard percent != told else { return }
      told = percent
      progress(percent)
    }
    for choice in choices {
      guard choice == .bestFixed else {
        outcomes.append(Outcome(name: choice.name, target: nil, result: run(choice, step)))
        continue
      }
      let best = replay.bestFixed { run(.fixed($0)) { _ in } }.target
      outcomes.append(
        Outcome(name: choice.name, target: best, result: run(.fixed(best), step)))
    }
    return outcomes
  }

  private func run(_ choice: PolicyChoice, _ each: (ReplayedBin) -> Void) -> ReplayResult {
    if let pool { return EngineReplay.run(choice.applied(to: pool), over: replay, each: each) }
    switch choice {
    case .learned(let topUps):
      // A schedule has one run at a time: longer than until its next time, no engine lets orders take.
      guard replay.supply.lead <= replay.supply.interval else {
        return replay.run(.learned(topUps: topUps), each: each)
      }
      return EngineReplay.run(choice.applied(to: replay.pool), over: replay, each: each)
    case .fixed(let target): return replay.run(replay.fixed(target), each: each)
    case .reorder(let point, let target):
      return replay.run(.reorder(at: point, target: target), each: each)
    case .today, .bestFixed: preconditionFailure("\(choice) is none that a replay knows")
    }
  }
}

extension Replay {
  /// A pool on these terms. A scheduled run does not wait for a top-up that is under way.
  fileprivate var pool: Pool {
    func span(_ bins: Int) -> Duration { .seconds(bins * Grid.binSeconds) }
    var pool = Pool(name: "simulated")
    pool.producer = ProducerSpec(command: ["make"], executable: "make", directory: "/")
    pool.producer?.slice = Limits.sliceItems.upperBound
    pool.producer?.concurrency = 2
    pool.stock.max = Limits.poolMax
    pool.stock.shelfLife = supply.shelfLife.map(span)
    pool.stock.costs = costs
    let every = "@every \(supply.interval * Grid.binSeconds)s"
    guard let cron = try? CronExpression.parse(every) else {
      preconditionFailure("\(every) is no schedule")
    }
    pool.schedules = [ScheduleSpec(name: "simulated", cron: cron, zone: .utc)]
    return pool
  }
}
