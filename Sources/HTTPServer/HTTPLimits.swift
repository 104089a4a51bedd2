/// What a client may cost: every bound of the server, in one place.
///
/// Times are milliseconds. They are checked by a sweep that runs at most every
/// `sweepInterval`, so a deadline may pass by that much.
package struct HTTPLimits: Sendable {
  /// Bytes of a request line and its header fields together; 431 above.
  package var headerBytes = 16 * 1024
  /// Header fields of a request; 431 above.
  package var headerFields = 64
  /// From accepting a connection, or from the request line on a connection that has served
  /// already, to the end of the header.
  package var headerTime: Int64 = 5_000
  /// To receive a body, or to send an answer, of up to `bodyBytesInTime`. Idle or busy, it counts.
  package var transferTime: Int64 = 30_000
  /// What `transferTime` is meant for; each further `transferRate` bytes get a second more.
  package var bodyBytesInTime = 64 * 1024
  /// Bytes a second below which a longer body is too slow.
  package var transferRate = 64 * 1024
  /// How long a connection may wait between two requests.
  package var idleTime: Int64 = 60_000
  /// Connections at once, over all listeners; 503 above. Lower where the process may not open as
  /// many files.
  package var connections = 10_000
  /// Requests that wait for their handler's answer; 503 above.
  package var pendingRequests = 10_000
  /// Bytes of bodies that are in memory at once, over all connections, until their requests are
  /// answered; 503 above.
  package var uploadBytes = 256 * 1024 * 1024
  /// Bytes of answers that clients have not taken yet, over all connections. At this many, requests
  /// are answered 503 before anybody works for them, and so is what was read for one and is more.
  package var answerBytes = 512 * 1024 * 1024
  /// How long the rest of a refused upload is read and dropped, so that the client sees the answer
  /// and no reset.
  package var lingerTime: Int64 = 5_000
  /// Bytes of a refused upload that are read and dropped.
  package var lingerBytes = 64 * 1024 * 1024
  /// Refused connections that may linger at once; others are closed at once.
  package var lingering = 256

  /// The defaults, each of which can be changed.
  package init() {}

  /// Requests in a row on one connection after which the next one seems to be alone.
  static let aloneAfter = 3
  /// The shortest time between two looks at all deadlines.
  static let sweepInterval: Int64 = 50
  /// Descriptors kept free for the rest of the process when `connections` is cut to what it may
  /// open.
  static let reservedFiles = 128

  /// The memory of a connection. It holds a whole header (`headerBytes`), a record of 64 bytes
  /// for each field, and room for the answer's header. It is cleared for each request, so more
  /// would cost time: with the defaults it is 24 KiB, of which libmicrohttpd reads into half.
  var poolBytes: Int { headerBytes + headerFields * 64 + 4096 }

  /// How long a transfer of so many bytes may take.
  func time(forBytes bytes: Int) -> Int64 {
    guard bytes > bodyBytesInTime else { return transferTime }
    return transferTime + Int64((bytes - bodyBytesInTime) / max(1, transferRate)) * 1000
  }
}
