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

/// A store that is being served: everything from its lock to its sockets.
private final class Server {
  private let api: API
  private let health = Health()
  private let http: HTTPServer
  private let engine: Engine
  private let writer: StoreWriter
  private let readers: StoreReaders
  private let signals: Signals

  init(_ context: Context, listener: HTTPListener, producers: Int) throws(CommandError) {
    // Before any thread starts, so that all of them leave the signals to `run`.
    let signals = Signals()
    self.signals = signals
    let loaded = try context.loadSchedules()
    let files = try context.storeFiles()
    let store = try CommandError.wrapping {
      try SQLiteStore(path: files.database, readDefinition: Node.readDefinition)
    }
    let pools: [PoolStatus]
    do throws(CommandError) {
      pools = try Self.takeIn(loaded, store, health)
    } catch {
      store.close()
      throw error
    }
    nonisolated(unsafe) let owned = store  // nothing here uses it any more
    writer = StoreWriter(store: owned) { error in
      Log.line("\(error); stopping, since only a restart can find out")
      signals.failed()
    }
    do throws(StoreError) {
      readers = try Node.readers(files.database)
    } catch {
      writer.stop()
      throw .failed("\(error)")
    }
    let metrics = Metrics()
    engine = Engine(
      writer: writer, producers: producers, automatic: true,
      observer: Engine.Observer(
        ended: { run in
          metrics.ended(run)
          Log.ended(run)
        }, setback: { Log.setback($0) }, trouble: { Log.line($0) }))
    let api = API(
      writer: writer, readers: readers, engine: engine, health: health, metrics: metrics)
    self.api = api
    do throws(HTTPServerError) {
      http = try HTTPServer(
        configuration: HTTPServer.Configuration(
          listeners: [listener, .unix(path: files.socket)],
          bodyLimit: { API.bodyLimit(method: $0, path: $1) },
          errorResponse: { API.refusal(status: $0, detail: $1) })
      ) { request, responder in api.handle(request, responder) }
      try http.start()
    } catch {
      writer.stop()
      readers.stop()
      throw CommandError(error)
    }
    engine.start()
    let addresses = http.listeners.map(\.description).joined(separator: " and ")
    Log.line(
      "larder \(LarderCLI.version) serves \(files.database) on \(addresses) with "
        + (pools.count == 1 ? "1 pool" : "\(pools.count) pools"))
  }

  /// Puts the files' definitions in force and ends what a crash left behind.
  private static func takeIn(
    _ loaded: ScheduleDirectory.Loaded, _ store: SQLiteStore, _ health: Health
  ) throws(CommandError) -> [PoolStatus] {
    try CommandError.wrapping {
      let adoption = Node.compare(loaded.files, with: try store.definitionFiles())
      guard adoption.errors.isEmpty else {
        let errors = adoption.errors.map(\.rendered).joined(separator: "\n")
        throw CommandError.failed("bad schedule files:\n\(errors)")
      }
      for diagnostic in loaded.diagnostics { Terminal.error(diagnostic.rendered + "\n") }
      for warning in adoption.warnings { Log.line("warning: \(warning)") }
      health.set(warnings: adoption.warnings)
      for definition in adoption.definitions { try store.adopt(definition, at: .now()) }
      try store.retire(adoption.retired, at: .now())
      for pool in adoption.retired { Log.line("\(pool) is retired: its schedule file is gone") }
      try Node.endLeftovers(store)
      return try store.pools()
    }
  }

  /// Serves until a signal comes, and gives the exit code.
  func run() -> Int32 {
    let code = signals.wait()
    Log.line("draining")
    health.leave("the server is stopping")
    let engine = engine
    let ending = WorkThread("engine-stop") { engine.stop() }
    http.stop(drainFor: Limits.drain.inSeconds)
    ending.join()
    // The writer last: the last connection that closes leaves no write-ahead log behind.
    readers.stop()
    writer.stop()
    Log.line("stopped")
    return code
  }
}
