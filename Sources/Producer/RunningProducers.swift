import CLinux
import Glibc
import Larder
import Lock

/// The producers that this process runs now, and whose each process below it is.
///
/// This process adopts the orphans among its descendants, so that all that a producer started,
/// however it hid, stays a descendant. Which producer's it is, is told by the first of: its
/// line of parents, its session (a producer's own, unless left), its environment. A process
/// that left all three is ended with the last producer that may have started it.
enum RunningProducers {
  private struct Running {
    var run: String
    var startTime: UInt64
    /// Its processes are being ended, so that it owns none that another could own too.
    var isEnding = false
  }

  private static let running = Lock<[Int32: Running]>([:])

  /// The failure's number, or 0. A process does this once.
  private static let adoption: Int32 = clinux_child_adopt_orphans()

  /// Starts a producer and enters it, in one step as seen from `end`, which would otherwise
  /// take it for something that was left behind.
  /// - Parameter body: starts the process and gives its id.
  static func start(
    run: String, _ body: () throws(StartError) -> Int32
  ) throws(StartError) -> ProcessIdentity {
    guard adoption == 0 else {
      throw StartError("what a producer starts could not be kept: \(systemText(adoption))")
    }
    return try running.withLock { running throws(StartError) in
      let pid = try body()
      guard case .found(let entry) = ProcessTable.entry(of: pid) else {
        let code = errno
        abandon(pid)
        throw StartError("/proc/\(pid)/stat could not be read: \(systemText(code))")
      }
      running[pid] = Running(run: run, startTime: entry.startTime)
      return ProcessIdentity(
        pid: pid, startTime: entry.startTime, bootID: ProcessIdentity.currentBootID)
    }
  }

  /// Ends all that a producer started, except the producer itself.
  /// - Parameter deadline: the monotonic reading at which to give up what won't end, such as a
  ///   process that waits for a dead disk; it dies as soon as the kernel lets it.
  static func endAll(startedBy pid: Int32, until deadline: Int64) {
    running.withLock { $0[pid]?.isEnding = true }
    repeat {
      guard let table = ProcessTable.read(), let targets = leftovers(of: pid, in: table) else {
        ProcessKiller.pause()
        continue
      }
      if targets.isEmpty { return }
      ProcessKiller.end(targets)
    } while Monotonic.now < deadline
  }

  /// Reaps a producer, if it has ended, and forgets it.
  static func remove(_ pid: Int32) {
    running.withLock {
      _ = ProcessKiller.reap(pid)
      $0[pid] = nil
    }
  }

  /// Ends a producer that has only just started. It is waited for a second at most; after that
  /// it is ended and reaped with what other producers leave.
  static func abandon(_ pid: Int32) {
    kill(-pid, SIGKILL)
    let deadline = Monotonic.now + 1000
    while !ProcessKiller.reap(pid), Monotonic.now < deadline {
      ProcessKiller.pause()
    }
  }

  /// What a producer left, or nil if the table is torn: a process without its parent in it may
  /// be anybody's.
  private static func leftovers(of pid: Int32, in table: ProcessTable) -> [ProcessTable.Entry]? {
    // Copied after the table was read: a producer that the table shows is entered by now.
    let running = running.withLock { $0 }
    let owners = Owners(running: running, table: table)
    var targets: [ProcessTable.Entry] = []
    for entry in table.entries.values where running[entry.pid] == nil {
      if owners.isAdoptedAndEnded(entry), reapAdopted(entry.pid) { continue }
      switch owners.owner(of: entry, asking: pid) {
      case .asking: targets.append(entry)
      case .other: continue
      case .torn: return nil
      }
    }
    return targets
  }

  /// Reaps an orphan, whosesoever it was, since nobody else will.
  private static func reapAdopted(_ pid: Int32) -> Bool {
    running.withLock {
      // A producer that was given the id since is reaped by its own thread, which needs to know
      // how it ended.
      $0[pid] == nil && ProcessKiller.reap(pid)
    }
  }

  /// Tells whose a process is.
  private struct Owners {
    enum Owner { case asking, other, torn }

    var running: [Int32: Running]
    var table: ProcessTable
    let ourselves = getpid()
    let ourSession = getsid(0)

    func isAdoptedAndEnded(_ entry: ProcessTable.Entry) -> Bool {
      entry.isZombie && entry.parent == ourselves && entry.session != ourSession
    }

    func owner(of entry: ProcessTable.Entry, asking pid: Int32) -> Owner {
      if entry.pid == ourselves { return .other }
      var line = table.line(of: entry, end: ourselves)
      guard let last = line.popLast() else { return .other }
      guard last.pid == ourselves else { return last.parent == 0 ? .other : .torn }
      for ancestor in line {
        for candidate in [ancestor.pid, ancestor.session] where running[candidate] != nil {
          return candidate == pid ? .asking : .other
        }
      }
      // A child of ours in our own session isn't a producer's.
      guard let adopted = line.last, adopted.session != ourSession else { return .other }
      for ancestor in line {
        guard let run = ProcessTable.run(of: ancestor.pid) else { continue }
        if running[pid]?.run == run { return .asking }
        if running.values.contains(where: { $0.run == run }) { return .other }
      }
      let mayBeAnothers = running.contains {
        $0.key != pid && !$0.value.isEnding && $0.value.startTime <= adopted.startTime
      }
      return mayBeAnothers ? .other : .asking
    }
  }
}
