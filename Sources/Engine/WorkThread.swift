import CLinux
import Glibc

/// A thread for work that blocks, so that it never takes one of the cooperative pool's.
package final class WorkThread: Sendable {
  private let handle: pthread_t

  private final class Body {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  /// Starts a thread that the process can't do without. Its name (at most 15 bytes) shows in tools
  /// such as top.
  package init(_ name: String, _ run: @escaping @Sendable () -> Void) {
    let (handle, code) = Self.start(name, run)
    precondition(code == 0, "no thread can be started: \(String(cString: strerror(code)))")
    self.handle = handle
  }

  /// Starts a thread; nil where the system has none left, as when a producer floods it.
  package init?(ifPossible name: String, _ run: @escaping @Sendable () -> Void) {
    let (handle, code) = Self.start(name, run)
    guard code == 0 else { return nil }
    self.handle = handle
  }

  private static func start(
    _ name: String, _ run: @escaping @Sendable () -> Void
  ) -> (handle: pthread_t, code: Int32) {
    let body = Unmanaged.passRetained(
      Body {
        clinux_name_thread(name)
        run()
      })
    var handle = pthread_t()
    let code = pthread_create(
      &handle, nil,
      { pointer in
        guard let pointer else { return nil }
        Unmanaged<Body>.fromOpaque(pointer).takeRetainedValue().run()
        return nil
      }, body.toOpaque())
    if code != 0 { body.release() }
    return (handle, code)
  }

  /// Waits until the thread has ended. To be called once.
  package func join() {
    pthread_join(handle, nil)
  }
}
