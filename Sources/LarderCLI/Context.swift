import Glibc
import Larder
import SQLiteStore

/// What a command works with: its arguments, and the ways to the store and to the terminal.
struct Context {
  let arguments: Arguments

  var wantsJSON: Bool { arguments.has(.json) }

  /// The folder of schedule files.
  var schedules: String { arguments.value(.schedules) ?? "Schedules" }

  /// The path of the store's database.
  func storePath() throws(CommandError) -> String {
    let store = arguments.value(.store) ?? "sqlite:larder.db"
    guard store.hasPrefix("sqlite:") else {
      throw .usage("--store must be sqlite:PATH, not \(store)")
    }
    let path = String(store.dropFirst("sqlite:".count))
    guard !path.isEmpty, !path.utf8.contains(0) else {
      throw .usage("--store names no file: write sqlite:PATH")
    }
    return path
  }

  func storeFiles() throws(CommandError) -> StoreFiles {
    let path = try storePath()
    return try CommandError.wrapping { try StoreFiles(path) }
  }
}
