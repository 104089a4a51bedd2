import CLinux
import Glibc
import Larder

/// What is said between Larder and a producer, from its start to the end of all it started.
struct Conversation: ~Copyable {
  /// The longest wait for what won't die of SIGKILL.
  private static let lastPatience = Duration.seconds(10)
  /// How often it is looked whether a group that was told to end has ended, in milliseconds.
  private static let groupLook: Int64 = 20
  private static let pieceBytes = 64 * 1024

  private var child: Child
  private let wake: Int32
  private let grace: Duration
  private let deadline: Int64
  private let wanted: Int

  private var request: ArraySlice<UInt8>
  private var parser: SliceParser
  private var log = LogTail()
  private let piece: UnsafeMutableRawBufferPointer

  /// Why the producer is being ended, if it is.
  private var verdict: SliceEnd?
  /// The monotonic reading at which SIGKILL follows SIGTERM, and then at which to give up.
  private var patienceEnds = Int64.max
  private var isKilled = false
  private var exit: SliceEnd?

  /// - Parameter wake: a descriptor that becomes readable when the slice is cancelled.
  init(
    child: consuming Child, wake: Int32, spec: ProducerSpec, request: SliceRequest,
    grace: Duration
  ) {
    self.child = child
    self.wake = wake
    self.grace = grace
    deadline = Monotonic.after(spec.timeout)
    wanted = request.count
    self.request = request.line[...]
    parser = SliceParser(format: spec.output, count: request.count)
    piece = .allocate(byteCount: Self.pieceBytes, alignment: 1)
  }

  deinit {
    piece.deallocate()
  }

  /// Goes on until the producer and all that it started are gone.
  mutating func run() -> SliceOutput {
    while !isOver() { talk() }
    // The group's id can't be another's yet: the producer, though ended, isn't reaped.
    child.signalGroup(SIGKILL)
    RunningProducers.endAll(
      startedBy: child.identity.pid, until: Monotonic.after(Self.lastPatience))
    RunningProducers.remove(child.identity.pid)
    drainLog()
    return output()
  }

  /// Whether there is nothing to wait for any more; moves on from SIGTERM to SIGKILL.
  private mutating func isOver() -> Bool {
    guard verdict != nil else {
      if exit != nil { return true }
      if Monotonic.now >= deadline { end(.timedOut) }
      return false
    }
    if exit != nil, isKilled || !child.isGroupAlive() { return true }
    if Monotonic.now >= patienceEnds {
      // A dead disk may keep the process for good; it dies when the kernel lets it.
      if isKilled { return true }
      isKilled = true
      child.signalGroup(SIGKILL)
      patienceEnds = Monotonic.after(Self.lastPatience)
    }
    return false
  }

  /// Waits for the next thing to happen, and does what it asks for.
  private mutating func talk() {
    let until =
      verdict == nil
      ? deadline : exit == nil ? patienceEnds : min(patienceEnds, Monotonic.now + Self.groupLook)
    // What is a poll's -1 is passed over: a wake-up and an end are seen once.
    var polls = [
      pollfd(fd: verdict == nil ? wake : -1, events: Int16(POLLIN), revents: 0),
      pollfd(fd: exit == nil ? child.process.number : -1, events: Int16(POLLIN), revents: 0),
      pollfd(fd: child.input?.number ?? -1, events: Int16(POLLOUT), revents: 0),
      pollfd(fd: child.output?.number ?? -1, events: Int16(POLLIN), revents: 0),
      pollfd(fd: child.log?.number ?? -1, events: Int16(POLLIN), revents: 0),
    ]
    guard poll(&polls, nfds_t(polls.count), Monotonic.pollTimeout(until: until)) > 0 else { return }
    let happened = polls.map { $0.revents != 0 }
    if happened[0] { end(.cancelled) }
    if happened[1] { childEnded() }
    // What stood in the pipes when the producer ended has been read; later words aren't its own.
    if exit != nil, verdict == nil { return }
    if happened[2] { feed() }
    if happened[3] { readOutput(atMost: Self.pieceBytes) }
    if happened[4] { readLog(atMost: Self.pieceBytes) }
  }

  /// Tells the producer's group to end, for a reason; the first reason counts.
  private mutating func end(_ reason: SliceEnd) {
    guard verdict == nil else { return }
    verdict = reason
    patienceEnds = Monotonic.after(grace)
    child.signalGroup(SIGTERM)
    // A stopped process can't act on the signal before it goes on.
    child.signalGroup(SIGCONT)
  }

  private mutating func feed() {
    guard let input = child.input?.number else { return }
    let written = request.withUnsafeBytes { clinux_write_quietly(input, $0.baseAddress, $0.count) }
    if written >= 0 { request = request.dropFirst(written) }
    // A producer need not read its input: one that has closed it is left alone.
    if request.isEmpty || written < 0 && written != -Int(EAGAIN) { child.input = nil }
  }

  /// The end of the slice is the end of the producer, not of its pipes, which others may keep
  /// open and go on writing to. So what is in them now is read, and no more.
  private mutating func childEnded() {
    guard case .ended(let end) = child.look() else { return }
    exit = end
    child.input = nil
    guard verdict == nil else { return }
    if let output = child.output?.number {
      var waiting = Int(clinux_waiting_bytes(output))
      while waiting > 0, verdict == nil {
        let count = readOutput(atMost: waiting)
        if count == 0 { break }
        waiting -= count
      }
    }
  }

  /// Reads the last words of all that have ended.
  private mutating func drainLog() {
    guard let log = child.log?.number else { return }
    var waiting = Int(clinux_waiting_bytes(log))
    while waiting > 0 {
      let count = readLog(atMost: waiting)
      if count == 0 { break }
      waiting -= count
    }
  }

  /// Reads once; the count, 0 if there was nothing.
  @discardableResult
  private mutating func readOutput(atMost most: Int) -> Int {
    let buffer = UnsafeMutableRawBufferPointer(rebasing: piece[..<min(most, piece.count)])
    let count = child.output?.read(into: buffer) ?? 0
    if count == 0 || count < 0 && count != -Int(EAGAIN) { child.output = nil }
    guard count > 0 else { return 0 }
    // Read on, and thrown away: a producer that was told to end may have a last word.
    guard verdict == nil else { return count }
    if let reason = parser.feed(UnsafeRawBufferPointer(rebasing: buffer[..<count])) {
      // Here it may not: nothing it prints can be right now, and it may print without end.
      child.output = nil
      end(reason)
    }
    return count
  }

  @discardableResult
  private mutating func readLog(atMost most: Int) -> Int {
    let buffer = UnsafeMutableRawBufferPointer(rebasing: piece[..<min(most, piece.count)])
    let count = child.log?.read(into: buffer) ?? 0
    if count == 0 || count < 0 && count != -Int(EAGAIN) { child.log = nil }
    guard count > 0 else { return 0 }
    log.append(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    return count
  }

  private mutating func output() -> SliceOutput {
    // A producer that fails may leave half a line, which says nothing more than its status.
    if verdict == nil, exit == .exited(0) { verdict = parser.finish() }
    var output = SliceOutput(end: verdict ?? exit ?? .signalled(SIGKILL))
    output.printed = parser.items.count
    output.overfill = parser.overfill
    output.log = log.last
    if output.isGood {
      output.items = parser.items
      output.cursor = parser.cursor
    }
    return output
  }
}
