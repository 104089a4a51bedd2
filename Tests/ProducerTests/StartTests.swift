import Foundation
import Larder
import Testing

@testable import Producer

/// With what a producer is started, and what keeps it from being started.
@Suite struct StartTests {
  @Test func theEnvironmentIsTheAllowListAndNothingElse() {
    setenv("LARDER_TEST_SECRET", "not for producers", 1)
    Bench.withFolder { folder in
      Bench.write(Array("s3cret\n\n".utf8), to: "\(folder)/secret", mode: 0o400)
      var spec = Bench.spec(["env"])
      spec.output = .lines
      spec.environment = ["MODE": "fast", "LARDER_RUN": "another"]
      spec.secrets = ["TOKEN": "\(folder)/secret"]
      let request = Bench.request(count: 100, cursor: "page-2")
      let output = ProducerProcess(spec: spec, request: request).run()
      var expected: Set = [
        "MODE=fast", "TOKEN=s3cret", "LARDER_POOL=tickets", "LARDER_RUN=\(request.run)",
        "LARDER_SLICE=2", "LARDER_COUNT=100", "LARDER_CURSOR=page-2",
      ]
      for name in ["PATH", "HOME", "LANG"] {
        if let value = getenv(name) { expected.insert("\(name)=\(String(cString: value))") }
      }
      #expect(Set(output.items.map { String($0.payload.dropFirst().dropLast()) }) == expected)
    }
  }

