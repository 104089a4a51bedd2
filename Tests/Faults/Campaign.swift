/// The phases in order under one seed, and what they must come to.
package struct Campaign: Sendable {
  /// What a campaign must have seen to mean anything.
  package struct Least: Sendable {
    package var kills: Int
    package var ok: Int
    package var info: Int
    package var states: Int
    package var ioFaults: Int
    package var mutants: Int

    package init(
      kills: Int = 0, ok: Int = 0, info: Int = 0, states: Int = 0, ioFaults: Int = 0,
      mutants: Int = 0
    ) {
      self.kills = kills
      self.states = states
      self.ioFaults = ioFaults
      self.ok = ok
      self.info = info
      self.mutants = mutants
    }
  }

  /// How many mutants there are.
  package static let mutants = Mutation.all.count
  package static let randomKills = 300
  package static let nthCallKills = 160
  package static let crashStates = 3_000
  package static let ioFaults = 150

  /// The full campaign.
  package static let full = Campaign(
    phases: [
      .randomKills(randomKills),
      .nthCallKills(nthCallKills),
      .powerLoss(crashStates),
      .ioFaults(ioFaults),
      .hostileProducers,
      .hostileClients(seconds: 20),
      .clock(40),
      .backups(10),
      .farewell,
      .principals,
      .mutants,
    ],
    least: Least(
      kills: randomKills + nthCallKills, ok: 50_000, info: 1_000, states: crashStates,
      ioFaults: ioFaults, mutants: mutants))

  package let phases: [Phase]
  package let least: Least

  package init(phases: [Phase], least: Least) {
    self.phases = phases
    self.least = least
  }

  /// Runs all phases.
  ///
  /// - Parameters:
  ///   - folder: where stores with violations are kept, each under its own seed.
  ///   - report: takes lines of progress, and all violations.
  package func run(
    seed: UInt64, folder: String, report: @escaping @Sendable (String) -> Void
  ) -> Tally {
    var sum = Tally()
    for phase in phases {
      let began = monotonicNow()
      var part = Tally()
      do {
        let context = try PhaseContext(
          seed: Randomness.mixed(seed, purpose: phase.name), folder: folder
        ) { report("\(phase.name): \($0)") }
        part = try phase.run(context)
      } catch {
        part.violations = [Violation(.server, .other, "\(phase.name) did not end: \(error)")]
      }
      for violation in part.violations { report("\(phase.name): \(violation)") }
      let seconds = (monotonicNow() - began) / 1_000_000_000
      report("\(phase.name): done in \(seconds) s, \(part.violations.count) violations")
      sum += part
    }
    return sum
  }

  /// Why the campaign failed; empty if it did not.
  package func complaints(_ tally: Tally) -> [String] {
    var complaints: [String] = []
    if !tally.violations.isEmpty { complaints.append("\(tally.violations.count) violations") }
    for (name, count, least) in [
      ("kills", tally.kills, least.kills), ("ok claims", tally.ok, least.ok),
      ("unknown claims", tally.info, least.info), ("crash states", tally.states, least.states),
      ("I/O faults", tally.ioFaults, least.ioFaults), ("mutants", tally.mutants, least.mutants),
    ] where count < least {
      complaints.append("\(count) \(name) are fewer than \(least)")
    }
    return complaints
  }

  /// The line that the campaign ends with.
  package static func line(_ tally: Tally, seed: UInt64) -> String {
    "kills=\(tally.kills) crash_states=\(tally.states) io_faults=\(tally.ioFaults)"
      + " ok_claims=\(tally.ok) info=\(tally.info) lost=\(tally.count(.lost))"
      + " doubled=\(tally.count(.doubled)) phantom=\(tally.count(.phantom))"
      + " mutants=\(tally.mutants)/\(mutants) seed=\(seed)"
  }
}
