import FaultShimControl
import Glibc
import Harness

extension Phase {
  /// What goes wrong around a server.
  enum IOFault: CaseIterable, Sendable {
    /// A sync or a write fails: nobody knows what is on disk, so the server ends.
    case failedSync, failedWrite
    /// One write finds no room; or all that need more of it, for a while.
    case noRoom, fullDisk
    /// No descriptor can be made, for a while.
    case noDescriptors
    case suspended
  }

  /// Errors of disk and descriptors, and stops, under load; each is waited out or recovered from.
  package static func ioFaults(_ count: Int) -> Phase { ioFaults(count, of: IOFault.allCases) }

  static func ioFaults(_ count: Int, of kinds: [IOFault], perStore: Int = 15) -> Phase {
    Phase("I/O faults") { context in
      var random = Randomness(seed: context.seed, purpose: "faults")
      var sum = Tally()
      var made = 0
      while sum.ioFaults < count {
        let here = min(perStore, count - sum.ioFaults)
        sum += try tryStore(context, seed: random.next(), auditing: 300) { arena, tally in
          let control = try FaultControl(arena.workspace)
          while tally.ioFaults < here {
            if !arena.isRunning {
              control.clear()
              guard try arena.start(environment: control.environment) else {
                throw ClientError("a server was killed")
              }
            }
            arena.audit(4)
            usleep(.random(in: 20_000...150_000, using: &random))
            // Each kind in turn: none is left out by chance.
            made += 1
            if try bring(kinds[made % kinds.count], arena, control, &random) {
              tally.ioFaults += 1
            }
          }
          control.clear()
        }
        context.report("\(sum.ioFaults) of \(count) faults, \(sum.ok) claims, \(sum.info) unknown")
      }
      return sum
    }
  }

  /// Brings one fault, and says whether it took place.
  private static func bring(
    _ fault: IOFault, _ arena: Arena, _ control: FaultControl, _ random: inout Randomness
  ) throws -> Bool {
    switch fault {
    case .failedSync, .failedWrite:
      let kind = fault == .failedSync ? faultshim_sync : faultshim_write
      control.fail(at: .random(in: 1...30, using: &random), of: kind, with: EIO)
      let tookPlace = try isMet(arena, control, kind)
      // A failed checkpoint loses nothing and is tried again, so the server may go on.
      if tookPlace, !endsOrAnswers(arena) {
        throw ClientError("after an I/O error the server neither ends nor answers")
      }
      control.clear()
      return tookPlace
    case .noRoom:
      control.fail(at: .random(in: 1...30, using: &random), of: faultshim_write, with: ENOSPC)
      let tookPlace = try isMet(arena, control, faultshim_write)
      control.clear()
      try expectAnswers(arena, "a write found no room")
      return tookPlace
    case .fullDisk:
      control.capacity = 1
      usleep(.random(in: 50_000...400_000, using: &random))
      control.capacity = 0
      try expectAnswers(arena, "the disk was full")
      return true
    case .noDescriptors:
      control.fail(at: 1, of: faultshim_open, with: EMFILE, count: .max / 4)
      usleep(.random(in: 50_000...400_000, using: &random))
      control.clear()
      try expectAnswers(arena, "there were no descriptors")
      return true
    case .suspended:
      arena.suspend(for: .random(in: 50_000...900_000, using: &random))
      try expectAnswers(arena, "it was stopped")
      return true
    }
  }

  /// Whether the server ends or answers, one of them. It takes a while to end on a busy machine, and
  /// answers nothing meanwhile.
  private static func endsOrAnswers(_ arena: Arena) -> Bool {
    for _ in 0..<10 {
      if arena.awaitFailure(within: 1) || arena.answers(within: 1) { return true }
    }
    return false
  }

  /// Waits until the call came that fails.
  private static func isMet(
    _ arena: Arena, _ control: FaultControl, _ kind: faultshim_kind
  ) throws -> Bool {
    (try? eventually("the call", within: 3) { control.failed(kind) > 0 }) != nil
  }

  private static func expectAnswers(_ arena: Arena, _ what: String) throws {
    if !arena.answers(within: 20) { throw ClientError("after \(what) the server answers no more") }
  }
}
