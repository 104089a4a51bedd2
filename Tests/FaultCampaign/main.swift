// `make faults`: runs the campaign under the seed in SEED, or a random one. Progress and violations
// go to standard error; the last line on standard output is the result.
import Faults
import Foundation

let environment = ProcessInfo.processInfo.environment
let given = environment["SEED"].flatMap { $0.isEmpty ? nil : $0 }
guard let seed = given.map({ UInt64($0) }) ?? UInt64.random(in: 1...UInt64(UInt32.max)) else {
  FileHandle.standardError.write(Data("SEED must be a whole number\n".utf8))
  exit(2)
}
let began = monotonicNow()
let report: @Sendable (String) -> Void = { line in
  let seconds = (monotonicNow() - began) / 1_000_000_000
  FileHandle.standardError.write(Data("[\(seconds) s] \(line)\n".utf8))
}
// A client that is cut off must not end all.
signal(SIGPIPE, SIG_IGN)

let folder = environment["FAULTS_KEEP"].flatMap { $0.isEmpty ? nil : $0 } ?? ".build/faults"
report("seed \(seed); stores with violations are kept in \(folder)")
// Some phases alone, to look into what one of them found.
let wanted = environment["PHASE"] ?? ""
let campaign = Campaign(
  phases: Campaign.full.phases.filter { wanted.isEmpty || $0.name.contains(wanted) },
  least: Campaign.full.least)
let tally = campaign.run(seed: seed, folder: folder, report: report)
let complaints = campaign.complaints(tally)
complaints.forEach(report)
print(Campaign.line(tally, seed: seed))
exit(complaints.isEmpty ? 0 : 1)
