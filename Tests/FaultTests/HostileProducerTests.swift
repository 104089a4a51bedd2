import Faults
import Testing

@Suite struct HostileProducerTests {
  /// The time that claims take is the campaign's matter: other tests run at the same time here.
  @Test func claimsGoOnWhateverProducersDoAndNothingOfThemIsLeft() throws {
    let reports = try HostileProducersPhase(time: .milliseconds(500)).run()
    #expect(reports.count == HostileProducer.all.count)
    for report in reports {
      #expect(report.latencies.count > 0 && report.runs >= 4, "\(report.producer)")
      #expect(report.violations.filter { !$0.contains("percentile") } == [])
    }
  }
}
