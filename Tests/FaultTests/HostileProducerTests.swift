import Faults
import Testing

@Suite struct HostileProducerTests {
  /// The time that claims take is the campaign's matter: other tests run at the same time here.
  @Test func claimsGoOnWhateverProducersDoAndNothingOfThemIsLeft() throws {
    var phase = HostileProducersPhase(time: .milliseconds(500))
    // The campaign has all of them.
    phase.producers = HostileProducer.all.filter { producer in
      ["hangs", "endless line", "half", "forks", "grandchildren"].contains {
        producer.name.contains($0)
      }
    }
    let reports = try phase.run()
    #expect(reports.count == 5)
    for report in reports {
      #expect(report.latencies.count > 0 && report.runs >= 4, "\(report.producer)")
      #expect(report.violations.filter { !$0.contains("percentile") } == [])
    }
  }
}
