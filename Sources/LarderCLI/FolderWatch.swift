import Engine
import Glibc
import Larder

/// Watches a folder and tells when something in it changed and has settled.
final class FolderWatch: Sendable {
  private let folder: String
  private let changed: @Sendable () -> Bool
  private let wakeEnd: Int32
  private let thread: Mailbox<WorkThread?> = Mailbox(nil)

  /// Starts watching. `changed` is called on a thread of its own: first for what changed before the
  /// watch, then once for changes that come together, and also when the folder goes and comes back.
  /// Where it says false it is called again after a while.
  init(_ folder: String, changed: @escaping @Sendable () -> Bool) throws(CommandError) {
    var ends: [Int32] = [0, 0]
    let inotify = inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
    guard inotify >= 0, pipe(&ends) == 0 else {
      let why = String(cString: strerror(errno))
      if inotify >= 0 { close(inotify) }
      throw .failed("\(folder) can't be watched: \(why)")
    }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    self.folder = folder
    self.changed = changed
    wakeEnd = ends[1]
    let stopEnd = ends[0]
    let watch = Self.add(folder, to: inotify)
    thread.change { $0 = WorkThread("watch") { [self] in run(inotify, stopEnd, watch) } }
  }

  /// Ends the watching; waits until `changed` is not called any more.
  func stop() {
    close(wakeEnd)
    thread.change { thread in
      thread?.join()
      thread = nil
    }
  }

  private static func add(_ folder: String, to inotify: Int32) -> Int32 {
    let events =
      IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB
      | IN_DELETE_SELF | IN_MOVE_SELF
    return inotify_add_watch(inotify, folder, UInt32(events))
  }

  private func run(_ inotify: Int32, _ stopEnd: Int32, _ first: Int32) {
    defer {
      close(inotify)
      close(stopEnd)
    }
    var watch = first
    var isUnsettled = true
    var isTaken = true
    while true {
      var descriptors = [
        pollfd(fd: inotify, events: Int16(POLLIN), revents: 0),
        pollfd(fd: stopEnd, events: Int16(POLLIN), revents: 0),
      ]
      // Without a folder there is nothing to wait for but that it comes back.
      let wait =
        isUnsettled ? Limits.settling : watch < 0 || !isTaken ? Limits.longestSleep : nil
      let count = poll(&descriptors, 2, wait.map { Int32($0.inMilliseconds) } ?? -1)
      if descriptors[1].revents != 0 { return }
      if descriptors[0].revents != 0 {
        isUnsettled = true
        if Self.drain(inotify) { watch = -1 }
      } else if count == 0, isUnsettled {
        isUnsettled = false
        isTaken = changed()
      } else if count == 0, watch < 0 {
        watch = Self.add(folder, to: inotify)
        isUnsettled = watch >= 0
      } else if count == 0, !isTaken {
        isTaken = changed()
      }
    }
  }

  /// Reads what has come, and says whether the folder itself is gone.
  private static func drain(_ inotify: Int32) -> Bool {
    var buffer = [UInt8](repeating: 0, count: 64 * 1024)
    var isGone = false
    while true {
      let count = read(inotify, &buffer, buffer.count)
      guard count > 0 else { return isGone }
      buffer.withUnsafeBytes { bytes in
        var offset = 0
        while offset + MemoryLayout<inotify_event>.size <= count {
          let event = bytes.loadUnaligned(fromByteOffset: offset, as: inotify_event.self)
          if event.mask & UInt32(IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF) != 0 { isGone = true }
          offset += MemoryLayout<inotify_event>.size + Int(event.len)
        }
      }
    }
  }
}
