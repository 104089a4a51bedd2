import Glibc

extension Phase {
  /// kill -9 after 50 to 600 ms under load, again and again; fresh stores now and then, so that
  /// they stay small.
  package static func randomKills(_ kills: Int, perStore: Int = 25) -> Phase {
    Phase("kill -9") { context in
      var random = Randomness(seed: context.seed, purpose: "kills")
      var sum = Tally()
      while sum.kills < kills {
        let here = min(perStore, kills - sum.kills)
        sum += try tryStore(context, seed: random.next(), auditing: 500) { arena, tally in
          for _ in 0..<here {
            guard try arena.start() else { continue }
            arena.audit(8)
            usleep(.random(in: 50_000...600_000, using: &random))
            try arena.kill()
            tally.kills += 1
          }
        }
        context.report("\(sum.kills) of \(kills) kills, \(sum.ok) claims, \(sum.info) unknown")
      }
      return sum
    }
  }
}
