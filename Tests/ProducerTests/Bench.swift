import Foundation
import Larder
import Lock
import Synchronization

@testable import Producer

/// Producers for tests.
enum Bench {
  private static let counter = Atomic(0)

  /// A name that nothing else on this machine has.
  static func unique() -> String {
    let number = counter.wrappingAdd(1, ordering: .relaxed).newValue
    return "bench-\(getpid())-\(number)"
  }

  static func spec(_ command: [String]) -> ProducerSpec {
    var spec = ProducerSpec(command: command, executable: command[0], directory: "/")
    spec.timeout = .seconds(120)
    return spec
  }

  static func sh(_ script: String) -> ProducerSpec { spec(["sh", "-c", script]) }
  static func python(_ script: String) -> ProducerSpec { spec(["python3", "-c", script]) }

  static func request(count: Int = 3, cursor: String = "") -> SliceRequest {
    SliceRequest(pool: "tickets", run: unique(), slice: 2, count: count, cursor: cursor)
  }

  static func run(
    _ spec: ProducerSpec, count: Int = 3, cursor: String = ""
  ) -> SliceOutput {
    ProducerProcess(spec: spec, request: request(count: count, cursor: cursor)).run()
  }

  /// Runs a producer on a thread of its own, cancels it once the file exists that it gets as
  /// `READY`, and gives what came of it.
  static func cancelWhenReady(
    _ spec: ProducerSpec, request: SliceRequest, grace: Duration
  ) -> SliceOutput? {
    withFolder { folder in
      var spec = spec
      spec.environment["READY"] = "\(folder)/ready"
      let process = ProducerProcess(spec: spec, request: request, grace: grace)
      let result = Lock<SliceOutput?>(nil)
      let thread = Thread {
        let output = process.run()
        result.withLock { $0 = output }
      }
      thread.start()
      _ = wait { access("\(folder)/ready", F_OK) == 0 || result.withLock { $0 != nil } }
      process.cancel()
      _ = wait { result.withLock { $0 != nil } }
      return result.withLock { $0 }
    }
  }

  /// Whether a condition holds within a minute.
  static func wait(_ condition: () -> Bool) -> Bool {
    let deadline = Monotonic.after(.seconds(60))
    while !condition() {
      if Monotonic.now > deadline { return false }
      usleep(2000)
    }
    return true
  }

  static func withFolder<Result>(_ body: (String) throws -> Result) rethrows -> Result {
    let folder = NSTemporaryDirectory() + unique()
    mkdir(folder, 0o700)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try body(folder)
  }

  static func write(_ bytes: [UInt8], to path: String, mode: mode_t) {
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    _ = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
    close(file)
    chmod(path, mode)
  }

  /// Writes a program. A process of its own does it: were the file open for writing in this one, a
  /// child that another test starts at that moment would keep it open until its own program runs,
  /// and nobody may run the file meanwhile.
  static func writeProgram(_ text: String, to path: String, mode: mode_t) {
    var spec = sh("printf %s \"$TEXT\" >'\(path)'; chmod \(String(mode, radix: 8)) '\(path)'")
    spec.environment["TEXT"] = text
    _ = run(spec)
  }

  /// The living processes whose environment names the run.
  static func alive(run: String) -> [Int32] {
    processes { ProcessTable.run(of: $0) == run }
  }

  /// The living processes that have the text in their command.
  static func alive(command: String) -> [Int32] {
    processes { pid in
      let line = Producer.contents(ofFile: "/proc/\(pid)/cmdline", limit: 1 << 20) ?? []
      return String(decoding: line, as: UTF8.self).contains(command)
    }
  }

  private static func processes(_ isMeant: (Int32) -> Bool) -> [Int32] {
    (ProcessTable.read()?.entries.values ?? [:].values)
      .filter { !$0.isZombie && $0.pid != getpid() && isMeant($0.pid) }.map(\.pid)
  }

  /// The children of this process, ended or not.
  static func children() -> [Int32] {
    ProcessTable.read()?.entries.values.filter { $0.parent == getpid() }.map(\.pid) ?? [-1]
  }

  /// The descriptors that are open here.
  static func descriptors() -> Int {
    (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? -1
  }
}

/// Three good items, as `printf` in a shell's words.
let threeItems = #"printf '{"payload":1}\n{"payload":"b","key":"k"}\n{"payload":{"c": 3}}\n'"#
