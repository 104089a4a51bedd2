import CLinux
import CMicrohttpd
import Glibc

/// The server's one thread: it waits for sockets, answers and deadlines, and lets libmicrohttpd do
/// its part. Everything in it belongs to that thread once `run` was called.
final class Loop {
  let configuration: HTTPServer.Configuration
  let limits: HTTPLimits
  let handler: HTTPServer.Handler
  let answers: AnswerQueue
  /// How many connections there may be: the limit, or what the process may open.
  let connectionLimit: Int

  private(set) var daemons: [Daemon] = []
  private let epoll: Int32
  var connections: [Connection] = []
  var lingering: Lingering
  /// Requests that handlers have.
  var pending = 0
  /// Whose request a handler got last.
  var lastServed: Connection?
  /// Bytes of bodies in memory, and of answers that clients have not taken, over all connections.
  var uploadBytes = 0
  var answerBytes = 0
  /// The time of this turn, in milliseconds of the monotonic clock.
  private(set) var now: Int64
  private var nextSweep = Int64.max
  private var lastSweep: Int64
  private var letters: [AnswerQueue.Letter] = []

  /// When the last connections are closed; nil while the server is not stopping.
  private(set) var drainDeadline: Int64?
  /// Whether the drain time is over, so that nothing new reaches the handler.
  var isClosing = false
  /// Turns that the last answers get when the drain time is over.
  private static let closingTurns = 64
  /// Turns in which connections that wait in the backlog are still accepted when stopping.
  private static let backlogTurns = 64

  init(
    configuration: HTTPServer.Configuration, answers: AnswerQueue,
    handler: @escaping HTTPServer.Handler
  ) throws(HTTPServerError) {
    self.configuration = configuration
    self.limits = configuration.limits
    self.handler = handler
    self.answers = answers
    let files = Int(clamping: clinux_open_files_limit()) - HTTPLimits.reservedFiles
    connectionLimit = max(1, min(limits.connections, files))
    now = Self.clock()
    lastSweep = now
    epoll = clinux_epoll_create()
    guard epoll >= 0 else { throw .cannotStart(code: errno) }
    lingering = Lingering(limits: limits, epoll: epoll)
    _ = clinux_epoll_add(epoll, answers.descriptor, 0)
  }

  deinit { close(epoll) }

  /// Serves another socket; before `run`.
  func add(_ socket: ListeningSocket) throws(HTTPServerError) {
    // A few more than the limit are accepted, so that they can be told 503.
    let daemon = try Daemon(loop: self, socket: socket, connections: connectionLimit + 16)
    daemons.append(daemon)
    _ = clinux_epoll_add(epoll, daemon.epollDescriptor, UInt64(daemons.count))
  }

  /// Undoes `add`, where `run` will not be called.
  func abandon() {
    for daemon in daemons {
      daemon.stopListening()
      daemon.stop()
    }
  }

  /// Serves until a stop was asked for and done.
  func run() {
    answers.adoptCurrentThread()
    while true {
      let drainTime = answers.take(&letters)
      for letter in letters { deliver(letter) }
      letters.removeAll(keepingCapacity: true)
      if let drainTime, drainDeadline == nil { beginStop(drainTime) }
      runDaemons()
      if now >= nextSweep { sweep() }
      if drainDeadline != nil, isDrained() { break }
      wait()
    }
    end()
  }

  private func runDaemons() {
    for daemon in daemons where daemon.isReady {
      daemon.run()
      daemon.isReady = daemon.isBusy
    }
  }

  private func wait() {
    var timeout: Int32 = 0
    if !daemons.contains(where: \.isReady) {
      let next = min(nextSweep, drainDeadline ?? .max)
      timeout = next == .max ? -1 : Int32(clamping: max(0, next - now))
      if !answers.prepareToSleep() { timeout = 0 }
    }
    withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 64) { tags in
      let count = clinux_epoll_wait(epoll, tags.baseAddress!, Int32(tags.count), timeout)
      now = Self.clock()
      for tag in tags.prefix(Int(max(0, count))) {
        if tag == 0 {
          clinux_eventfd_clear(answers.descriptor)
        } else if tag & Lingering.tag != 0 {
          lingering.read(Int32(truncatingIfNeeded: tag))
        } else {
          daemons[Int(tag) - 1].isReady = true
        }
      }
    }
  }

  /// Marks all daemons, because a connection of one of them was resumed.
  func wakeDaemons() { for daemon in daemons { daemon.isReady = true } }

  private static func clock() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
  }
}

// MARK: - Deadlines

extension Loop {
  func set(_ deadline: Int64, of connection: Connection) {
    connection.deadline = deadline
    expect(deadline)
  }

  /// Makes sure of a sweep at that time. One that comes early is harmless: it finds the next time.
  func expect(_ deadline: Int64) {
    if deadline < nextSweep { nextSweep = max(deadline, lastSweep + HTTPLimits.sweepInterval) }
  }

  private func sweep() {
    lastSweep = now
    var next = lingering.sweep(now: now)
    for connection in connections {
      if connection.deadline <= now {
        expire(connection)
      } else {
        next = min(next, connection.deadline)
      }
    }
    nextSweep = next == .max ? .max : max(next, now + HTTPLimits.sweepInterval)
  }

  private func expire(_ connection: Connection) {
    connection.deadline = .max
    switch connection.phase {
    case .header, .body:
      connection.phase = .refused
      connection.sendDirectly(
        configuration.errorResponse(408, "the request did not arrive in time"))
    case .idle, .handling, .parked, .answering, .refused: break
    }
    connection.cut()
  }
}

// MARK: - Stopping

extension Loop {
  private func beginStop(_ drainTime: Int64) {
    for daemon in daemons {
      // Who connected before the stop is served: closing the socket would reset them.
      for _ in 0..<Self.backlogTurns where Self.isReadable(daemon.socket.descriptor) {
        daemon.run()
      }
      daemon.stopListening()
    }
    drainDeadline = now + drainTime
    wakeDaemons()
  }

  /// Closes what is idle; whether nothing is left, or the time is over.
  private func isDrained() -> Bool {
    if now >= drainDeadline! { return true }
    guard !daemons.contains(where: \.isReady) else { return false }
    for connection in connections where connection.phase == .idle {
      if !connection.hasUnreadBytes { connection.cut() }
    }
    return connections.isEmpty
  }

  private func end() {
    isClosing = true
    let refusal = configuration.errorResponse(503, "the server is stopping")
    for connection in connections {
      switch connection.phase {
      case .parked: resume(connection, with: refusal)
      case .handling: connection.answer = connection.answer ?? .response(refusal)
      case .idle, .header, .body, .answering, .refused: break
      }
    }
    for daemon in daemons {
      var turns = 0
      repeat {
        daemon.run()
        turns += 1
      } while turns < Self.closingTurns && daemon.isBusy
      daemon.stop()
    }
    lingering.endAll()
    answers.close()
  }

  private static func isReadable(_ descriptor: Int32) -> Bool {
    var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return Glibc.poll(&poll, 1, 0) > 0
  }
}
