import Glibc
import LarderCLI

var environment: [String: String] = [:]
var entry = environ
while let line = entry.pointee {
  let parts = String(cString: line).split(
    separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
  environment[String(parts[0])] = parts.count == 2 ? String(parts[1]) : ""
  entry += 1
}
exit(LarderCLI.run(Array(CommandLine.arguments.dropFirst()), environment: environment))
