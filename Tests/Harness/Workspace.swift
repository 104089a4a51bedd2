import Foundation
import Lock

/// What a command that has ended left.
package struct Finished: Sendable {
  package let status: Int32
  package let output: String
  package let errors: String

  package var json: JSON { (try? JSON(output)) ?? .null }
}

/// A folder of its own in which commands run: `Schedules` and `larder.db` are there by default.
package final class Workspace: Sendable {
  package let path: String
  private let children = Lock<[ChildProcess]>([])

  /// Runs a test in a new workspace, and ends and removes all that was made in it.
  package static func with<Result>(_ body: (Workspace) throws -> Result) throws -> Result {
    let workspace = try Workspace()
    defer { workspace.remove() }
    return try body(workspace)
  }

  private init() throws {
    // Short, since a socket's address holds 107 bytes.
    var template = Array("/tmp/larder-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw ClientError.system("mkdtemp") }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    try FileManager.default.createDirectory(
      atPath: schedules, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o755])
  }

  private func remove() {
    for child in children.withLock({ $0 }) { child.end() }
    try? FileManager.default.removeItem(atPath: path)
  }

  package var schedules: String { path + "/Schedules" }
  package var store: String { path + "/larder.db" }
  package var socket: Endpoint { .unix(path: store + ".sock") }

  /// Writes a file of this workspace.
  package func write(_ name: String, _ text: String, mode: Int = 0o644) throws {
    let file = path + "/" + name
    let descriptor = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, mode_t(mode))
    guard descriptor >= 0 else { throw ClientError.system("open \(file)") }
    let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    // The mode first: whoever watches must not find the new text with the old mode.
    guard fchmod(descriptor, mode_t(mode)) == 0 else { throw ClientError.system("chmod \(file)") }
    try handle.truncate(atOffset: 0)
    try handle.write(contentsOf: Data(text.utf8))
    try handle.close()
  }

  /// Takes the right to write from group and others, which a clone made under umask 002 gives them.
  package func takeFromOthers(_ name: String) throws {
    guard try start(["chmod", "-R", "go-w", name]).wait(within: 60) == 0 else {
      throw ClientError("chmod \(name)")
    }
  }

  package func read(_ name: String) -> String {
    String(
      decoding: FileManager.default.contents(atPath: "\(path)/\(name)") ?? Data(), as: UTF8.self)
  }

  package func lines(_ name: String) -> [String] {
    read(name).split(separator: "\n").map(String.init)
  }

  package func delete(_ name: String) throws {
    try FileManager.default.removeItem(atPath: "\(path)/\(name)")
  }

  package func mode(_ name: String) throws -> Int? {
    let attributes = try FileManager.default.attributesOfItem(atPath: "\(path)/\(name)")
    return (attributes[.posixPermissions] as? NSNumber)?.intValue
  }

  /// Writes a pool's schedule file, `POOL.yaml`.
  package func declare(_ pool: String, _ yaml: String) throws {
    try write("Schedules/\(pool).yaml", "pool: \(pool)\n" + yaml + "\n")
  }

  /// Writes a program beside the schedule files. It starts with its own `#!` or is for `sh`.
  package func producer(_ name: String, _ script: String) throws {
    let text = script.hasPrefix("#!") ? script : "#!/bin/sh\n" + script
    try write("Schedules/\(name)", text + "\n", mode: 0o755)
  }

  /// Starts a command in this folder. `input` is its standard input.
  package func start(
    _ command: [String], input: String = "", environment: [String: String] = [:]
  ) throws -> ChildProcess {
    var variables = ["PATH": Self.searchPath, "HOME": path, "LANG": "C.UTF-8"]
    variables.merge(environment) { $1 }
    let streams = "\(path)/stream-\(UUID().uuidString)"
    try Data(input.utf8).write(to: URL(fileURLWithPath: streams + ".in"))
    let child = try ChildProcess(
      command, directory: path, environment: variables, streams: streams)
    children.withLock { $0.append(child) }
    return child
  }

  private static let searchPath =
    "/usr/local/bin:/usr/bin:/bin:" + (ProcessInfo.processInfo.environment["PATH"] ?? "")

  /// Runs `larder` to its end.
  @discardableResult
  package func larder(
    _ arguments: String..., input: String = "", environment: [String: String] = [:]
  ) throws -> Finished {
    try larder(arguments, input: input, environment: environment)
  }

  @discardableResult
  package func larder(
    _ arguments: [String], input: String = "", environment: [String: String] = [:]
  ) throws -> Finished {
    let child = try start(
      [try Self.binary()] + arguments, input: input, environment: environment)
    let status = try child.wait(within: 120)
    return Finished(status: status, output: child.output, errors: child.errors)
  }

  /// Starts `larder serve` on a free port and waits until it is ready.
  package func serve(
    _ arguments: String..., environment: [String: String] = [:]
  ) throws -> ServerProcess {
    let child = try start(
      [try Self.binary(), "serve", "--listen", "127.0.0.1:0"] + arguments,
      environment: environment)
    return try ServerProcess(child)
  }

  /// The built command, which lies beside the tests' own program.
  package static func binary() throws -> String {
    let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let path = URL(fileURLWithPath: tests).deletingLastPathComponent().path + "/larder"
    guard FileManager.default.isExecutableFile(atPath: path) else {
      throw ClientError("there is no larder at \(path)")
    }
    return path
  }
}
