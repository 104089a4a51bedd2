import Glibc
import Larder
import Lock

/// One slice's producer: started, fed, read, and ended with all that it started.
package final class ProducerProcess: Sendable {
  private struct State {
    var isCancelled = false
    /// The end of a pipe that wakes `run`, while it runs.
    var wake: Int32?
  }

  private let spec: ProducerSpec
  private let request: SliceRequest
  private let grace: Duration
  private let state = Lock(State())

  /// - Parameter grace: the time between SIGTERM and SIGKILL.
  package init(spec: ProducerSpec, request: SliceRequest, grace: Duration = Limits.grace) {
    self.spec = spec
    self.request = request
    self.grace = grace
  }

  /// Runs the slice, once, and blocks until it and all processes that it started are gone. This
  /// takes `spec.timeout` and the grace at most, unless the kernel itself holds a process up.
  /// - Parameter started: gets the process's identity before anything is read of it, so that it
  ///   can be put down; not called where nothing could be started.
  package func run(started: (ProcessIdentity) -> Void = { _ in }) -> SliceOutput {
    do throws(StartError) {
      let wake = try Pipe()
      let isCancelled = state.withLock {
        $0.wake = wake.writeEnd.number
        return $0.isCancelled
      }
      let output =
        isCancelled
        ? SliceOutput(end: .cancelled) : talk(wake: wake.readEnd.number, started: started)
      let settled = settle(output)
      // Not before `cancel` can no longer write to it.
      _ = consume wake
      return settled
    } catch {
      return SliceOutput(end: .couldNotStart(error.description))
    }
  }

  private func talk(wake: Int32, started: (ProcessIdentity) -> Void) -> SliceOutput {
    do throws(StartError) {
      let child = try Child(spec: spec, request: request)
      started(child.identity)
      var conversation = Conversation(
        child: child, wake: wake, spec: spec, request: request, grace: grace)
      return conversation.run()
    } catch {
      return SliceOutput(end: .couldNotStart(error.description))
    }
  }

  /// Ends the slice from any thread: SIGTERM to the group, SIGKILL after the grace, and then
  /// whatever else it started. `run` then returns `.cancelled`, also where it had not begun;
  /// once `run` has returned this does nothing.
  package func cancel() {
    state.withLock {
      guard !$0.isCancelled else { return }
      $0.isCancelled = true
      guard let wake = $0.wake else { return }
      var byte: UInt8 = 0
      // The only byte ever written here: the pipe can't be full, nor broken, as its other end
      // lives as long as this one.
      _ = write(wake, &byte, 1)
    }
  }

  /// Lets the pipe go and settles the race of an end with `cancel`: cancelled is cancelled.
  private func settle(_ output: SliceOutput) -> SliceOutput {
    let isCancelled = state.withLock {
      $0.wake = nil
      return $0.isCancelled
    }
    guard isCancelled else { return output }
    if case .couldNotStart = output.end { return output }
    var output = output
    (output.items, output.cursor, output.end) = ([], nil, .cancelled)
    return output
  }
}
