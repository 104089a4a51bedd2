import Foundation
import Larder
import Producer
import Testing

@testable import Engine

@Suite struct SliceMakerTests {
  private struct Report: Sendable {
    var result: SliceResult
    var stocks: [String: Stock]
  }

  private func make(
    _ script: String, executable: String = "/bin/sh", timeout: Duration = .seconds(60),
    _ store: sending FakeStore,
    waits: @escaping @Sendable (String, Mailbox<Bool>) -> Void = { _, _ in }
  ) throws -> Report {
    var spec = ProducerSpec(
      command: ["sh", "-c", script], executable: executable, directory: "/")
    spec.timeout = timeout
    let launch = Launch(pool: "p", run: "r", slice: 2, count: 3, cursor: "c")
    let writer = StoreWriter(store: store) { _ in }
    let reports = Mailbox<[Report]>([])
    let observed = Log()
    let halt = Mailbox(false)
    writer.observe { _ in observed.add("changed") }
    SliceMaker(
      launch: launch, spec: spec,
      process: ProducerProcess(
        spec: spec,
        request: SliceRequest(pool: "p", run: "r", slice: 2, count: 3, cursor: "c")),
      writer: writer, halt: halt, waits: { waits($0, halt) }
    ) { result, stocks in
      reports.change { $0.append(Report(result: result, stocks: stocks)) }
    }.make()
    writer.stop()
    #expect(observed.all == [])
    let all = reports.change { $0 }
    #expect(all.count == 1)
    return try #require(all.first)
  }

  @Test func aGoodSliceIsReportedTogetherWithTheStockThatItChanged() throws {
    let log = Log()
    let report = try make(
      #"echo '{"payload":1}'; echo '{"payload":2}'; echo '{"cursor":"d"}'"#,
      FakeStore(log, commits: true))
    var put = PutResult()
    put.stored = 2
    #expect(report.result == .committed(put, printed: 2, cursor: "d"))
    #expect(report.stocks["p"]?.available == 2)
    #expect(log.all.contains("commit r 2"))
  }

  @Test func aGoodSliceWaitsForRoomAndItsProducerIsNotCalledAgain() throws {
    let log = Log()
    let store = FakeStore(log, commits: true)
    store.commitErrors = [.full("disk"), .full("disk")]
    let folder = TemporaryFolder()
    let report = try make("echo called >>\(folder.file("calls")); echo '{\"payload\":1}'", store) {
      why, _ in log.add(why)
    }
    #expect(
      report.result
        == .committed(
          {
            var put = PutResult()
            put.stored = 1
            return put
          }(), printed: 1, cursor: nil))
    #expect(try String(contentsOfFile: folder.file("calls"), encoding: .utf8) == "called\n")
    #expect(
      log.all.filter { $0.hasPrefix("slice") } == [
        "slice 2 of run r waits to be stored: disk"
      ])
    #expect(log.all.count { $0 == "probe" } >= 2)
  }

  @Test func aSliceThatIsGivenUpWhileItWaitsForRoomIsNotStored() throws {
    let log = Log()
    let store = FakeStore(log, commits: true)
    store.commitErrors = Array(repeating: .full("disk"), count: 10_000)
    let report = try make("echo '{\"payload\":1}'", store) { _, halt in
      halt.change { $0 = true }
    }
    #expect(report.result == .givenUp)
    #expect(!log.all.contains { $0.hasPrefix("commit") })
  }

  @Test func aSliceWhoseRunWasGivenUpIsGivenUp() throws {
    let report = try make(#"echo '{"payload":1}'"#, FakeStore(Log()))
    #expect(report.result == .givenUp)
  }

  @Test(arguments: [
    ("exit 75", "the producer asked to be tried again later (exit 75)"),
    ("exit 3", "the producer exited with 3"),
    ("kill -9 $$", "signal 9 ended the producer"),
    (
      #"echo '{"payload":"SECRET"'"#,
      "line 1 of the producer's output is broken: the JSON ends where a comma or } should stand "
        + "at byte 20"
    ),
  ])
  func aFailureSaysWhy(_ script: String, _ why: String) throws {
    let log = Log()
    let report = try make("echo noise >&2; " + script, FakeStore(log))
    #expect(report.result == .failed(why, log: Array("noise\n".utf8)))
    #expect(report.stocks == [:])
    #expect(!log.all.contains { $0.hasPrefix("commit") })
  }

  @Test func aTimeOutSaysWhichWasPassed() throws {
    let report = try make("exec sleep 1000", timeout: .milliseconds(100), FakeStore(Log()))
    #expect(
      report.result == .failed("the producer took longer than its timeout of 100ms", log: []))
  }

  @Test func aProgramThatIsNotThereIsNotStarted() throws {
    let report = try make("", executable: "/nonexistent/program", FakeStore(Log()))
    guard case .notStarted(let why) = report.result else {
      Issue.record("\(report.result)")
      return
    }
    #expect(why.hasPrefix("the producer could not start: "))
  }
}
