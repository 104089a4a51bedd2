import API
import Glibc
import Larder

extension Command {
  private static let count = Option(
    name: "--count", value: "N", help: "make so many items instead of filling up to the target")

  static let prefill = Command(
    name: "prefill", arguments: "POOL", summary: "runs a pool's producer once, now",
    notes: """
      Without a server the pool's file is taken in from --schedules first, if it is there. Exit code 0
      if the run succeeded, was short or had nothing to order.
      """, options: [count]
  ) { context throws(CommandError) in
    let pool = try context.arguments.single("POOL")
    let count = try context.arguments.integer(count, in: 1...Limits.poolMax)
    let client = try context.writingClient(for: .running(pool: pool))
    defer { client.close() }
    var request = APIRequest("POST", ["v1", "pools", pool, "runs"])
    if let count {
      request.body = JSONWriter.text { $0.object { $0.member("count", count) } }
    }
    guard let id = JSONNode(try client.call(request))?["run"]?.string else {
      throw .failed("the server's answer names no run")
    }
    let (run, body) = try follow(id, client)
    let state = run["state"]?.string ?? ""
    if context.wantsJSON {
      Terminal.output(body + [0x0A])
    } else {
      Terminal.output("\(summary(of: run))\n")
    }
    return ["succeeded", "short", "skipped"].contains(state) ? 0 : 1
  }

  /// Waits until a run has ended and shows its progress meanwhile.
  private static func follow(
    _ id: String, _ client: any Client
  ) throws(CommandError) -> (JSONNode, [UInt8]) {
    var progress = ProgressLine()
    while true {
      let body = try client.call(APIRequest("GET", ["v1", "runs", id]))
      guard let run = JSONNode(body), let state = run["state"]?.string else {
        throw .failed("the server's answer is no run")
      }
      if state != "queued", state != "running" {
        progress.clear()
        return (run, body)
      }
      progress.show(
        state == "queued" ? "queued" : "running", done: run["stored"]?.int ?? 0,
        of: run["asked"]?.int ?? 0)
      usleep(100_000)
    }
  }

  private static func summary(of run: JSONNode) -> String {
    var text = "run \(run["run"]?.plain ?? "") \(run["state"]?.plain ?? ""): "
    if run["state"]?.string == "skipped" { return text + (run["why"]?.plain ?? "") }
    text += "\(run["stored"]?.plain ?? "0") of \(run["asked"]?.plain ?? "0") items stored"
    if let why = run["why"]?.string { text += "; \(why)" }
    return Terminal.printable(text)
  }
}
