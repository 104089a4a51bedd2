import API
import Engine
import Glibc
import HTTPServer
import Larder
import SQLiteStore
import ScheduleFile

extension Command {
  private static let listen = Option(
    name: "--listen", value: "ADDRESS",
    help: "127.0.0.1:8420 (default) or unix:PATH", variable: "LARDER_LISTEN")
  private static let producers = Option(
    name: "--producers", value: "N", help: "producers that run at once (default 4)",
    variable: "LARDER_PRODUCERS")

  static let serve = Command(
    name: "serve", arguments: "", summary: "runs the scheduler and the API in one process",
    notes: """
      Listens on loopback or a Unix socket only. SIGTERM and SIGINT drain: every accepted request is
      answered, producers are ended, and their slices go on at the next start.
      """, options: [listen, producers], common: [.store, .schedules, .help]
  ) { context throws(CommandError) in
    try context.arguments.expect(atMost: 0)
    let producers =
      try context.arguments.integer(producers, in: Limits.producers) ?? Limits.defaultProducers
    let address = context.arguments.value(listen) ?? "127.0.0.1:8420"
    let listener: HTTPListener
    do throws(HTTPServerError) { listener = try HTTPListener(parsing: address) } catch {
      throw CommandError(error)
    }
    let server = try Server(context, listener: listener, producers: producers)
    return server.run()
  }
}
