import FaultShimControl
import Foundation
import Harness

extension Phase {
  /// Records servers that are killed and started again, builds states in which a loss of power may
  /// have left their disk at a moment, and has a server recover from each.
  package static func powerLoss(_ states: Int, perRecording: Int = 60) -> Phase {
    Phase("power loss") { context in
      var random = Randomness(seed: context.seed, purpose: "power")
      var sum = Tally()
      while sum.states < states {
        let recording = try Recording(context, seed: random.next())
        let crashes = recording.crashes(min(perRecording, states - sum.states), &random)
        // Two at a time, as there are two cores at least wherever this runs.
        let parts = try atOnce(2) { half in
          try crashes.enumerated().filter { $0.offset % 2 == half }.map {
            try recording.survive($0.element, context)
          }
        }
        for tally in parts.joined() { sum += tally }
        context.report("\(sum.states) of \(states) states, \(sum.ok) claims asked for again")
      }
      return sum
    }
  }
}

/// Some servers' life on one store, with all that reached the disk and the clients.
private struct Recording: Sendable {
  /// A state of the disk, and what had been answered by then.
  struct Crash: Sendable {
    var name: String
    var files: [Int: [UInt8]]
    let operations: [Operation]
    /// Whether the power is lost once more after the recovery, and what decides how.
    var again: Randomness?
  }

  private let seed: UInt64
  private let events: [DiskRecord.Event]
  /// Each request once, as it was asked.
  private let asked: [Operation]

  private static let servers = 3
  private static let clients = 4
  private static let claims = 12
  private static let stock = 160
  private static let file = "stock: {target: 1, max: 1000000}\nclaims: {per_user: 0, hold: 10m}"

  init(_ context: PhaseContext, seed: UInt64) throws {
    self.seed = seed
    var random = Randomness(seed: seed, purpose: "recording")
    (events, asked) = try Workspace.with { workspace in
      try workspace.declare(LoadPools.codes, Self.file)
      let control = try FaultControl(workspace)
      var environment = control.environment
      environment["FAULTSHIM_LOG"] = workspace.path + "/record"
      let recorder = Recorder()
      for server in 0..<Self.servers {
        control.clear()
        try Self.serve(
          server, context, workspace, environment, control, recorder, seed, &random)
      }
      return (
        try DiskRecord(path: workspace.path + "/record").events,
        Self.requests(in: recorder.snapshot())
      )
    }
  }

