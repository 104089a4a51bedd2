import Glibc
import Harness

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

  /// A server that stops tells its producers to, and they have the time to say farewell.
  package static let farewell = Phase("farewell") { context in
    try Workspace.with { workspace in
      try workspace.producer(
        "polite",
        // No shell: some clear the mask that they inherit.
        """
        #!/usr/bin/env python3
        import os, signal, sys
        def say(word):
            with open("\(workspace.path)/said", "a") as said:
                said.write(word + "\\n")
        def leave(number, frame):
            say("bye")
            sys.exit(1)
        signal.signal(signal.SIGTERM, leave)
        say("hello")
        while True:
            signal.pause()
        """)
      try workspace.declare(
        "codes", "producer: {command: [./polite]}\nstock: {target: 1, reorder_at: 1}")
      let child = try workspace.start(
        [context.binary, "serve", "--listen", "127.0.0.1:0"], environment: context.environment)
      _ = try ServerProcess(child)
      try eventually("a producer") { workspace.lines("said") == ["hello"] }
      child.signal(SIGTERM)
      let status = try child.wait()
      var tally = Tally()
      if status != 0 {
        tally.violations.append(Violation(.server, .other, "stopped, it ended with \(status)"))
      }
      if workspace.lines("said") != ["hello", "bye"] {
        tally.violations.append(
          Violation(.i9, .other, "a producer was killed, and not told to end before"))
      }
      return tally
    }
  }

  /// Two principals use the same keys for the same users. Release builds have one principal alone,
  /// so that this is tried with a test build.
  package static let principals = Phase("principals") { context in
    var context = context
    context.binary = Mutation.testBuild ?? context.binary
    context.environment["LARDER_TEST_PRINCIPALS"] = "1"
    return try tryStore(context, seed: context.seed, loaded: false, auditing: 0) { arena, _ in
      guard try arena.start() else { throw ClientError("the server was killed") }
      let client = LoadClient(
        1, target: arena.target, recorder: arena.recorder, shared: LoadShared(seed: 1), seed: 1)
      client.put((1...100).map { Ledger.Line(key: "k-\($0)", payload: "\($0)") })
      for user in 1...20 {
        for principal in ["anna", "bert"] {
          var request = LoadRequest(pool: LoadPools.codes, user: "u-\(user)", key: "k")
          request.principal = principal
          client.claim(request)
        }
      }
    }
  }

  /// Servers that break a promise on purpose, each of which must be caught.
  package static let mutants = Phase("mutants") { context in
    var tally = Tally()
    guard let binary = Mutation.testBuild else {
      throw ClientError("LARDER_DEBUG does not name a test build of larder")
    }
    var context = context
    context.binary = binary
    for mutation in Mutation.all {
      let isCaught = try mutation.isCaught(context)
      context.report("\(mutation.name) is \(isCaught ? "" : "not ")caught")
      if isCaught { tally.mutants += 1 }
    }
    return tally
  }
}
