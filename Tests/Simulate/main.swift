import Foundation
import Simulation

// Runs histories of random seeds for a while, or one seed: SEED, STEPS (of one
// history), SECONDS, FIRST (seed), STOP (at the first failure), VERBOSE (name each seed).

/// Prints a line at once, also where the output is a file.
func say(_ line: String) {
  FileHandle.standardOutput.write(Data((line + "\n").utf8))
}

let environment = ProcessInfo.processInfo.environment

func number(_ name: String) -> UInt64? {
  guard let text = environment[name], !text.isEmpty else { return nil }
  guard let number = UInt64(text) else {
    say("\(name) is a number, not \(text)")
    exit(2)
  }
  return number
}

var tally: [String: Int] = [:]
let steps = Int(number("STEPS") ?? UInt64(Simulation.usualLength))
if let seed = number("SEED") {
  if let failure = Simulation.run(seed: seed, steps: steps, tally: &tally) {
    say("\(failure)")
    exit(1)
  }
  say("steps=\(steps) seeds=1 failures=0")
  exit(0)
}

let seconds = Double(number("SECONDS") ?? 60)
let first = number("FIRST") ?? UInt64.random(in: 1...UInt64(UInt32.max))
let began = Date()
var seeds: UInt64 = 0
var failures = 0
say("seeds from \(first) on")
while Date().timeIntervalSince(began) < seconds {
  if environment["VERBOSE"] != nil { say("seed \(first + seeds)") }
  if let failure = Simulation.run(seed: first + seeds, steps: steps, tally: &tally) {
    say("\(failure)")
    failures += 1
    if environment["STOP"] != nil { break }
  }
  seeds += 1
}
for (what, count) in tally.sorted(by: { $0.key < $1.key }) { say("  \(what): \(count)") }
let total = Int(seeds) * steps
let pace = Int(Double(total) / Date().timeIntervalSince(began))
say("steps=\(total) seeds=\(seeds) steps_per_second=\(pace) failures=\(failures)")
exit(failures == 0 ? 0 : 1)
