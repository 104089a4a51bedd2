import Foundation
import Harness
import Testing

/// Pools whose runs take all that the producer has.
@Suite struct TakeAllTests {
  /// Has an item for each user from 1 to what the file `total` says.
  private func declare(_ workspace: Workspace, _ more: String = "") throws {
    try workspace.producer(
      "make",
      """
      i=${LARDER_CURSOR:-0}
      end=$((i + LARDER_COUNT))
      while [ $i -lt $end ] && [ $i -lt $(cat \(workspace.path)/total) ]; do
        i=$((i + 1))
        printf '{"payload": "%s", "key": "k-%s", "user": "u-%s"}\\n' "$LARDER_RUN" $i $i
      done
      printf '{"cursor": "%s"}\\n' $i
      """)
    try workspace.declare(
      "reports",
      """
      producer: {command: [./make], slice: 3}
      stock: {target: all, max: 12, duplicates: replace}
      claims: {per_user: 0}
      """ + more)
  }

  private func stored(_ run: JSON) -> [Int?] { run["slices"].elements.map { $0["stored"].int } }

  @Test func eachRunTakesAllAndRenewsWhatIsOnTheShelf() throws {
    try Workspace.with { workspace in
      try workspace.write("total", "7")
      try declare(workspace)
      let server = try workspace.serve()
      let first = try server.http.prefill("reports")
      #expect(first["state"] == .string("succeeded") && stored(first) == [3, 3, 1])
      let level = try server.http.level("reports")
      #expect(level["target"] == .null && level["available"] == .int(7))
      #expect(
        level["reasons"].elements.contains { $0.string?.contains("up to the max of 12") == true })

      // A second run makes each item anew, those of users too.
      let second = try server.http.prefill("reports")
      #expect(second["state"] == .string("succeeded") && stored(second) == [3, 3, 1])
      let renewed = try server.http.level("reports")
      #expect(renewed["available"] == .int(7) && renewed["replaced"] == .int(7))
      let claim = try server.http.claim("reports", "u-3")
      #expect(claim.json["items"].elements.map { $0["payload"] } == [second["run"]])

      // What was taken stays taken.
      let third = try server.http.prefill("reports")
      #expect(stored(third) == [2, 3, 1] && third["slices"][0]["duplicates"] == .int(1))
      #expect(try server.http.claim("reports", "u-3").status == 409)
      let item = try server.http.get("/v1/pools/reports/items/k-3").json
      #expect(item["state"] == .string("claimed") && item["user"] == .string("u-3"))

      // A producer that has more than the pool holds fills it to its max.
      try workspace.write("total", "40")
      let last = try server.http.prefill("reports")
      #expect(last["state"] == .string("succeeded"))
      #expect(last["why"] == .string("no room: the pool is at its max of 12"))
      let full = try server.http.level("reports")
      #expect(full["available"] == .int(12) && full["claimed"] == .int(1))
      #expect(full["produced"] == .int(7 + 7 + 6 + (12 - 6) + 6))
      let nothing = try server.http.prefill("reports")
      #expect(nothing["state"] == .string("skipped"))
    }
  }

  @Test func aScheduleRenewsTheShelfAtEachTime() throws {
    try Workspace.with { workspace in
      try workspace.write("total", "4")
      try declare(workspace, "\nschedules: [{name: often, cron: \"* * * * * *\"}]")
      let server = try workspace.serve()
      try eventually("renewed items") {
        (try server.http.level("reports")["replaced"].int ?? 0) >= 8
      }
      #expect(try server.http.level("reports")["available"] == .int(4))
      let text = try workspace.larder("levels").output
      #expect(text.contains("each run takes all that the producer has"))
    }
  }
}
