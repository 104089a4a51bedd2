import Foundation
import Larder
import Testing

@testable import Producer

/// What comes of what a producer prints, and of how it ends.
@Suite struct OutputTests {
  @Test func itemsAreKeptByteForByte() {
    let output = Bench.run(Bench.sh(threeItems))
    #expect(output.end == .exited(0))
    #expect(output.isGood)
    #expect(output.items.map(\.payload) == ["1", "\"b\"", "{\"c\": 3}"])
    #expect(output.items.map(\.key) == [nil, "k", nil])
    #expect(output.printed == 3)
    #expect(output.overfill == 0)
    #expect(output.cursor == nil)
  }

  @Test func linesBecomeStrings() {
    var spec = Bench.sh("printf 'A-1\\r\\nB \"2\"\\n'")
    spec.output = .lines
    #expect(Bench.run(spec).items.map(\.payload) == ["\"A-1\"", #""B \"2\"""#])
  }

  @Test func theRequestComesByEnvironmentAndByInput() throws {
    let cursor = "page \"3\"\n\u{1}" + String(repeating: "é", count: 2000)
    let spec = Bench.python(
      """
      import json, os, sys
      told = json.loads(sys.stdin.read())
      names = ["pool", "run", "slice", "count", "cursor"]
      same = all(str(told[n]) == os.environ["LARDER_" + n.upper()] for n in names)
      print(json.dumps({"payload": [same, sorted(told) == sorted(names), told["slice"]]}))
      print(json.dumps({"cursor": told["cursor"]}))
      """)
    let output = Bench.run(spec, count: 1, cursor: cursor)
    #expect(output.items.map(\.payload) == ["[true, true, 2]"])
    #expect(output.cursor == cursor)
  }

