import Foundation
import Harness

/// Claims while every producer misbehaves (I8), and what is left of such producers after a stop (I9).
package struct HostileProducersPhase {
  /// How long claims are made beside each kind of producer.
  package var time: Duration
  package var clients = 16
  package var producers = HostileProducer.all

  package init(time: Duration) { self.time = time }

  /// What came of one kind of producer.
  package struct Report: Sendable {
    package let producer: String
    package var latencies = Latencies()
    package var runs = 0
    package var violations: [String] = []

    package var p99: Duration { latencies.quantile(0.99) }
  }

  /// The promise: claims meet it whatever producers do.
  package static let bound = Duration.nanoseconds(SpeedChecks.p99)

  package func run() throws -> [Report] {
    try producers.map { producer in
      try Workspace.with { workspace in try run(producer, workspace) }
    }
  }

  /// As many pools as producers run at once, so that no slot is free for a good one.
  private static let pools = 4

  private func run(_ producer: HostileProducer, _ workspace: Workspace) throws -> Report {
    var report = Report(producer: producer.name)
    try workspace.declare("shelf", "claims: {per_user: 0}\nstock: {max: 1000000}")
    let stock = 100_000
    let lines = (1...stock).map { #"{"payload": \#($0)}"# }.joined(separator: "\n")
    guard try workspace.larder("put", "shelf", input: lines).status == 0 else {
      throw ClientError("the shelf can't be filled")
    }
    try workspace.producer("hostile", producer.script)
    for index in 1...Self.pools {
      try workspace.declare("hostile-\(index)", producer.file(program: "hostile"))
    }
    let server = try workspace.serve("--producers", "\(Self.pools)")
    try eventually("runs of every hostile pool") {
      try (1...Self.pools).allSatisfy { try !server.http.runs("hostile-\($0)").isEmpty }
    }
    let end = ContinuousClock.now + time
    let outcomes = try atOnce(clients) { client in try Self.claim(server, client, until: end) }
    for outcome in outcomes {
      report.latencies.add(outcome.latencies)
      report.violations += outcome.violations
    }
    try check(server, producer, claims: outcomes.reduce(0) { $0 + $1.latencies.count }, &report)
    let status = try server.stop()
    if status != 0 { report.violations.append("I9: the server ended with \(status)") }
    for process in RunProcess.all(home: workspace.path) {
      report.violations.append(
        "I9: process \(process.pid) still works for run \(process.run) after the stop")
    }
    if report.p99 > Self.bound {
      report.violations.append("I8: the 99th percentile of claims is \(report.p99)")
    }
    report.violations = report.violations.map { "a producer that \(producer.name): \($0)" }
    return report
  }

  private struct Outcome: Sendable {
    var latencies = Latencies()
    var violations: [String] = []
  }

  private static func claim(
    _ server: ServerProcess, _ client: Int, until end: ContinuousClock.Instant
  ) throws -> Outcome {
    var outcome = Outcome()
    let connection = try HTTPConnection(server.http)
    var number = 0
    while ContinuousClock.now < end {
      number += 1
      let begin = ContinuousClock.now
      try connection.send(
        "POST", "/v1/pools/shelf/claims", body: Array(#"{"user": "u-\#(client)-\#(number)"}"#.utf8))
      let answer = try connection.receive()
      outcome.latencies.add(ContinuousClock.now - begin)
      if answer.status != 201 {
        outcome.violations.append("I8: a claim was answered \(answer.status): \(answer.text)")
      }
    }
    return outcome
  }

  /// The counts agree with what was claimed, and nothing broken was stored.
  private func check(
    _ server: ServerProcess, _ producer: HostileProducer, claims: Int, _ report: inout Report
  ) throws {
    let shelf = try server.http.level("shelf")
    if shelf["claimed"] != .int(claims) {
      report.violations.append("I6: \(claims) claims, but the level says \(shelf["claimed"])")
    }
    for index in 1...Self.pools {
      let pool = "hostile-\(index)"
      let runs = try server.http.runs(pool)
      report.runs += runs.count
      let produced = try server.http.level(pool)["produced"].int ?? 0
      if !producer.mayStore, produced > 0 {
        report.violations.append("I9: \(pool) stored \(produced) items")
      }
    }
  }
}

extension Phase {
  /// Claims beside producers that hang, flood and fork.
  package static let hostileProducers = Phase("hostile producers") { context in
    var tally = Tally()
    for report in try HostileProducersPhase(time: .seconds(4)).run() {
      context.report(
        "\(report.producer): \(report.latencies.count) claims, 99th percentile \(report.p99)")
      tally.ok += report.latencies.count
      tally.violations += report.violations.map { Violation(.i8, .other, $0) }
    }
    return tally
  }
}
