import CMicrohttpd
import Glibc

/// One listening socket and the libmicrohttpd daemon that serves it, on the loop's thread.
final class Daemon {
  unowned let loop: Loop
  let socket: ListeningSocket
  let isUnix: Bool
  private(set) var handle: OpaquePointer!
  /// Whether its epoll descriptor has something to say.
  var isReady = true

  /// Starts the daemon; the socket is its own from here on.
  init(loop: Loop, socket: ListeningSocket, connections: Int) throws(HTTPServerError) {
    self.loop = loop
    self.socket = socket
    if case .unix = socket.listener { isUnix = true } else { isUnix = false }
    handle = cmhd_start(
      socket.descriptor, loop.limits.poolBytes, UInt32(connections),
      Unmanaged.passUnretained(self).toOpaque(),
      { context, _, _, method, version, data, size, request in
        guard let connection = Daemon.connection(request?.pointee), let size else {
          return cmhd_no()
        }
        let data = UnsafeRawBufferPointer(start: data, count: data == nil ? 0 : size.pointee)
        size.pointee = 0
        let goesOn = Daemon.of(context).loop.advance(
          connection, method: method!, version: version!, data: data)
        return goesOn ? cmhd_yes() : cmhd_no()
      },
      { context, _, request, code in
        guard let connection = Daemon.connection(request?.pointee) else { return }
        Daemon.of(context).loop.requestEnded(connection, isGood: cmhd_is_good_end(code) != 0)
      },
      { context, handle, slot, code in
        guard let handle, let slot else { return }
        let daemon = Daemon.of(context)
        if cmhd_is_start(code) != 0 {
          let connection = Connection(
            handle: handle, descriptor: cmhd_connection_fd(handle), isUnix: daemon.isUnix)
          slot.pointee = Unmanaged.passRetained(connection).toOpaque()
          daemon.loop.opened(connection)
        } else if let context = slot.pointee {
          slot.pointee = nil
          daemon.loop.closed(Unmanaged<Connection>.fromOpaque(context).takeRetainedValue())
        }
      },
      { context, uri, handle in
        guard let uri, let handle else { return nil }
        let slot = cmhd_connection_context(handle)
        if let connection = Daemon.connection(slot) {
          Daemon.of(context).loop.requestLineRead(connection, uri: uri)
        }
        return slot
      })
    guard handle != nil else {
      // Whether libmicrohttpd closed the descriptor is not known; closing it twice would be worse.
      let code = errno
      socket.removeFile()
      throw .cannotStart(code: code)
    }
  }

  /// Stops accepting; what is connected goes on.
  func stopListening() {
    _ = MHD_quiesce_daemon(handle)
    socket.close()
  }

  /// Closes all connections. None may be parked.
  func stop() { MHD_stop_daemon(handle) }

  var epollDescriptor: Int32 { cmhd_epoll_fd(handle) }
  var isBusy: Bool { cmhd_is_busy(handle) != 0 }
  func run() { MHD_run(handle) }

  private static func of(_ context: UnsafeMutableRawPointer?) -> Daemon {
    Unmanaged<Daemon>.fromOpaque(context!).takeUnretainedValue()
  }

  private static func connection(_ slot: UnsafeMutableRawPointer?) -> Connection? {
    slot.map { Unmanaged<Connection>.fromOpaque($0).takeUnretainedValue() }
  }
}
