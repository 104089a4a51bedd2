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

  /// - Parameters:
  ///   - progress: is told of each per cent that is done.
  ///   - first: is told of each bin that counts, by the first policy.
  func run(
    progress: (Int) -> Void, first: (ReplayedBin) -> Void
  ) -> [Outcome] {
    let bins = replay.evaluated.count + Replay.warmUp
    var done = 0
    var told = -1
    func step(_ count: Int = 1) {
      done += count
      let percent = 100 * done / (bins * choices.count)
      guard percent != told else { return }
      told = percent
      progress(percent)
    }
    var outcomes: [Outcome] = []
    for choice in choices {
      let each: (ReplayedBin) -> Void = { bin in
        if outcomes.isEmpty, replay.evaluated.contains(bin.bin) { first(bin) }
        step()
      }
      switch choice {
      case .learned(let topUps):
        outcomes.append(outcome(choice, replay.run(.learned(topUps: topUps), each: each)))
      case .fixed(let target):
        outcomes.append(outcome(choice, replay.run(replay.fixed(target), each: each)))
      case .reorder(let point, let target):
        let policy = SizingPolicy.reorder(at: point, target: target)
        outcomes.append(outcome(choice, replay.run(policy, each: each)))
      case .bestFixed:
        let target = replay.bestFixed().target
        outcomes.append(
          outcome(choice, replay.run(replay.fixed(target), each: each), target: target))
      }
    }
    return outcomes
  }

  private func outcome(
    _ choice: PolicyChoice, _ result: ReplayResult, target: Int? = nil
  ) -> Outcome {
    Outcome(name: choice.name, target: target, result: result)
  }
}
