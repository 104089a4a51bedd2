import Foundation
import Larder
import Testing

@testable import Producer

/// That a restart ends what a crash left behind.
@Suite struct LeftoversTests {
  @Test func whatACrashLeftIsEnded() async {
    await #expect(processExitsWith: .success) {
      // Makes this process the one that orphans go to, so that no other test ends them.
      #expect(Bench.run(Bench.sh(threeItems)).isGood)
      let (byRun, byIdentity, spared) = ("run-a", "run-b", "run-c")
      let first = try Self.crash(leaving: byRun)
      let second = try Self.crash(leaving: byIdentity)
      let third = try Self.crash(leaving: spared)
      #expect(Bench.alive(run: byRun).count == 3)
      #expect(Leftovers.namedRuns().isSuperset(of: [byRun, byIdentity, spared]))

      var aged = third
      aged.startTime += 1
      var ofAnotherBoot = third
      ofAnotherBoot.bootID = "0"
      #expect(Leftovers.end(runs: [], identities: [aged, ofAnotherBoot]) == 0)
      #expect(Bench.alive(run: spared).count == 3)

      #expect(Leftovers.end(runs: [byRun], identities: [second]) == 6)
      #expect(Bench.alive(run: byRun).isEmpty)
      #expect(Bench.alive(run: byIdentity).isEmpty)
      #expect(Bench.alive(run: spared).count == 3)

      #expect(Leftovers.end(runs: [byRun], identities: [first, second]) == 0)
      #expect(Leftovers.end(runs: [spared], identities: []) == 3)
      #expect(Bench.children().isEmpty)
      #expect(Leftovers.namedRuns().isDisjoint(with: [byRun, byIdentity, spared]))
    }
  }

  @Test func nothingLeftIsNothingEnded() {
    #expect(Leftovers.end(runs: [], identities: []) == 0)
    #expect(Leftovers.end(runs: [Bench.unique()], identities: []) == 0)
  }

  /// Lets a server start a producer, with a child in its session and one that names the run but
  /// is in another session, and die of SIGKILL. Gives the producer's identity.
  private static func crash(leaving run: String) throws -> ProcessIdentity {
    let server = Process()
    server.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    server.arguments = [
      "python3", "-c",
      """
      import os, signal, subprocess, time
      producer = subprocess.Popen(
          ["python3", "-c", "import subprocess, time\\n"
           "subprocess.Popen(['sleep', '1000'])\\n"
           "subprocess.Popen(['sleep', '1000'], start_new_session=True)\\n"
           "time.sleep(1000)"],
          env={"LARDER_RUN": "\(run)", "PATH": os.environ["PATH"]}, start_new_session=True)
      print(producer.pid, flush=True)
      time.sleep(1000)
      """,
    ]
    let pipe = Foundation.Pipe()
    server.standardOutput = pipe
    try server.run()
    let line = String(decoding: pipe.fileHandleForReading.availableData, as: UTF8.self)
    let pid = try #require(Int32(line.filter(\.isNumber)))
    #expect(Bench.wait { Bench.alive(run: run).count == 3 })
    kill(server.processIdentifier, SIGKILL)
    server.waitUntilExit()
    guard case .found(let entry) = ProcessTable.entry(of: pid) else {
      throw StartError("the producer is gone")
    }
    return ProcessIdentity(
      pid: pid, startTime: entry.startTime, bootID: ProcessIdentity.currentBootID)
  }
}
