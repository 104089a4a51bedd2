import CLinux
import Glibc
import Larder

/// What a crash of the server left running.
package enum Leftovers {
  /// The longest time that is waited for the ended processes to be gone.
  private static let patience = Duration.seconds(10)

  /// The runs that processes say they work for, of this store or another: what a producer starts
  /// has the run's id in its environment.
  package static func namedRuns() -> Set<String> {
    guard let table = ProcessTable.read() else { return [] }
    return Set(table.entries.keys.compactMap(ProcessTable.run(of:)))
  }

  /// Ends all processes of runs that nobody reads any more, and waits until they are gone, ten
  /// seconds at most: the processes of the identities with their groups and sessions, all whose
  /// environment names one of the runs, and all that descend from these. An identity whose
  /// process is another one by now, or of another start of the machine, ends nothing.
  /// - Parameters:
  ///   - runs: the ids of runs that the store says are running or replaced, none of which runs here.
  ///   - identities: the producers of these runs.
  /// - Returns: how many processes were ended.
  package static func end(runs: Set<String>, identities: [ProcessIdentity]) -> Int {
    let startTimes = Dictionary(
      identities.filter { $0.bootID == ProcessIdentity.currentBootID }
        .map { ($0.pid, $0.startTime) }, uniquingKeysWith: max)
    guard !(runs.isEmpty && startTimes.isEmpty) else { return 0 }
    // By id, their start times.
    var ended: [Int32: UInt64] = [:]
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
      for entry in table.entries.values where entry.isZombie && entry.parent == getpid() {
        // Its environment is gone with it, by which it was known.
        if ended[entry.pid] == entry.startTime { _ = ProcessKiller.reap(entry.pid) }
      }
      let targets = targets(in: table, runs: runs, leaders: leaders)
      if targets.isEmpty { break }
      for target in targets { ended[target.pid] = target.startTime }
      ProcessKiller.end(targets)
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
      // A zombie is dead already, and its parent's to reap.
      guard !spared.contains(entry.pid), !entry.isZombie else { return false }
      return table.line(of: entry, end: ourselves).contains { roots.contains($0.pid) }
    }
  }
}
