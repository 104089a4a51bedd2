import CLinux
import Glibc

/// A thread for work that blocks, so that it never takes one of the cooperative pool's.
package final class WorkThread: @unchecked Sendable {
  // Unchecked: `handle` is written before the thread is shared and read by `join` alone.
  private var handle = pthread_t()

  private final class Body {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  /// Starts a thread. Its name (at most 15 bytes) shows in tools such as top.
  package init(_ name: String, _ run: @escaping @Sendable () -> Void) {
    let body = Body {
      clinux_name_thread(name)
      run()
    }
    let code = pthread_create(
      &handle, nil,
      { pointer in
        guard let pointer else { return nil }
        Unmanaged<Body>.fromOpaque(pointer).takeRetainedValue().run()
        return nil
      }, Unmanaged.passRetained(body).toOpaque())
    precondition(code == 0, "no thread can be started: \(String(cString: strerror(code)))")
  }

  /// Waits until the thread has ended. To be called once.
  package func join() {
    pthread_join(handle, nil)
  }
}
