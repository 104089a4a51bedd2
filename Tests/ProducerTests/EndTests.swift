import Foundation
import Larder
import Testing

@testable import Producer

/// That nothing of a producer is left, however it ends and whatever it started.
@Suite struct EndTests {
  @Test func aTimeOutEndsTheSlice() {
    var spec = Bench.sh(threeItems + "; sleep 1000")
    spec.timeout = .milliseconds(100)
    let request = Bench.request()
    let output = ProducerProcess(spec: spec, request: request).run()
    #expect(output.end == .timedOut)
    #expect(output.items.isEmpty)
    #expect(Bench.alive(run: request.run).isEmpty)
  }

  @Test func cancellingEndsTheSlice() throws {
    let request = Bench.request()
    let spec = Bench.sh(": > $READY; sleep 1000")
    let output = try #require(
      Bench.cancelWhenReady(spec, request: request, grace: Limits.grace))
    #expect(output.end == .cancelled)
    #expect(Bench.alive(run: request.run).isEmpty)
  }

  @Test func whatIsCancelledBeforeItBeginsIsNotStarted() {
    let process = ProducerProcess(spec: Bench.sh(threeItems), request: Bench.request())
    process.cancel()
    process.cancel()
    var started = 0
    #expect(process.run { _ in started += 1 }.end == .cancelled)
    #expect(started == 0)
  }

  @Test func whatIsCancelledWhileItStartsIsCancelled() {
    let process = ProducerProcess(spec: Bench.sh(threeItems), request: Bench.request())
    let output = process.run { _ in process.cancel() }
    #expect(output.end == .cancelled)
    #expect(output.items.isEmpty)
  }

  @Test func aProducerThatIsDeafToSIGTERMIsKilled() throws {
    let request = Bench.request()
    let spec = Bench.python(
      """
      import os, signal, time
      signal.signal(signal.SIGTERM, signal.SIG_IGN)
      open(os.environ["READY"], "w").close()
      while True: time.sleep(1000)
      """)
    let output = try #require(
      Bench.cancelWhenReady(spec, request: request, grace: .milliseconds(50)))
    #expect(output.end == .cancelled)
    #expect(Bench.alive(run: request.run).isEmpty)
  }

  @Test func theWholeGroupGetsTheGrace() throws {
    // The shell dies of SIGTERM at once; its child takes its leave in its own time.
    let request = Bench.request()
    let child = """
      import os, signal, sys, time
      def leave(*_):
          time.sleep(0.2)
          sys.stderr.write("left in order")
          sys.stderr.flush()
          os._exit(0)
      signal.signal(signal.SIGTERM, leave)
      open(os.environ["READY"], "w").close()
      while True: time.sleep(1000)
      """
    var spec = Bench.sh("python3 -c \"$CHILD\"; true")
    spec.environment["CHILD"] = child
    let output = try #require(
      Bench.cancelWhenReady(spec, request: request, grace: .seconds(60)))
    #expect(output.end == .cancelled)
    #expect(String(decoding: output.log, as: UTF8.self) == "left in order")
    #expect(Bench.alive(run: request.run).isEmpty)
  }

  @Test func aStoppedProducerIsEnded() throws {
    let request = Bench.request()
    let spec = Bench.sh(": > $READY; kill -STOP $$")
    let output = try #require(
      Bench.cancelWhenReady(spec, request: request, grace: .seconds(60)))
    #expect(output.end == .cancelled)
    #expect(Bench.alive(run: request.run).isEmpty)
  }

  @Test func aGrandchildThatKeepsThePipesOpenIsNotWaitedFor() {
    let request = Bench.request()
    let output = ProducerProcess(
      spec: Bench.sh("sleep 1000 & \(threeItems)"), request: request
    ).run()
    #expect(output.end == .exited(0))
    #expect(output.printed == 3)
    #expect(Bench.alive(run: request.run).isEmpty)
  }

  @Test func aGrandchildThatGoesOnPrintingIsNotListenedTo() {
    let output = Bench.run(Bench.sh("yes S3CRET >&2 & \(threeItems)"))
    #expect(output.end == .exited(0))
    #expect(output.printed == 3)
  }

  @Test func aGrandchildWithASessionOfItsOwnIsEnded() {
    let request = Bench.request()
    let output = ProducerProcess(
      spec: Bench.sh("setsid -f sh -c 'trap \"\" TERM; sleep 1000; sleep 1000'; \(threeItems)"),
      request: request
    ).run()
    #expect(output.isGood)
    #expect(Bench.alive(run: request.run).isEmpty)
  }

  @Test func fiveHundredChildrenAreEnded() {
    let request = Bench.request()
    let spec = Bench.python(
      """
      import os, signal, time
      signal.signal(signal.SIGTERM, signal.SIG_IGN)
      for i in range(500):
          if os.fork() == 0:
              if i % 2: os.setsid()
              while True: time.sleep(1000)
      print('{"payload": 1}')
      """)
    let output = ProducerProcess(spec: spec, request: request).run()
    #expect(output.isGood)
    #expect(Bench.alive(run: request.run).isEmpty)
  }

  @Test func childrenThatForkWhileTheyAreEndedAreEnded() {
    let request = Bench.request()
    // Ten lines of processes, each of which starts another child every few milliseconds.
    let spec = Bench.python(
      """
      import os, time
      for i in range(10):
          if os.fork() == 0:
              os.setsid()
              for j in range(200):
                  if os.fork() == 0:
                      os.setsid()
                      time.sleep(1000)
                  time.sleep(0.002)
              time.sleep(1000)
      print('{"payload": 1}')
      """)
    let output = ProducerProcess(spec: spec, request: request).run()
    #expect(output.isGood)
    #expect(Bench.alive(run: request.run).isEmpty)
  }

  /// A producer that leaves a process behind which has another parent, another session and an
  /// empty environment by then, and sleeps for the time `mark`.
  private static func hiding(_ mark: String) -> ProducerSpec {
    let file = NSTemporaryDirectory() + Bench.unique()
    return Bench.sh(
      """
      env -i setsid -f sh -c ': > \(file); exec sleep \(mark)'
      until [ -e \(file) ]; do sleep 0.01; done
      rm \(file); \(threeItems)
      """)
  }

  @Test func whoHidesFromParentSessionAndEnvironmentIsEnded() async {
    await #expect(processExitsWith: .success) {
      let mark = "9\(getpid())1"
      #expect(Bench.run(Self.hiding(mark)).isGood)
      #expect(Bench.alive(command: mark).isEmpty)
      #expect(Bench.children().isEmpty)
    }
  }

  @Test func whoHidesIsEndedWithTheLastProducerThatMayHaveStartedIt() async {
    await #expect(processExitsWith: .success) {
      let mark = "9\(getpid())2"
      let outer = ProducerProcess(spec: Bench.sh("read line; read go"), request: Bench.request())
      let output = outer.run { _ in
        // Started and ended while the outer one runs, whose the hidden process might be.
        #expect(Bench.run(Self.hiding(mark)).isGood)
        #expect(Bench.alive(command: mark).count == 1)
      }
      #expect(output.end == .exited(1))
      #expect(Bench.alive(command: mark).isEmpty)
      #expect(Bench.children().isEmpty)
    }
  }

  @Test func producersLeaveEachOtherAlone() {
    let request = Bench.request()
    let outer = ProducerProcess(
      spec: Bench.sh("setsid -f sleep 1000; read line; \(threeItems)"), request: request)
    let output = outer.run { _ in
      #expect(Bench.wait { Bench.alive(run: request.run).count == 2 })
      #expect(Bench.run(Bench.sh(threeItems)).isGood)
      #expect(Bench.alive(run: request.run).count == 2)
    }
    #expect(output.isGood)
    #expect(Bench.alive(run: request.run).isEmpty)
  }

  @Test func otherChildrenOfThisProcessAreLeftAlone() throws {
    let other = Process()
    other.executableURL = URL(fileURLWithPath: "/bin/sleep")
    other.arguments = ["1000"]
    try other.run()
    #expect(Bench.run(Bench.sh(threeItems)).isGood)
    #expect(other.isRunning)
    kill(other.processIdentifier, SIGKILL)
    other.waitUntilExit()
    #expect(other.terminationReason == .uncaughtSignal)
  }

  @Test func nothingIsLeftOpenOrUnreaped() async {
    await #expect(processExitsWith: .success) {
      let specs = [
        Bench.sh(threeItems), Bench.sh("exit 3"), Bench.sh("echo broken; sleep 1000"),
        Bench.sh("setsid -f sleep 1000; sleep 1000 & kill -9 $$"), Bench.spec(["/nonexistent"]),
      ]
      _ = Bench.run(specs[0])
      let before = Bench.descriptors()
      for round in 0..<50 { _ = Bench.run(specs[round % specs.count]) }
      #expect(Bench.descriptors() == before)
      #expect(Bench.children().isEmpty)
    }
  }

  @Test func aStatIsReadPastAnyName() {
    let fields = "S 7 8 9 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0"
    let entry = ProcessTable.parse(Array("42 (a) Z 1 (b) \(fields)".utf8))
    #expect(
      entry
        == ProcessTable.Entry(
          pid: 42, parent: 7, group: 8, session: 9, startTime: 4711, isZombie: false))
    #expect(ProcessTable.parse(Array("42 (a) S 7".utf8)) == nil)
  }
}
