import Larder
import Sizing

/// Each line that says something is one request, and the order of the lines says nothing.
func checkLog(_ bytes: [UInt8]) throws(Broken) {
  _ = AccessLog.isLog(bytes)
  guard let series = try? AccessLog.read(bytes) else { return }
  let lines = bytes.split(separator: UInt8(ascii: "\n"))
  let said = lines.count { line in !line.allSatisfy { [0x20, 0x09, 0x0D].contains($0) } }
  let requests = series.requests.reduce(0) { $0 + ($1 ?? 0) }
  try require(requests == said, "\(said) lines are \(requests) requests")
  try require(
    (series.requests.first ?? nil) ?? 0 > 0 && (series.requests.last ?? nil) ?? 0 > 0,
    "the series begins or ends without a request")
  let turned = Array(lines.reversed().joined(separator: [UInt8(ascii: "\n")]))
  try require((try? AccessLog.read(turned)) == series, "another order gives another series")
}
