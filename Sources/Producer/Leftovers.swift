import CLinux
import Glibc
import Larder

/// What a crash of the server left running.
package enum Leftovers {
  /// The longest time that is waited for the ended processes to be gone.
  private static let patience = Duration.seconds(10)

  /// Ends all processes of runs that nobody reads any more, and waits until they are gone, ten
  /// seconds at most: the processes of the identities with their groups and sessions, all whose
  /// environment names one of the runs, and all that descend from these. An identity whose
  /// process is another one by now, or of another start of the machine, ends nothing.
  /// - Parameters:
  ///   - runs: the ids of runs that the store says are running, none of which runs here.
  ///   - identities: the producers that the store says are running.
  /// - Returns: how many processes were ended.
  package static func end(runs: Set<String>, identities: [ProcessIdentity]) -> Int {
    let startTimes = Dictionary(
      identities.filter { $0.bootID == ProcessIdentity.currentBootID }
        .map { ($0.pid, $0.startTime) }, uniquingKeysWith: max)
    guard !(runs.isEmpty && startTimes.isEmpty) else { return 0 }
    var ended: Set<ProcessTable.Entry> = []
    // A leader that is gone is forgotten, but not the group that it led while it was seen.
    var leaders: Set<Int32> = []
    let deadline = Monotonic.after(patience)
    repeat {
      guard let table = ProcessTable.read() else {
        ProcessKiller.pause()
        continue
      }
      leaders.formUnion(
        startTimes.filter { table.entries[$0.key]?.startTime == $0.value }.map(\.key))
      let targets = targets(in: table, runs: runs, leaders: leaders)
      if targets.isEmpty { break }
      ended.formUnion(targets.filter { !$0.isZombie }.map(Self.identifying))
      ProcessKiller.end(targets) { pid in
        var value: Int32 = 0
        _ = clinux_child_look(pid, 1, &value)
      }
    } while Monotonic.now < deadline
    return ended.count
  }

  /// The processes to end: never this one nor those that it descends from.
  private static func targets(
    in table: ProcessTable, runs: Set<String>, leaders: Set<Int32>
  ) -> [ProcessTable.Entry] {
    let ourselves = getpid()
    let spared =
      table.entries[ourselves].map { Set(table.line(of: $0, end: 1).map(\.pid)) } ?? [ourselves]
    var roots: Set<Int32> = []
    for entry in table.entries.values where !spared.contains(entry.pid) {
      if !leaders.isDisjoint(with: [entry.pid, entry.group, entry.session])
        || !runs.isEmpty && ProcessTable.run(of: entry.pid).map(runs.contains) == true
      {
        roots.insert(entry.pid)
      }
    }
    return table.entries.values.filter { entry in
      guard !spared.contains(entry.pid) else { return false }
      // Another process's zombie is dead already, and its parent's to reap.
      if entry.isZombie, entry.parent != ourselves { return false }
      return table.line(of: entry, end: ourselves).contains { roots.contains($0.pid) }
    }
  }

  /// The entry without what changes while a process lives.
  private static func identifying(_ entry: ProcessTable.Entry) -> ProcessTable.Entry {
    var entry = entry
    (entry.parent, entry.group, entry.session) = (0, 0, 0)
    return entry
  }
}
