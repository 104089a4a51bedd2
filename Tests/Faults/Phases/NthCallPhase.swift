import FaultShimControl
import Glibc
import Harness

extension Phase {
  /// The place of a call at which a server dies.
  private struct Death {
    let kind: faultshim_kind
    let action: faultshim_action
    /// Counted from 1: while it starts or later.
    let number: Int

    init(by random: inout Randomness) {
      kind = [faultshim_write, faultshim_sync, faultshim_send].randomElement(using: &random)!
      let actions =
        kind == faultshim_sync
        ? [faultshim_kill, faultshim_kill_after]
        : [faultshim_kill, faultshim_kill_within, faultshim_kill_after]
      action = actions.randomElement(using: &random)!
      // Early calls as often as late ones: 1 to 2, to 4, to 8 and so on.
      let end = 1 << Int.random(in: 1...11, using: &random)
      number = Int.random(in: (end / 2)...end, using: &random)
    }
  }

  /// Kills at the Nth write, sync or send since the start, before, within or after the call.
  package static func nthCallKills(_ kills: Int, perStore: Int = 20) -> Phase {
    Phase("kill at the Nth call") { context in
      var random = Randomness(seed: context.seed, purpose: "calls")
      var sum = Tally()
      while sum.kills < kills {
        let here = min(perStore, kills - sum.kills)
        sum += try tryStore(context, seed: random.next(), auditing: 300) { arena, tally in
          let control = try FaultControl(arena.workspace)
          var tries = 0
          while tally.kills < here {
            tries += 1
            // A server that does less than the load asks of it would let this go on forever.
            guard tries < here * 3 else { throw ClientError("the shim kills nobody") }
            let death = Death(by: &random)
            control.kill(at: death.number, of: death.kind, death.action)
            if try arena.start(environment: control.environment) {
              arena.audit(4)
              guard arena.awaitKill(within: 5) else {
                control.clear()
                try arena.kill()
                continue
              }
            }
            tally.kills += 1
          }
        }
        context.report("\(sum.kills) of \(kills) kills, \(sum.ok) claims, \(sum.info) unknown")
      }
      return sum
    }
  }
}
