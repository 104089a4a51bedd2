import CLinux
import Glibc
import Larder

/// A producer's process, with our ends of its pipes.
struct Child: ~Copyable {
  let identity: ProcessIdentity
  /// Readable once the process has ended.
  let process: Descriptor
  var input: Descriptor?
  var output: Descriptor?
  var log: Descriptor?

  /// Starts a slice's producer. It must be ended and removed in the end.
  init(spec: ProducerSpec, request: SliceRequest) throws(StartError) {
    let environment = try ChildEnvironment(spec: spec, request: request)
    let file = try Executable.find(spec.executable, path: environment.path)
    let arguments = (spec.command.isEmpty ? [file] : spec.command).map { Array($0.utf8) }
    guard !arguments.contains(where: { $0.contains(0) }) else {
      throw StartError("producer.command holds a NUL byte, which no argument can")
    }
    let input = try Pipe()
    let output = try Pipe()
    let log = try Pipe()
    let ends = (input.readEnd.number, output.writeEnd.number, log.writeEnd.number)
    var descriptor: Int32 = -1
    let identity: ProcessIdentity
    do throws(StartError) {
      identity = try RunningProducers.start(run: request.run) { () throws(StartError) in
        var pid: Int32 = 0
        let failure = withCStrings(arguments) { arguments in
          withCStrings(environment.entries) { environment in
            clinux_child_spawn(
              &pid, file, spec.directory, arguments, environment, ends.0, ends.1, ends.2)
          }
        }
        guard failure == 0 else {
          throw Executable.refusal(failure, file: file, directory: spec.directory)
        }
        descriptor = clinux_process_open(pid)
        guard descriptor >= 0 else {
          RunningProducers.abandon(pid)
          throw StartError("the producer could not be watched: \(systemText(-descriptor))")
        }
        return pid
      }
    } catch {
      if descriptor >= 0 { close(descriptor) }
      throw error
    }
    self.identity = identity
    process = Descriptor(descriptor)
    self.input = input.keepWriteEnd()
    self.output = output.keepReadEnd()
    self.log = log.keepReadEnd()
  }

  /// What became of the process, which stays to be looked at.
  enum State {
    case runs
    case ended(SliceEnd)
  }

  func look() -> State {
    var value: Int32 = 0
    switch clinux_child_look(identity.pid, 0, &value) {
    case clinux_child_runs: return .runs
    case clinux_child_exited: return .ended(.exited(value))
    case clinux_child_signalled: return .ended(.signalled(value))
    default: return .ended(.signalled(SIGKILL))  // somebody else reaped it
    }
  }

  /// Signals the group. The id is the group's as long as the process isn't reaped.
  func signalGroup(_ signal: Int32) {
    kill(-identity.pid, signal)
  }

  /// Whether a process of the group or session, or the producer itself, still works.
  func isGroupAlive() -> Bool {
    guard let table = ProcessTable.read() else { return true }
    return table.entries.values.contains {
      ($0.group == identity.pid || $0.session == identity.pid) && !$0.isZombie
    }
  }
}

/// Lends bytes as an array of C strings.
private func withCStrings<Result>(
  _ texts: [[UInt8]], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
) -> Result {
  let copies = texts.map { text in
    let copy = UnsafeMutablePointer<CChar>.allocate(capacity: text.count + 1)
    for (index, byte) in text.enumerated() { copy[index] = CChar(bitPattern: byte) }
    copy[text.count] = 0
    return copy
  }
  defer { for copy in copies { copy.deallocate() } }
  return body(copies + [nil])
}
