import Cron
import Larder
import ScheduleFile

func checkSchedule(_ bytes: [UInt8]) throws(Broken) {
  let file = ScheduleFile.parse(bytes, file: "a.yaml", directory: "/srv/Schedules")
  let again = ScheduleFile.parse(bytes, file: "a.yaml", directory: "/srv/Schedules")
  try require(file.diagnostics == again.diagnostics, "the same file gives other diagnostics")
  let hasErrors = file.diagnostics.contains { $0.severity == .error }
  try require((file.pool == nil) == hasErrors, "there is a pool and an error, or neither")
  if let pool = file.pool {
    try require(pool.name == file.poolName, "the pool has two names")
    for schedule in pool.schedules {
      try FireTimes.check(schedule.cron, after: 1_800_000_000, in: schedule.zone)
    }
  }
  let lines = 1 + bytes.count { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }
  var last = (line: 1, column: 1)
  for diagnostic in file.diagnostics {
    let place = (line: diagnostic.line, column: diagnostic.column)
    try require(last <= place, "\(place) is told of after \(last)")
    try require(place.line <= lines && place.column >= 1, "\(place) is not in the file")
    try require(diagnostic.length >= 1, "nothing is meant at \(place)")
    let shown = diagnostic.rendered.split(separator: "\n", omittingEmptySubsequences: false).count
    let expected = 1 + (diagnostic.sourceLine == nil ? 0 : 2) + (diagnostic.hint == nil ? 0 : 1)
    try require(shown == expected, "\(shown) lines tell of \(place), and not \(expected)")
    last = place
  }
}
