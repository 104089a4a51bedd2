import Glibc

/// A client that claims as fast as it is answered, and asks again where it was not. One thread's.
final class LoadClient {
  /// What it remembers of a claim that it got.
  private struct Got {
    let request: LoadRequest
    let claim: String
    let state: String
  }

  private static let remembered = 200
  private static let patience = 10

  let number: Int
  private let target: Target
  private let recorder: Recorder
  private let shared: LoadShared
  /// Whether it waits for the next server where one died.
  private let waits: Bool
  private var random: Randomness
  private var connection: (to: Target.Place, LightConnection)?
  private var made = 0
  private var got: [Got] = []
  private var held: [Got] = []

  init(
    _ number: Int, target: Target, recorder: Recorder, shared: LoadShared, seed: UInt64,
    waits: Bool = true
  ) {
    self.number = number
    self.waits = waits
    self.target = target
    self.recorder = recorder
    self.shared = shared
    random = Randomness(seed: seed, purpose: "client \(number)")
  }

  /// Goes on until the target is closed.
  func run() { while !target.isClosed { act() } }

  /// Does one thing, by chance.
  private func act() {
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<64: claim(fresh())
    case 64..<74: if let old = got.randomElement(using: &random) { claim(old.request) }
    case 74..<78:
      if let old = got.randomElement(using: &random), old.request.key != nil {
        claim(old.request.changed)
      }
    case 78..<85: if let old = got.randomElement(using: &random) { read(old.claim) }
    case 85..<88: if let old = got.randomElement(using: &random) { list(old.request.user) }
    case 88..<94: endHold()
    case 94..<98: claim(shared.contended())
    default: level(LoadPools.all.randomElement(using: &random)!)
    }
  }

  private func fresh() -> LoadRequest {
    made += 1
    let user = "u-\(number)-\(made)"
    let key = random.chance(6, in: 7) ? "key-\(number)-\(made)" : nil
    let count = random.chance(1, in: 8) ? Int.random(in: 2...5, using: &random) : 1
    let holds = random.chance(1, in: 8)
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<62:
      return LoadRequest(
        pool: LoadPools.codes, user: user, key: key, count: count, holds: holds)
    case 62..<80:
      // Now and then one who has a ticket already.
      let fan = random.chance(1, in: 6) ? got.last { $0.request.pool == LoadPools.tickets } : nil
      return LoadRequest(
        pool: LoadPools.tickets, user: fan?.request.user ?? user,
        key: random.chance(1, in: 10) ? "other" : nil, holds: holds,
        backorders: random.chance(1, in: 4))
    case 80..<88:
      return LoadRequest(
        pool: LoadPools.reports, user: user, key: key, count: count, holds: random.chance(1, in: 3))
    case 88..<92:
      return LoadRequest(pool: LoadPools.quotes, user: user, key: key, holds: holds)
    default:
      return LoadRequest(pool: LoadPools.bulk, user: user, key: key, count: count, holds: holds)
    }
  }

  // MARK: requests

  /// Claims, and asks again by the same key until the answer is known.
  func claim(_ request: LoadRequest) {
    var operation: Operation
    repeat {
      guard let sent = send(request.bytes, as: template(request)) else { return }
      operation = sent
    } while operation.outcome == .info && request.key != nil
    guard operation.outcome == .ok, let claim = operation.claims.first else { return }
    let new = Got(request: request, claim: claim.id, state: claim.state)
    if got.count < Self.remembered {
      got.append(new)
    } else {
      got[Int.random(in: 0..<got.count, using: &random)] = new
    }
    if claim.state == "held", operation.status == 201 { held.append(new) }
  }

  /// Claims once; nil where nobody knows what came of it.
  func ask(_ request: LoadRequest) -> Operation? {
    let operation = send(request.bytes, as: template(request))
    return operation?.outcome == .info ? nil : operation
  }

  private func template(_ request: LoadRequest) -> Operation {
    Operation(
      .claim, client: number, invoked: 0, completed: 0, principal: request.principal ?? "local",
      pool: request.pool, user: request.user, key: request.key, fingerprint: request.fingerprint,
      count: request.count)
  }

  func read(_ claim: String) {
    send(
      HTTPText.request("GET", "/v1/claims/\(claim)"),
      as: Operation(.read, client: number, invoked: 0, completed: 0, subject: claim))
  }

  func list(_ user: String) {
    send(
      HTTPText.request("GET", "/v1/users/\(user)/claims"),
      as: Operation(.list, client: number, invoked: 0, completed: 0, user: user))
  }

  private func endHold() {
    guard let hold = held.popLast() else { return }
    let confirms = random.chance(1, in: 2)
    send(
      HTTPText.request("POST", "/v1/claims/\(hold.claim)/\(confirms ? "confirm" : "release")"),
      as: Operation(
        confirms ? .confirm : .release, client: number, invoked: 0, completed: 0,
        subject: hold.claim))
  }

  @discardableResult
  func level(_ pool: String) -> Operation? {
    send(
      HTTPText.request("GET", "/v1/pools/\(pool)/level"),
      as: Operation(.level, client: number, invoked: 0, completed: 0, pool: pool))
  }

  /// Puts lines until it is known that they are there.
  func put(_ lines: [Ledger.Line]) {
    let body = lines.map { line in
      #"{"payload":\#(line.payload),"key":"\#(line.key ?? "")"}"# + "\n"
    }.joined()
    let request = HTTPText.request("POST", "/v1/pools/\(LoadPools.codes)/items", body: body)
    let operation = Operation(
      .put, client: number, invoked: 0, completed: 0, pool: LoadPools.codes, lines: lines)
    while let answered = send(request, as: operation), answered.outcome == .info {}
  }

  // MARK: sending

  /// Sends, waits for the answer and records both; nil when the target was closed before anything
  /// was sent.
  @discardableResult
  private func send(_ request: [UInt8], as template: Operation) -> Operation? {
    guard let connection = connected() else { return nil }
    var operation = template
    operation.invoked = monotonicNow()
    do throws(LightConnection.NoAnswer) {
      try connection.send(request)
      let answer = try connection.receive()
      operation.completed = monotonicNow()
      operation.take(answer)
    } catch {
      operation.completed = monotonicNow()
      operation.outcome = .info
      operation.body = error.why
      self.connection = nil
    }
    recorder.record(operation)
    return operation
  }

  private func connected() -> LightConnection? {
    while let place = target.wait() {
      if let connection, connection.to == place { return connection.1 }
      if let new = LightConnection(port: place.port, patience: Self.patience) {
        connection = (place, new)
        return new
      }
      guard waits else { return nil }
      // It died, and those who started it don't know yet.
      usleep(1_000)
    }
    return nil
  }
}

extension Operation {
  /// Takes what was answered.
  mutating func take(_ answer: LightConnection.Answer) {
    status = answer.status
    body = String(decoding: answer.body, as: UTF8.self)
    outcome =
      switch answer.status {
      case 200..<300: .ok
      case 400..<500: .fail
      default: .info
      }
    guard outcome == .ok else { return }
    let value = JSONText(answer.body)
    switch action {
    case .claim, .read, .confirm, .release: claims = [Claim(value)]
    case .list:
      claims = (value["claims"]?.elements ?? []).map(Claim.init)
      isWhole = value["cursor"]?.text == "null"
    case .put, .level: counts = value.numbers
    }
  }
}

extension Operation.Claim {
  init(_ value: JSONText) {
    self.init(
      id: value["claim"]?.string ?? "", pool: value["pool"]?.string ?? "",
      user: value["user"]?.string ?? "", state: value["state"]?.string ?? "",
      items: (value["items"]?.elements ?? []).map {
        Operation.Item(
          id: $0["id"]?.string ?? "", key: $0["key"]?.string, payload: $0["payload"]?.text ?? "")
      })
  }
}
