import Foundation
import Lock

/// A program that a test started. Its standard streams are files, so that nobody waits for a pipe.
package final class ChildProcess: Sendable {
  package let pid: Int32
  private let outputPath: String
  private let errorsPath: String
  private let status = Lock<Int32?>(nil)

  package struct StartError: Error, CustomStringConvertible {
    package let description: String
  }

  /// - Parameters:
  ///   - command: the program's absolute path and its arguments.
  ///   - streams: where `.in` is read and `.out` and `.err` are written.
  package init(
    _ command: [String], directory: String, environment: [String: String], streams: String
  ) throws {
    outputPath = streams + ".out"
    errorsPath = streams + ".err"
    var attributes = posix_spawnattr_t()
    var actions = posix_spawn_file_actions_t()
    posix_spawnattr_init(&attributes)
    posix_spawn_file_actions_init(&actions)
    defer {
      posix_spawnattr_destroy(&attributes)
      posix_spawn_file_actions_destroy(&actions)
    }
    // Threads of tests have signals blocked, which a child would inherit. It stays in our session:
    // the producers' own tests, in this very process, end what is in another.
    var all = sigset_t()
    var none = sigset_t()
    sigfillset(&all)
    sigemptyset(&none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETSIGDEF) | Int16(POSIX_SPAWN_SETSIGMASK))
    let written = O_WRONLY | O_CREAT | O_TRUNC
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, streams + ".in", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, outputPath, written, 0o600)
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, errorsPath, written, 0o600)
    try Self.closeOthers(&actions)
    var pid: Int32 = 0
    let failure = Self.withCStrings(["/usr/bin/env", "-C", directory] + command) { arguments in
      Self.withCStrings(environment.map { "\($0)=\($1)" }) { environment in
        posix_spawn(&pid, "/usr/bin/env", &actions, &attributes, arguments, environment)
      }
    }
    guard failure == 0 else {
      throw StartError(description: "\(command): \(String(cString: strerror(failure)))")
    }
    self.pid = pid
  }

  /// Descriptors of other tests must not live on in the child. Swift does not see the function.
  private static func closeOthers(_ actions: inout posix_spawn_file_actions_t) throws {
    typealias CloseFrom =
      @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, Int32) -> Int32
    guard let symbol = dlsym(nil, "posix_spawn_file_actions_addclosefrom_np") else {
      throw StartError(description: "the C library can't close a child's descriptors")
    }
    _ = unsafeBitCast(symbol, to: CloseFrom.self)(&actions, 3)
  }

  private static func withCStrings<Result>(
    _ texts: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
  ) -> Result {
    let copies = texts.map { strdup($0) }
    defer { copies.forEach { free($0) } }
    return body(copies + [nil])
  }

  /// The exit code, or the negated signal that ended it; nil while it runs.
  package var ended: Int32? {
    status.withLock { status in
      if status == nil {
        var value: Int32 = 0
        if waitpid(pid, &value, WNOHANG) == pid {
          status = value & 0x7F == 0 ? (value >> 8) & 0xFF : -(value & 0x7F)
        }
      }
      return status
    }
  }

  package func signal(_ number: Int32) {
    // As long as it isn't reaped its id is its own.
    status.withLock { if $0 == nil { kill(pid, number) } }
  }

  /// Waits for its end and gives the exit code, or the negated signal.
  package func wait(within seconds: Double = 60) throws -> Int32 {
    try eventually("the end of process \(pid)", within: seconds) { ended }
  }

  /// Ends it, if need be by force.
  package func end() {
    signal(SIGTERM)
    if (try? wait(within: 20)) == nil {
      signal(SIGKILL)
      _ = try? wait(within: 20)
    }
  }

  package var output: String { Self.read(outputPath) }
  package var errors: String { Self.read(errorsPath) }

  private static func read(_ path: String) -> String {
    String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
  }
}
