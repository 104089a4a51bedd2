import CLinux
import Glibc

/// Ends processes, and only those that are meant.
enum ProcessKiller {
  /// How many of the killed are waited for before the next look: enough to pace the looks.
  private static let awaited = 16
  /// The longest wait for them, in milliseconds.
  private static let patience: Int64 = 100

  /// Kills the processes and waits a little for their end. Whether all are gone, only another
  /// table can tell.
  static func end(_ targets: [ProcessTable.Entry]) {
    var killed: [Int32] = []
    defer { for descriptor in killed { close(descriptor) } }
    for target in targets {
      guard let descriptor = kill(target) else { continue }
      if killed.count < awaited { killed.append(descriptor) } else { close(descriptor) }
    }
    let deadline = Monotonic.now + patience
    for descriptor in killed {
      var wait = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      _ = poll(&wait, 1, Monotonic.pollTimeout(until: deadline))
    }
    // Without a descriptor there is nothing to wait for: at least the next look isn't at once.
    if killed.isEmpty { pause() }
  }

  /// Takes the end of a child of this process that has ended.
  /// - Returns: whether it had, and is gone for good.
  static func reap(_ pid: Int32) -> Bool {
    var value: Int32 = 0
    return clinux_child_look(pid, 1, &value) != clinux_child_runs
  }

  /// A short wait before the next look.
  static func pause() {
    _ = poll(nil, 0, 2)
  }

  /// Sends SIGKILL. The descriptor names the process for good, so that after the second look at
  /// its start the signal can't go to another one that was given its id.
  private static func kill(_ target: ProcessTable.Entry) -> Int32? {
    let descriptor = clinux_process_open(target.pid)
    guard descriptor >= 0 else { return nil }
    guard case .found(let entry) = ProcessTable.entry(of: target.pid),
      entry.startTime == target.startTime,
      clinux_process_signal(descriptor, SIGKILL) == 0
    else {
      close(descriptor)
      return nil
    }
    return descriptor
  }
}
