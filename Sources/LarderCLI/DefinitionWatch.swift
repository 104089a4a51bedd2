import API
import Engine
import Larder
import ScheduleFile

/// Keeps the definitions in force as the schedule files say, while a server runs.
final class DefinitionWatch: Sendable {
  private let folder: String
  private let writer: StoreWriter
  private let engine: Engine
  private let health: Health
  private let watch = Mailbox<FolderWatch?>(nil)

  init(folder: String, writer: StoreWriter, engine: Engine, health: Health) {
    self.folder = folder
    self.writer = writer
    self.engine = engine
    self.health = health
  }

  /// Starts to watch the folder. The watch's thread alone reads it from now on: a second reader
  /// that was overtaken would put back what it had read.
  func start() throws(CommandError) {
    let started = try FolderWatch(folder) { [self] in reload() }
    watch.change { $0 = started }
  }

  func stop() {
    watch.change { $0 }?.stop()
  }

  /// Reads the folder and changes what is in force. A folder that can't be read changes nothing.
  /// Says whether it is done: a full disk may have had no room for it.
  private func reload() -> Bool {
    do {
      let files = try ScheduleDirectory.load(folder).files
      let kept = try writer.perform { (store, _) throws(StoreError) in try store.definitions() }
      let comparison = Comparison(files, with: kept)
      if !comparison.changes.isEmpty { try engine.change(comparison.changes) }
      let rejected = comparison.rejected.map { "not in force: \($0.errorText)" }
      let before = health.set(warnings: comparison.warnings + rejected)
      Log.changes(comparison.changes)
      for warning in comparison.warnings + rejected where !before.contains(warning) {
        Log.line("warning: \(warning)")
      }
      return true
    } catch {
      let warning = "the schedule files can't be taken in, and what was in force goes on: \(error)"
      if !health.set(warnings: [warning]).contains(warning) { Log.line("warning: \(warning)") }
      if case StoreError.full = error { return false }
      return true
    }
  }
}
