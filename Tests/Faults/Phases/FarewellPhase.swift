import Glibc
import Harness

extension Phase {
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
      let child = try context.startServer(in: workspace)
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
}
