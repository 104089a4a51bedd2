import Larder

/// What can be read of a store's runs, however damaged it is, to end the processes that they left.
package struct RunTraces {
  /// Unfinished and replaced runs of the store, of those that were asked for.
  package private(set) var runs: Set<String> = []
  /// Producers of unfinished runs.
  package private(set) var producers: [ProcessIdentity] = []

  /// Reads as much as can be read; nothing of a store that can't be opened.
  package init(of path: String, among named: Set<String>) {
    guard let files = try? StoreFiles(path),
      let connection = try? Connection(path: files.database, access: .reading)
    else { return }
    defer { connection.close() }
    for run in named {
      let found = try? connection.first(
        "SELECT id FROM runs WHERE id = ? AND state IN ('running', 'replaced')", [.text(run)]
      ) { $0.text(0) }
      if let id = found ?? nil { runs.insert(id) }
    }
    try? connection.run(
      """
      SELECT process_id, process_started, boot_id FROM runs
      WHERE state = 'running' AND boot_id IS NOT NULL LIMIT 10000
      """
    ) { row in
      guard let pid = Int32(exactly: row.int64(0)), pid > 1 else { return }
      producers.append(
        ProcessIdentity(
          pid: pid, startTime: UInt64(max(0, row.int64(1))), bootID: row.text(2)))
    }
  }
}
