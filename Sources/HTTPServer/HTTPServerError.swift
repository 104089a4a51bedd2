import Glibc

/// Why a server cannot start.
package enum HTTPServerError: Error, Equatable, CustomStringConvertible {
  /// The text names no address; the reason says what is wrong.
  case malformedAddress(String, reason: String)
  /// The address can be reached from other machines.
  case notLoopback(String)
  /// Somebody listens there already.
  case addressInUse(String)
  /// A file that is no socket stands where the Unix socket should be.
  case notASocket(path: String)
  /// The system refused; the code is an errno.
  case cannotListen(String, code: Int32)
  /// The loop could not be made; the code is an errno.
  case cannotStart(code: Int32)
  /// The server was started before.
  case alreadyStarted

  /// One line for a person.
  package var description: String {
    switch self {
    case .malformedAddress(let text, let reason): "cannot listen on '\(text)': \(reason)"
    case .notLoopback(let address):
      "refusing to listen on \(address): only loopback addresses and Unix sockets are allowed"
    case .addressInUse(let address): "\(address) is already in use"
    case .notASocket(let path): "\(path) exists and is not a socket"
    case .cannotListen(let address, let code):
      "cannot listen on \(address): \(String(cString: strerror(code)))"
    case .cannotStart(let code): "cannot start the server: \(String(cString: strerror(code)))"
    case .alreadyStarted: "the server was started already"
    }
  }
}