  @Test func theLastCursorCounts() {
    let output = Bench.run(Bench.sh(#"printf '{"cursor":"a"}\n{"cursor":"b"}\n'"#))
    #expect(output.cursor == "b")
    #expect(output.printed == 0)
    #expect(output.isGood)
  }

  @Test func fewerItemsThanAskedForAreGood() {
    let output = Bench.run(Bench.sh(threeItems), count: 5)
    #expect(output.isGood)
    #expect(output.printed == 3)
  }

  @Test func itemsBeyondTheCountAreDropped() {
    let output = Bench.run(Bench.sh(threeItems), count: 1)
    #expect(output.isGood)
    #expect(output.items.map(\.payload) == ["1"])
    #expect(output.printed == 1)
    #expect(output.overfill == 2)
  }

  @Test func aWholeLastLineNeedsNoNewline() {
    let output = Bench.run(Bench.sh(#"printf '{"payload":1}\n{"payload":2}'"#))
    #expect(output.isGood)
    #expect(output.printed == 2)
  }

  @Test func halfALineFailsTheSlice() {
    let output = Bench.run(Bench.sh(#"printf '{"payload":1}\n{"pay'"#))
    guard case .brokenLine(2, _) = output.end else {
      Issue.record("\(output.end)")
      return
    }
    #expect(output.items.isEmpty)
    #expect(output.printed == 1)
  }

  @Test func aBrokenLineEndsTheProducer() {
    let request = Bench.request()
    let spec = Bench.sh(#"printf '{"payload":1}\nS3CRET\n'; sleep 1000"#)
    let output = ProducerProcess(spec: spec, request: request).run()
    guard case .brokenLine(2, let why) = output.end else {
      Issue.record("\(output.end)")
      return
    }
    #expect(!why.contains("S3CRET"))
    #expect(output.items.isEmpty)
    #expect(Bench.alive(run: request.run).isEmpty)
  }

  @Test func exit75WantsToBeTriedLater() {
    let output = Bench.run(Bench.sh(threeItems + "; exit 75"))
    #expect(output.end == .later)
    #expect(!output.isGood)
    #expect(output.items.isEmpty)
    #expect(output.printed == 3)
  }

  @Test func anotherStatusFailsAndKeepsNothing() {
    let script = threeItems + #"; printf '{"cursor":"x"}\n{"half'; exit 3"#
    let output = Bench.run(Bench.sh(script))
    #expect(output.end == .exited(3))
    #expect(output.items.isEmpty)
    #expect(output.cursor == nil)
  }

  @Test func aSignalFailsTheSlice() {
    #expect(Bench.run(Bench.sh("kill -9 $$")).end == .signalled(SIGKILL))
  }

  @Test func standardErrorIsKeptUpToItsLastBytes() {
    let spec = Bench.python(
      """
      import sys
      for i in range(5000):
          sys.stderr.write("x" * 1000)
      sys.stderr.write("the end")
      print('{"payload": 1}')
      """)
    let output = Bench.run(spec)
    #expect(output.isGood)
    #expect(output.log.count == Limits.runLogBytes)
    #expect(String(decoding: output.log.suffix(8), as: UTF8.self) == "xthe end")
  }

  @Test func allThatWasPrintedBeforeTheEndIsRead() {
    let spec = Bench.sh("echo last words >&2; \(threeItems)")
    let output = ProducerProcess(spec: spec, request: Bench.request()).run { identity in
      // Nothing is read before the producer has ended.
      let hasEnded = Bench.wait {
        guard case .found(let entry) = ProcessTable.entry(of: identity.pid) else { return true }
        return entry.isZombie
      }
      #expect(hasEnded)
    }
    #expect(output.isGood)
    #expect(output.printed == 3)
    #expect(String(decoding: output.log, as: UTF8.self) == "last words\n")
  }

  @Test func muchOutputIsReadWhileTheProducerRuns() {
    let spec = Bench.python("for i in range(2000): print('{\"payload\":\"' + 'x' * 1000 + '\"}')")
    let output = Bench.run(spec, count: 2000)
    #expect(output.isGood)
    #expect(output.items.count == 2000)
  }

  @Test func aLineWithoutEndFillsNoMemory() async {
    await #expect(processExitsWith: .success) {
      let spec = Bench.python(
        "import sys\nfor i in range(100): sys.stdout.write('x' * 1000000)\nsys.stdout.flush()")
      _ = Bench.run(Bench.sh(threeItems))
      let before = highWater()
      let output = Bench.run(spec)
      #expect(output.end == .brokenLine(number: 1, why: "longer than 1048576 bytes"))
      #expect(highWater() - before < 16 * 1024)
    }
  }

  @Test func outputWithoutEndFillsNoMemory() async {
    await #expect(processExitsWith: .success) {
      let spec = Bench.python("while True: print('x' * 1000000)")
      _ = Bench.run(Bench.sh(threeItems))
      let before = highWater()
      var lines = spec
      lines.output = .lines
      let output = Bench.run(lines, count: 1)
      #expect(output.end == .tooMuchOutput)
      #expect(highWater() - before < 16 * 1024)
    }
  }

  @Test func aProducerThatNeverReadsItsInputIsGood() {
    let output = Bench.run(
      Bench.sh(threeItems), cursor: String(repeating: "\u{1}", count: Limits.cursorBytes))
    #expect(output.isGood)
  }

  @Test func aClosedInputDoesNoHarm() async {
    await #expect(processExitsWith: .success) {
      signal(SIGPIPE, SIG_DFL)
      Bench.withFolder { folder in
        let file = "\(folder)/closed"
        var spec = Bench.sh("exec <&-; : > \(file); sleep 1000")
        spec.timeout = .milliseconds(100)
        // The input is written when nobody can read it any more.
        let output = ProducerProcess(spec: spec, request: Bench.request()).run { _ in
          #expect(Bench.wait { access(file, F_OK) == 0 })
        }
        #expect(output.end == .timedOut)
      }
    }
  }
}

/// The most memory that this process ever had, in KiB.
private func highWater() -> Int {
  let status = Producer.contents(ofFile: "/proc/self/status", limit: 1 << 16) ?? []
  let line = String(decoding: status, as: UTF8.self).split(separator: "\n")
    .first { $0.hasPrefix("VmHWM:") }
  return line.flatMap { Int($0.filter(\.isNumber)) } ?? -1
}
