import Faults
import Foundation
import Testing

/// The campaign's short form.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct CampaignTests {
  private func run(_ phase: Phase, seed: UInt64, least: Campaign.Least) {
    let folder = NSTemporaryDirectory() + "larder-faults"
    let campaign = Campaign(phases: [phase], least: least)
    let tally = campaign.run(seed: seed, folder: folder) { _ in }
    let violations = tally.violations.map(\.description).joined(separator: "\n")
    #expect(campaign.complaints(tally) == [], "\(violations)")
  }

  @Test func nothingIsLostOrDoubledByKills() {
    run(
      .randomKills(10), seed: 20_261_125,
      least: Campaign.Least(kills: 10, ok: 200, info: 10))
  }

  @Test func nothingIsLostOrDoubledByDeathsAtACall() {
    run(
      .nthCallKills(10), seed: 20_261_125,
      least: Campaign.Least(kills: 10, ok: 50, info: 5))
  }

  @Test func nothingIsLostOrDoubledByALossOfPower() {
    run(.powerLoss(60), seed: 20_261_125, least: Campaign.Least(states: 60))
  }

  @Test func nothingIsLostOrDoubledByErrorsOfTheDisk() {
    run(.ioFaults(12), seed: 20_261_125, least: Campaign.Least(ok: 100, info: 10, ioFaults: 12))
  }

  @Test func hostileClientsHarmNobody() {
    run(.hostileClients(seconds: 2, slowBodies: false), seed: 1, least: Campaign.Least(ok: 100))
  }

  @Test func nothingIsLostOrDoubledWhenTheClockIsSet() {
    run(.clock(), seed: 1, least: Campaign.Least(ok: 100))
  }

  @Test func noItemIsIssuedTwiceByWayOfABackup() {
    run(.backups(2), seed: 1, least: Campaign.Least(ok: 100))
  }

  @Test func producersAreToldToEnd() {
    run(.farewell, seed: 1, least: Campaign.Least())
  }

  @Test func keysAreScopedToThePrincipal() {
    run(.principals, seed: 1, least: Campaign.Least(ok: 20))
  }

  @Test(arguments: Mutation.all)
  func theMutantIsCaught(_ mutation: Mutation) throws {
    let context = try PhaseContext(seed: 7, folder: NSTemporaryDirectory() + "larder-mutants") {
      _ in
    }
    #expect(try mutation.isCaught(context))
  }

  @Test func aCampaignThatSawTooLittleFails() {
    let campaign = Campaign(
      phases: [Phase("nothing") { _ in Tally() }],
      least: Campaign.Least(kills: 1, ok: 1, info: 1, states: 1, ioFaults: 1, mutants: 1))
    let tally = campaign.run(seed: 1, folder: "/nonexistent") { _ in }
    #expect(campaign.complaints(tally).count == 6)
    #expect(
      Campaign.line(tally, seed: 7)
        == "kills=0 crash_states=0 io_faults=0 ok_claims=0 info=0 lost=0 doubled=0 phantom=0"
        + " mutants=0/8 seed=7")
  }

  @Test func aPhaseThatThrowsIsAViolation() {
    let campaign = Campaign(
      phases: [Phase("broken") { _ in throw CocoaError(.fileNoSuchFile) }],
      least: Campaign.Least())
    let tally = campaign.run(seed: 1, folder: "/nonexistent") { _ in }
    #expect(tally.violations.count == 1)
    #expect(campaign.complaints(tally) == ["1 violations"])
  }
}
