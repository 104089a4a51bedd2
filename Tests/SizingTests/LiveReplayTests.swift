import Foundation
import Larder
import LiveReplay
import Sizing
import Testing

/// What is simulated is what runs: the replay's figures, and those of the live engine with a store on
/// disk and a program that makes the items.
@Suite struct LiveReplayTests {
  @Test(arguments: [0.2, 20]) func twoDaysLiveComeToWhatTheReplaySays(_ missCost: Double) throws {
    let all = try flights.get()
    let from = all.start + 243 * Grid.binsPerDay
    let days = from..<from + 2 * Grid.binsPerDay
    var demand = all
    demand.requests.removeLast(all.end - days.upperBound - Replay.cutOff)
    let supply = Supply(interval: Grid.binsPerHour, lead: 0, shelfLife: 2 * Grid.binsPerHour)
    let replay = try #require(
      Replay(demand: demand, supply: supply, costs: Costs(miss: missCost), from: from))
    #expect(replay.evaluated == days)
    let emptyAt = days.lowerBound - Replay.warmUp
    var past = demand
    past.requests.removeLast(demand.end - emptyAt)

    let folder = NSTemporaryDirectory() + "/larder-live-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let live = try LiveReplay(
      database: folder + "/larder.db",
      source: LiveReplay.source(shelfLife: 2, missCost: missCost), past: past,
      at: Instant(bin: emptyAt))
    defer { live.stop() }
    let totals = try live.run(emptyAt..<days.upperBound, of: demand, counting: days)
    let expected = replay.run(.learned(topUps: true)).total
    #expect(totals.requests == expected.requests && expected.requests > 1000)
    #expect(totals.missed == expected.missed)
    #expect(totals.wasted == expected.wasted)
    #expect(totals.produced == expected.produced)
    #expect(totals.runs[.topup] ?? 0 == expected.extraRuns)
  }
}
