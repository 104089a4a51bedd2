import CLinux
import Glibc

/// Connections that were answered before their upload was read.
///
/// Closing a socket that holds unread bytes resets the connection, and the client may lose the
/// answer. So the socket lives on (its sending side is closed) while what comes is read and
/// dropped, within bounds.
struct Lingering {
  private struct Rest {
    var deadline: Int64
    var bytes: Int
  }

  private let limits: HTTPLimits
  private let epoll: Int32
  private var rests: [Int32: Rest] = [:]

  /// Marks a descriptor of this kind in the loop's epoll.
  static let tag: UInt64 = 1 << 32
  private static let readBytes = 64 * 1024
  private static let readsAtOnce = 8

  init(limits: HTTPLimits, epoll: Int32) {
    self.limits = limits
    self.epoll = epoll
  }

  /// Takes over a connection that libmicrohttpd is about to close. Returns the deadline.
  mutating func add(_ descriptor: Int32, now: Int64) -> Int64? {
    guard rests.count < limits.lingering else { return nil }
    let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
    guard copy >= 0 else { return nil }
    rests[copy] = Rest(deadline: now + limits.lingerTime, bytes: limits.lingerBytes)
    if clinux_epoll_add(epoll, copy, Self.tag | UInt64(copy)) != 0 { end(copy) }
    read(copy)
    return rests[copy]?.deadline
  }

  /// Reads what came, and ends at the end.
  mutating func read(_ descriptor: Int32) {
    guard let rest = rests[descriptor] else { return }
    var left = rest.bytes
    for _ in 0..<Self.readsAtOnce {
      let count = withUnsafeTemporaryAllocation(byteCount: Self.readBytes, alignment: 1) {
        recv(descriptor, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT))
      }
      if count < 0, errno == EAGAIN || errno == EINTR { break }
      left -= count
      if count <= 0 || left <= 0 { return end(descriptor) }
    }
    rests[descriptor]?.bytes = left
  }

  /// Ends those whose time is over; returns the next deadline.
  mutating func sweep(now: Int64) -> Int64 {
    var next = Int64.max
    for (descriptor, rest) in rests {
      if rest.deadline <= now { end(descriptor) } else { next = min(next, rest.deadline) }
    }
    return next
  }

  mutating func endAll() { for descriptor in rests.keys { end(descriptor) } }

  private mutating func end(_ descriptor: Int32) {
    rests[descriptor] = nil
    _ = clinux_epoll_remove(epoll, descriptor)
    close(descriptor)
  }
}
