import API
import Engine
import Glibc
import HTTPServer
import Larder
import SQLiteStore

/// The API in this process, over a store that no server has open, or that is only read.
final class LocalClient: Client {
  private let api: API
  private let writer: StoreWriter?
  private let readers: StoreReaders
  private let engine: Engine?

  /// Reads the store beside whoever writes it.
  init(reading path: String) throws(CommandError) {
    writer = nil
    engine = nil
    readers = try CommandError.wrapping { try Node.readers(path) }
    api = API(writer: nil, readers: readers, engine: nil)
  }

  /// What an engine is needed for; schedules and reorder points start no runs in any case.
  enum EngineUse {
    case none, commands, runs
  }

  /// Takes over a store that was opened for writing.
  init(
    writing store: sending SQLiteStore, path: String, engine use: EngineUse
  ) throws(CommandError) {
    // Before any thread starts. Producers have process groups of their own, so a terminal's
    // interrupt reaches this process alone, which has to end them.
    let signals = use == .runs ? Signals() : nil
    let writer = StoreWriter(store: store) { error in
      Terminal.error("larder: \(error)\n")
    }
    self.writer = writer
    do throws(StoreError) {
      readers = try Node.readers(path)
    } catch {
      writer.stop()
      throw .failed("\(error)")
    }
    if use != .none {
      let engine = Engine(
        writer: writer, readers: readers, producers: Limits.defaultProducers, automatic: false,
        observer: Engine.Observer(
          ended: { _ in }, trouble: { Terminal.error("larder: \($0)\n") }))
      self.engine = engine
      engine.start()
      if let signals {
        _ = WorkThread("signals") {
          _ = signals.wait()
          Terminal.error("larder: interrupted: the run goes on when it is started again\n")
          engine.stop()
          writer.stop()
          exit(1)
        }
      }
    } else {
      engine = nil
    }
    api = API(writer: writer, readers: readers, engine: engine)
  }

  func send(_ request: APIRequest, patiently: Bool) throws(CommandError) -> HTTPResponse {
    let box = Mailbox<HTTPResponse?>(nil)
    api.handle(request) { response in box.change { $0 = response } }
    guard let response = box.take({ $0 }) else { throw .failed("no answer came") }
    return response
  }

  func close() {
    engine?.stop()
    api.close()
    readers.stop()
    writer?.stop()
  }
}
