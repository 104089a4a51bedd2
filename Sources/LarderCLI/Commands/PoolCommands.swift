import API
import Larder

extension Command {
  static let pause = poolCommand(
    .pause, "pause", ["pause"], summary: "starts nothing new for a pool until it is resumed",
    notes: """
      Claims go on, and so do slices that are being made. A run that is not done waits with its next
      slice, and times that pass meanwhile are not missed ones. Done again, it changes nothing.
      """)

  static let resume = poolCommand(
    .resume, "resume", ["resume"], summary: "ends a pool's pause",
    notes: "A pool that is suspended by its file stays so. Done again, it changes nothing.")

  static let resetBreaker = poolCommand(
    .resetBreaker, "breaker reset", ["breaker", "reset"],
    summary: "closes a pool's breaker",
    notes: """
      The runs that failed in a row are forgotten, so schedules start runs again. The reorder point
      still waits for its backoff, of at most the producer's max_backoff.
      """)

  private static func poolCommand(
    _ command: PoolCommand, _ name: String, _ path: [String], summary: String, notes: String
  ) -> Command {
    Command(name: name, arguments: "POOL", summary: summary, notes: notes, options: []) {
      context throws(CommandError) in
      let pool = try context.arguments.single("POOL")
      let client = try context.writingClient(for: .commanding)
      defer { client.close() }
      let body = try client.call(APIRequest("POST", ["v1", "pools", pool] + path))
      if context.wantsJSON {
        Terminal.output(body + [0x0A])
      } else {
        let reasons = JSONNode(body)?["reasons"]?.elements.map(\.plain) ?? []
        Terminal.output(Terminal.printable("\(pool): \(reasons.joined(separator: "; "))") + "\n")
      }
      return 0
    }
  }
}