  @Test func signalsAreAtTheirDefaultsAndNoneIsBlocked() {
    signal(SIGUSR2, SIG_IGN)
    var all = sigset_t()
    var before = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_BLOCK, &all, &before)
    var spec = Bench.spec(["cat", "/proc/self/status"])
    spec.output = .lines
    let lines = Bench.run(spec, count: 200).items.map(\.payload)
    pthread_sigmask(SIG_SETMASK, &before, nil)
    // The C library keeps signals 32 and 33 for itself, and leaves them ignored in a child.
    let itsOwn: UInt64 = 3 << 31
    for name in ["SigBlk", "SigIgn", "SigPnd"] {
      let line = lines.first { $0.hasPrefix("\"\(name):") }
      let mask = line.flatMap { UInt64($0.dropFirst(10).dropLast(), radix: 16) }
      #expect(mask.map { $0 & ~itsOwn } == 0)
    }
  }

  @Test func noDescriptorIsPassedOn() {
    let open = Glibc.open("/dev/null", O_RDONLY)
    defer { close(open) }
    var spec = Bench.spec(["ls", "/proc/self/fd"])
    spec.output = .lines
    // The fourth is what `ls` itself reads the folder by.
    #expect(Bench.run(spec, count: 99).items.map(\.payload) == [0, 1, 2, 3].map { "\"\($0)\"" })
  }

  @Test func itHasASessionAGroupAndAFolderOfItsOwn() {
    Bench.withFolder { folder in
      var spec = Bench.python(
        "import os; print(os.getpid() == os.getpgrp() == os.getsid(0)); print(os.getcwd())")
      spec.output = .lines
      spec.directory = folder
      #expect(Bench.run(spec).items.map(\.payload) == ["\"True\"", "\"\(folder)\""])
    }
  }

  @Test func aProgramIsLookedUpInThePathThatItGets() {
    Bench.withFolder { folder in
      let script = "#!/bin/sh\necho \"$0 $1\"\n"
      Bench.writeProgram(script, to: "\(folder)/buy-tickets", mode: 0o755)
      var spec = Bench.spec(["buy-tickets", "central"])
      spec.output = .lines
      spec.environment["PATH"] = "relative::\(folder):/usr/bin"
      #expect(Bench.run(spec).items.map(\.payload) == ["\"\(folder)/buy-tickets central\""])
    }
  }

  /// The reason why a producer can't be started, or nil.
  private func refusal(_ spec: ProducerSpec) -> String? {
    guard case .couldNotStart(let why) = Bench.run(spec).end else { return nil }
    return why
  }

  @Test func aMissingProgramIsNamed() throws {
    let path = try #require(refusal(Bench.spec(["/nonexistent/program"])))
    #expect(path.contains("the program /nonexistent/program does not exist"))
    let name = try #require(refusal(Bench.spec(["no-such-program-at-all"])))
    #expect(name.contains("the program no-such-program-at-all is in no folder of PATH"))
  }

  @Test func aMissingFolderIsNamed() throws {
    var spec = Bench.sh(threeItems)
    spec.directory = "/nonexistent/folder"
    #expect(try #require(refusal(spec)).contains("the folder /nonexistent/folder can't be entered"))
  }

  @Test(arguments: [
    (0o644, "#!/bin/sh\n", "chmod +x"),
    (0o775, "#!/bin/sh\n", "chmod go-w"),
    (0o755, "#!/nonexistent/interpreter\n", "interpreter"),
    (0o755, "echo\n", "#!/bin/sh"),
  ])
  func aProgramThatCanNotBeRunIsRefusedWithTheWayOut(
    mode: mode_t, content: String, hint: String
  ) throws {
    try Bench.withFolder { folder in
      let path = "\(folder)/program"
      Bench.writeProgram(content, to: path, mode: mode)
      let why = try #require(refusal(Bench.spec([path])))
      #expect(why.contains(path))
      #expect(why.contains(hint))
    }
  }

  @Test(arguments: [0o644, 0o640, 0o500, 0o440, 0o4600])
  func aSecretThatOthersCouldReadIsRefused(mode: mode_t) throws {
    try Bench.withFolder { folder in
      Bench.write([65], to: "\(folder)/secret", mode: mode)
      var spec = Bench.sh(threeItems)
      spec.secrets = ["TOKEN": "\(folder)/secret"]
      let why = try #require(refusal(spec))
      #expect(why.contains("TOKEN") && why.contains("chmod 0400 \(folder)/secret"))
    }
  }

  @Test func aSecretMustBeAShortRegularFileWithoutNUL() throws {
    try Bench.withFolder { folder throws in
      let path = "\(folder)/secret"
      var spec = Bench.sh(threeItems)
      spec.secrets = ["TOKEN": path]
      #expect(try #require(refusal(spec)).contains("can't be opened"))
      mkfifo(path, 0o600)
      #expect(try #require(refusal(spec)).contains("not a regular file"))
      unlink(path)
      Bench.write([65, 0, 66], to: path, mode: 0o600)
      #expect(try #require(refusal(spec)).contains("NUL"))
      let longest = [UInt8](repeating: 65, count: Limits.secretBytes)
      Bench.write(longest + [65], to: path, mode: 0o600)
      #expect(try #require(refusal(spec)).contains("longer than \(Limits.secretBytes) bytes"))
      Bench.write(longest, to: path, mode: 0o600)
      #expect(refusal(spec) == nil)
    }
  }

  @Test func nothingIsSaidToHaveStartedThatHasNot() {
    var started = 0
    _ = ProducerProcess(spec: Bench.spec(["/nonexistent"]), request: Bench.request())
      .run { _ in started += 1 }
    #expect(started == 0)
  }

  @Test func theIdentityIsThatOfTheProcess() {
    var identity: ProcessIdentity?
    var spec = Bench.python("import os; print(os.getpid()); print(open('/proc/self/stat').read())")
    spec.output = .lines
    let output = ProducerProcess(spec: spec, request: Bench.request()).run { identity = $0 }
    let lines = output.items.map { String($0.payload.dropFirst().dropLast()) }
    #expect(lines.first == identity.map { "\($0.pid)" })
    #expect(
      lines.last.flatMap { ProcessTable.parse(Array($0.utf8)) }?.startTime == identity?.startTime)
    #expect(identity?.bootID.count == 36)
  }
}
