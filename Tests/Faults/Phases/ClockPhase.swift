import Glibc
import Harness

extension Phase {
  /// The wall clock is set, ahead and back, and over both changes of daylight saving time, while
  /// schedules fire each second and clients claim; and once a server finds 10,000 missed times.
  package static func clock(_ jumps: Int = 12) -> Phase {
    Phase("clock") { context in
      var random = Randomness(seed: context.seed, purpose: "clock")
      return try tryStore(context, seed: context.seed, auditing: 100) { arena, _ in
        arena.clockJumps()
        let control = try FaultControl(arena.workspace)
        guard try arena.start(environment: control.environment) else {
          throw ClientError("the server was killed")
        }
        let hour: Int64 = 3600
        let now = Int64(time(nil))
        // Seconds by which the clock is ahead: of now, of the hours around two changes of 2027,
        // and of what chance says.
        let changes: [Int64] = [1_806_195_600 - now - 2, 1_824_944_400 - now - 2]
        var shifts = [hour, 0, -hour, 0] + changes + [0]
        while shifts.count < jumps { shifts.append(.random(in: -hour...hour, using: &random)) }
        for shift in shifts {
          control.clockShift = shift * 1_000_000_000
          usleep(400_000)
          arena.audit(4)
          if !arena.answers(within: 20) {
            throw ClientError("with the clock set by \(shift) s it answers no more")
          }
        }
        try arena.kill()
        control.clockShift += 10_000 * 1_000_000_000
        guard try arena.start(environment: control.environment) else {
          throw ClientError("the server was killed")
        }
        if !arena.answers(within: 20) { throw ClientError("it answers no more after 10,000 times") }
      }
    }
  }
}
