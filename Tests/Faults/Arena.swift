import Foundation
import Harness

/// One store with its server, its load and its history. One thread's.
package final class Arena {
  package let workspace: Workspace
  package let recorder = Recorder()
  package let target = Target()
  private let binary: String
  private let environment: [String: String]
  private let seed: UInt64
  private var random: Randomness
  private var server: ChildProcess?
  private var port: UInt16?
  private var load: Load?
  private var troubles: [String] = []
  private var clockJumped = false
  private var survivors: [Evidence.Survivor] = []
  /// Processes that worked for runs when the last server was killed.
  private var left: Set<RunProcess> = []

  /// The number of the client that looks after what others were answered.
  private static let auditor = 99

  /// - Parameter binary: the `larder` that is tried.
  package init(
    _ workspace: Workspace, binary: String, environment: [String: String] = [:], seed: UInt64
  ) throws {
    self.workspace = workspace
    self.binary = binary
    self.environment = environment
    self.seed = seed
    random = Randomness(seed: seed, purpose: "arena")
    try FileManager.default.createDirectory(
      atPath: "\(workspace.path)/\(LoadPools.ledger)", withIntermediateDirectories: false)
    try LoadPools.declare(in: workspace)
  }

  /// Starts the clients, which wait for a server.
  package func startLoad(clients: Int = Load.clients) {
    load = Load(clients: clients, target: target, recorder: recorder, seed: seed)
  }

  /// Starts a server and waits until it is ready.
  ///
  /// - Returns: false if it was killed before, by what the environment preloads.
  /// - Throws: where it ended by itself or never came.
  package func start(environment: [String: String] = [:]) throws -> Bool {
    let child = try workspace.start(
      [binary, "serve", "--listen", "127.0.0.1:0"],
      environment: self.environment.merging(environment) { $1 })
    server = child
    return try becomeReady(child)
  }

  private func becomeReady(_ child: ChildProcess) throws -> Bool {
    do {
      let ready = try ServerProcess(child)
      recorder.record(.ready(pid: child.pid))
      port = ready.port
      target.set(port: port)
    } catch {
      guard (try? child.wait(within: 5)) == -SIGKILL else { throw error }
      ended(child)
      return false
    }
    judgeLeftovers("after the next server was ready")
    return true
  }

  /// Waits until the server is gone, by what it preloaded.
  /// - Returns: whether it is.
  package func awaitKill(within seconds: Double) -> Bool {
    guard let child = server else { return true }
    guard let status = try? child.wait(within: seconds) else { return false }
    target.set(port: nil)
    if status != -SIGKILL { troubles.append("the server ended with \(status): \(child.errors)") }
    ended(child)
    return true
  }

  /// Waits until the server has ended by itself, as one whose disk failed does.
  ///
  /// - Returns: whether it has.
  func awaitFailure(within seconds: Double) -> Bool {
    guard let child = server else { return true }
    guard let status = try? child.wait(within: seconds) else { return false }
    target.set(port: nil)
    if status != 1 { troubles.append("the server ended with \(status): \(child.errors)") }
    ended(child)
    return true
  }

  /// From now on the store's times are in no order.
  func clockJumps() { clockJumped = true }

  var isRunning: Bool { server != nil }

  /// Stops the server for a while, and lets it go on.
  func suspend(for time: useconds_t) {
    server?.signal(SIGSTOP)
    usleep(time)
    server?.signal(SIGCONT)
  }

  /// Claims until it is known what came of it, and says whether that was within the time.
  func answers(within seconds: Double) -> Bool {
    let number = recorder.count
    let client = auditor(of: target)
    let request = LoadRequest(pool: LoadPools.tickets, user: "w-\(number)", key: nil)
    let operation = try? eventually("an answer", within: seconds) { client.ask(request) }
    return operation != nil
  }

  /// kill -9.
  package func kill() throws {
    guard let child = server else { return }
    if let status = child.ended {
      troubles.append("the server ended by itself with \(status): \(child.errors)")
    }
    child.signal(SIGKILL)
    target.set(port: nil)
    _ = try child.wait()
    ended(child)
  }

  private func ended(_ child: ChildProcess) {
    recorder.record(.killed(pid: child.pid))
    server = nil
    left = RunProcess.all(home: workspace.path)
  }

  /// What a server that was killed left running must be gone.
  private func judgeLeftovers(_ when: String) {
    guard !left.isEmpty else { return }
    for process in left.intersection(RunProcess.all(home: workspace.path)) {
      survivors.append(Evidence.Survivor(pid: process.pid, run: process.run, when: when))
    }
    left = []
  }

  /// Asks for some of the claims that were granted: once more by their keys, and by their ids.
  package func audit(_ count: Int) {
    askAgain(count, auditor(of: target))
  }

  private func askAgain(_ count: Int, _ client: LoadClient) {
    for operation in recorder.someClaims(count, by: &random) {
      if operation.key != nil { client.claim(LoadRequest(operation)) }
      client.read(operation.claims[0].id)
      if random.chance(1, in: 4) { client.list(operation.user) }
    }
  }

  private func auditor(of target: Target) -> LoadClient {
    // Whoever would start the next server is this thread.
    LoadClient(
      Self.auditor, target: target, recorder: recorder, shared: LoadShared(seed: seed), seed: seed,
      waits: false)
  }

  /// Ends the load, asks once more for whatever was not answered, stops the server, and judges.
  package func finish(auditing count: Int) throws -> Evidence {
    load?.stop()
    load = nil
    if server == nil, try !start() { throw ClientError("the server was killed by itself") }
    settle(auditing: count)
    if let child = server {
      child.signal(SIGTERM)
      let status = try child.wait()
      if status != 0 { troubles.append("stopped, it ended with \(status): \(child.errors)") }
      recorder.record(.ended(pid: child.pid, status: status))
      server = nil
    }
    for process in RunProcess.all(home: workspace.path) {
      survivors.append(
        Evidence.Survivor(pid: process.pid, run: process.run, when: "after the stop"))
    }
    return Evidence(
      history: recorder.snapshot(), ledger: try Ledger(folder: "\(workspace.path)/ledger"),
      store: try StoredRows(path: workspace.store), levels: try levels(), survivors: survivors,
      troubles: troubles, restocking: LoadPools.restocking,
      clockJumped: clockJumped)
  }

  private func settle(auditing count: Int) {
    // The load's target is closed: these go by one of their own.
    let target = Target()
    target.set(port: port)
    let client = auditor(of: target)
    var open: [Owner: Operation] = [:]
    for operation in recorder.snapshot().operations
    where operation.action == .claim && operation.key != nil {
      open[Owner(operation)] = operation.outcome == .info ? operation : nil
    }
    for operation in open.values { client.claim(LoadRequest(operation)) }
    askAgain(count, client)
    for pool in LoadPools.all { client.level(pool) }
  }

  private func levels() throws -> [String: [String: Int]] {
    let child = try workspace.start([binary, "levels", "--json"])
    guard try child.wait() == 0 else { throw ClientError("levels: \(child.errors)") }
    let levels = JSONText(Array(child.output.utf8))["levels"]?.elements ?? []
    return Dictionary(
      uniqueKeysWithValues: levels.map { ($0["pool"]?.string ?? "", $0.numbers) })
  }

  /// Keeps the store, the ledger and a text of what happened, for whoever looks into a violation.
  package func keep(_ violations: [Violation], _ evidence: Evidence, in folder: String) throws {
    let place = "\(folder)/\(seed)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try? FileManager.default.removeItem(atPath: place)
    try FileManager.default.copyItem(atPath: workspace.path, toPath: place)
    let text =
      violations.map(\.description) + evidence.history.operations.map(\.description)
      + evidence.history.events.map { "\(Double($0.at) / 1e9) \($0.event)" }
    try Data(text.joined(separator: "\n").utf8).write(
      to: URL(fileURLWithPath: "\(place)/history.txt"))
  }
}