  /// One server's life, which a kill ends.
  private static func serve(
    _ number: Int, _ context: PhaseContext, _ workspace: Workspace,
    _ environment: [String: String], _ control: FaultControl, _ recorder: Recorder, _ seed: UInt64,
    _ random: inout Randomness
  ) throws {
    if random.chance(1, in: 4) {
      // It may refuse to start, or SQLite may pass over it.
      control.fail(at: .random(in: 1...8, using: &random), of: faultshim_sync, with: EIO)
    }
    var child = try context.startServer(in: workspace, environment: environment)
    let target = Target()
    do {
      target.set(port: try ServerProcess(child).port)
    } catch {
      child.end()
      control.clear()
      child = try context.startServer(in: workspace, environment: environment)
      target.set(port: try ServerProcess(child).port)
    }
    let client = LoadClient(
      number, target: target, recorder: recorder, shared: LoadShared(seed: seed), seed: seed,
      waits: false)
    if number == 0 {
      client.put((1...stock).map { Ledger.Line(key: "k-\($0)", payload: #"{"code":\#($0)}"#) })
    }
    // First of all what was not answered: a server might answer from what is not durable.
    for operation in requests(in: recorder.snapshot()) where operation.action == .claim {
      client.claim(LoadRequest(operation))
    }
    let call = Int.random(in: 2...30, using: &random)
    switch Int.random(in: 0..<4, using: &random) {
    case 0: control.kill(at: call, of: faultshim_write, faultshim_kill)
    case 1: control.fail(at: call, of: faultshim_sync, with: EIO)
    default: control.kill(at: call, of: faultshim_sync, faultshim_kill)
    }
    _ = try atOnce(clients) { index in
      let client = LoadClient(
        index, target: target, recorder: recorder, shared: LoadShared(seed: seed), seed: seed,
        waits: false)
      for claim in 1...claims {
        let user = "u-\(number)-\(index)-\(claim)"
        client.claim(
          LoadRequest(
            pool: LoadPools.codes, user: user, key: "key-\(user)", count: claim % 5 == 0 ? 2 : 1))
      }
    }
    child.signal(SIGKILL)
    _ = try child.wait()
  }

  private static func requests(in history: History) -> [Operation] {
    var seen: Set<String> = []
    return history.operations.filter { operation in
      operation.action == .put || operation.action == .claim && seen.insert(operation.user).inserted
    }
  }

  /// Moments at which something was at stake, and what the disk might hold then.
  func crashes(_ count: Int, _ random: inout Randomness) -> [Crash] {
    let answers = events.indices.filter { events[$0].kind == faultshim_sent }
    let syncs = events.indices.filter { events[$0].kind == faultshim_synced }
    let moments = (0..<count).map { index in
      switch index % 5 {
      case 0...2: (answers.randomElement(using: &random) ?? 0) + 1
      case 3: syncs.randomElement(using: &random) ?? 0
      default: Int.random(in: 0...events.count, using: &random)
      }
    }.sorted()
    var (disk, sent, next) = (Disk(), SentAnswers(), 0)
    return moments.map { moment in
      while next < moment {
        disk.take(events[next])
        sent.take(events[next])
        next += 1
      }
      let luck =
        random.chance(1, in: 3) ? .nothing : Disk.Luck.allCases.randomElement(using: &random)!
      return Crash(
        name: "record \(seed), event \(moment) of \(events.count), \(luck)",
        files: disk.state(luck, &random), operations: operations(given: sent.answers),
        again: random.chance(1, in: 5) ? random : nil)
    }
  }

  /// What was asked, with the answers that were sent; nobody knows of the others.
  private func operations(given answers: [LightConnection.Answer]) -> [Operation] {
    var byUser: [String: LightConnection.Answer] = [:]
    var put: LightConnection.Answer?
    for answer in answers where (200..<300).contains(answer.status) {
      let body = JSONText(answer.body)
      if let user = body["user"]?.string {
        byUser[user] = byUser[user] ?? answer
      } else if body["stored"] != nil {
        put = put ?? answer
      }
    }
    return asked.enumerated().map { index, operation in
      var operation = operation
      operation.invoked = Int64(2 * index)
      operation.completed = Int64(2 * index + 1)
      operation.outcome = .info
      operation.status = 0
      operation.claims = []
      operation.counts = [:]
      if let answer = operation.action == .put ? put : byUser[operation.user] {
        operation.take(answer)
      }
      return operation
    }
  }

  /// Recovers from a loss of power, and from the next one where there is one.
  func survive(_ crash: Crash, _ context: PhaseContext) throws -> Tally {
    guard var random = crash.again else { return try recover(from: crash, context).tally }
    var (tally, record) = try recover(from: crash, context, recorded: true)
    var disk = Disk(crash.files)
    let moment = Int.random(in: 0...record.count, using: &random)
    record.prefix(moment).forEach { disk.take($0) }
    let luck = Disk.Luck.allCases.randomElement(using: &random)!
    var next = crash
    next.name += ", and again after event \(moment) of \(record.count), \(luck)"
    next.files = disk.state(luck, &random)
    tally += try recover(from: next, context).tally
    return tally
  }

  /// Lets a server recover, asks for all that was answered once more, and judges. Gives what the
  /// server did to its files, if that is `recorded`.
  private func recover(
    from crash: Crash, _ context: PhaseContext, recorded: Bool = false
  ) throws -> (tally: Tally, record: [DiskRecord.Event]) {
    try Workspace.with { workspace in
      try workspace.declare(LoadPools.codes, Self.file)
      for (file, suffix) in [
        (faultshim_database, ""), (faultshim_log, "-wal"), (faultshim_journal, "-journal"),
      ] {
        guard let bytes = crash.files[Int(file.rawValue)] else { continue }
        try Data(bytes).write(to: URL(fileURLWithPath: workspace.store + suffix))
      }
      let log = workspace.path + "/record"
      var environment: [String: String] = [:]
      if recorded {
        environment = try FaultControl(workspace).environment
        environment["FAULTSHIM_LOG"] = log
      }
      let recorder = Recorder()
      crash.operations.forEach { recorder.record($0) }
      var troubles: [String] = []
      let child = try context.startServer(in: workspace, environment: environment)
      do {
        let target = Target()
        target.set(port: try ServerProcess(child).port)
        let client = LoadClient(
          90, target: target, recorder: recorder, shared: LoadShared(seed: seed), seed: seed,
          waits: false)
        for operation in crash.operations
        where operation.action == .claim && operation.outcome == .ok {
          client.claim(LoadRequest(operation))
        }
        child.signal(SIGTERM)
        let status = try child.wait()
        if status != 0 { troubles.append("stopped, it ended with \(status): \(child.errors)") }
      } catch {
        troubles.append("\(error)")
        child.end()
      }
      let evidence = Evidence(
        history: recorder.snapshot(),
        store: troubles.isEmpty ? try StoredRows(path: workspace.store) : nil, troubles: troubles)
      var tally = Tally()
      tally.states = 1
      tally.ok = crash.operations.count { $0.action == .claim && $0.outcome == .ok }
      tally.violations = Checker.violations(in: evidence).map { $0.at(crash.name) }
      return (tally, recorded ? try DiskRecord(path: log).events : [])
    }
  }
}

extension Violation {
  /// The same, and where it was found.
  func at(_ place: String) -> Violation { Violation(rule, kind, "\(place): \(text)") }
}
