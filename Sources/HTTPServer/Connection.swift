import CLinux
import Glibc

/// A client's connection and the request on it.
///
/// `@unchecked Sendable`: responders carry a reference from thread to thread, but only the loop
/// thread touches what is inside.
final class Connection: @unchecked Sendable {
  enum Phase {
    /// No request line was read yet, or not since the last answer.
    case idle
    /// The request line is there.
    case header
    /// The header was accepted.
    case body
    /// The handler has the request, and libmicrohttpd will ask once more for the answer.
    case handling
    /// The handler has the request, and libmicrohttpd was told to leave the connection alone.
    case parked
    /// libmicrohttpd has the answer.
    case answering
    /// Answered past libmicrohttpd; the connection ends.
    case refused
  }

  /// libmicrohttpd's side; nil once it is closed.
  var handle: OpaquePointer?
  let descriptor: Int32
  let peer: HTTPPeer
  var phase = Phase.idle
  /// When the present phase must have ended, on the loop's clock.
  var deadline = Int64.max
  /// Where it stands in the loop's list.
  var index = 0
  /// Whether the rest of an upload is read and dropped after the end.
  var lingers = false
  /// Whether an answer was sent on it before.
  var hasServed = false

  /// How many requests came on it before this one and after any on another connection.
  var requestsInARow = 0

  /// Which request of the connection this is: an answer to an earlier one is dropped.
  var request: UInt64 = 0
  var method = ""
  var isHead = false
  var target: [UInt8] = []
  /// Bytes of the target as it came, with scheme and host if it has them.
  var targetBytes = 0
  var fields = PackedFields(bytes: [])
  var body: [UInt8] = []
  /// What counts as uploaded and in memory: the body, until its request is answered.
  var uploadBytes = 0
  /// What counts as an answer that the client has not taken.
  var answerBytes = 0
  var bodyLimit = 0
  /// What the handler answered before the connection was parked.
  var answer: Answer?

  init(handle: OpaquePointer, descriptor: Int32, isUnix: Bool) {
    self.handle = handle
    self.descriptor = descriptor
    var user: UInt32 = 0
    if isUnix, clinux_peer_user(descriptor, &user) == 0 {
      peer = .unix(user: user)
    } else {
      peer = .loopback
    }
  }

  /// Takes an answer on the loop thread, while libmicrohttpd will still ask for it.
  func accept(_ answer: Answer, request: UInt64) -> Bool {
    guard phase == .handling, self.request == request else { return false }
    self.answer = answer
    return true
  }

  /// Forgets the request, so that late answers to it are dropped and its memory is free.
  func endRequest() {
    request &+= 1
    target = []
    fields = PackedFields(bytes: [])
    body = []
    answer = nil
  }

  /// Writes an answer past libmicrohttpd, which has sent nothing of this request. What the socket
  /// does not take at once is lost: an answer is small and the socket's buffer empty.
  func sendDirectly(_ response: HTTPResponse) {
    let bytes = response.serializedForClosing()
    _ = send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
  }

  /// Ends the connection under libmicrohttpd, which notices and closes it.
  func cut() { shutdown(descriptor, Int32(SHUT_RDWR)) }

  /// Whether the client sent what libmicrohttpd did not read yet.
  var hasUnreadBytes: Bool {
    var byte: UInt8 = 0
    return recv(descriptor, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT)) > 0
  }
}
