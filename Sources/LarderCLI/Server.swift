import API
import Engine
import Glibc
import HTTPServer
import Larder
import SQLiteStore
import ScheduleFile

/// A store that is being served: everything from its lock to its sockets.
final class Server {
  private let api: API
  private let health = Health()
  private let http: HTTPServer
  private let engine: Engine
  private let writer: StoreWriter
  private let readers: StoreReaders
  private let signals: Signals
  private let definitions: DefinitionWatch
  private let webhooks: Webhooks

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
      pools = try Self.takeIn(loaded, store, files.database, health)
    } catch {
      store.close()
      throw error
    }
    nonisolated(unsafe) let owned = store  // nothing here uses it any more
    writer = StoreWriter(store: owned, serves: true) { error in
      Log.lost(error)
      signals.failed()
    }
    do throws(StoreError) {
      readers = try Node.readers(files.database)
    } catch {
      writer.stop()
      throw .failed("\(error)")
    }
    readers.observeDamage { [writer] error in writer.give(up: error) }
    writer.observeTrouble { Log.line("\($0)") }
    let diskLog = DiskLog()
    writer.observeDisk { [health] disk in
      health.set(disk: disk)
      diskLog.note(disk)
    }
    let metrics = Metrics()
    engine = Engine(
      writer: writer, readers: readers, producers: producers, automatic: true,
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
      readers.stop()
      writer.stop()
      throw CommandError(error)
    }
    engine.start()
    webhooks = Webhooks(writer)
    definitions = DefinitionWatch(
      folder: context.schedules, writer: writer, engine: engine, health: health)
    do throws(CommandError) {
      try definitions.start()
    } catch {
      engine.stop()
      api.stopWaiting()
      http.stop(drainFor: 0)
      api.close()
      readers.stop()
      writer.stop()
      throw error
    }
    webhooks.start()
    let addresses = http.listeners.map(\.description).joined(separator: " and ")
    Log.line(
      "larder \(LarderCLI.version) serves \(files.database) on \(addresses) with "
        + (pools.count == 1 ? "1 pool" : "\(pools.count) pools"))
  }

  /// Puts the files' definitions in force and ends what a crash left behind.
  private static func takeIn(
    _ loaded: ScheduleDirectory.Loaded, _ store: SQLiteStore, _ database: String, _ health: Health
  ) throws(CommandError) -> [PoolStatus] {
    try CommandError.wrapping {
      let comparison = Comparison(loaded.files, with: try store.definitions())
      guard comparison.rejected.isEmpty else {
        let errors = comparison.rejected.flatMap(\.diagnostics).map(\.rendered)
        throw CommandError.failed("bad schedule files:\n\(errors.joined(separator: "\n"))")
      }
      for diagnostic in loaded.diagnostics { Terminal.error(diagnostic.rendered + "\n") }
      for warning in comparison.warnings { Log.line("warning: \(warning)") }
      health.set(warnings: comparison.warnings)
      try store.change(comparison.changes, at: .now())
      Log.retired(comparison.changes.retired)
      try Node.endLeftovers(store, of: database)
      return try store.pools()
    }
  }

  /// Serves until a signal comes, and gives the exit code.
  func run() -> Int32 {
    let code = signals.wait()
    Log.line("draining")
    definitions.stop()
    health.leave("the server is stopping")
    let engine = engine
    let ending = WorkThread("engine-stop") { engine.stop() }
    // Who waits for a claim is answered now, and does not hold up the end.
    api.stopWaiting()
    http.stop(drainFor: Limits.drain.inSeconds)
    ending.join()
    api.close()
    webhooks.stop()
    // The writer last: the last connection that closes leaves no write-ahead log behind.
    readers.stop()
    writer.stop()
    Log.line("stopped")
    return code
  }
}
