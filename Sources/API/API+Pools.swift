import Engine
import HTTPServer
import Larder

extension API {
  /// `POST /v1/pools/{pool}/items`
  func putItems(
    _ call: APIRequest, pool: String, _ answer: @escaping Route.Answer
  ) throws(Problem) {
    try call.expectQuery()
    try call.expectBody("application/x-ndjson")
    // Megabytes of JSON take longer to read than the caller's thread, the HTTP loop, may stand still.
    let accepted = readers.read { (_) throws(StoreError) in
      Result { () throws(Problem) in try Self.items(call.body) }
    } _: { [self] read in
      do throws(Problem) {
        try put(try read.mapError(Self.problem).get().get(), in: pool, answer)
      } catch {
        answer(.failure(error))
      }
    }
    if !accepted { throw Self.busy("too many calls wait for the store") }
  }

  private func put(
    _ items: [NewItem], in pool: String, _ answer: @escaping Route.Answer
  ) throws(Problem) {
    try write(
      filling: StoreWriter.Filling(bytes: items.storedBytes, isMade: false),
      { (store, now) throws(StoreError) in try store.put(items, in: pool, at: now) }, answer
    ) { result in
      Documents.json(200) { json in
        json.object {
          $0.member("stored", result.stored)
          $0.member("duplicates", result.duplicates)
          $0.member("overfill", result.overfill)
        }
      }
    }
  }

  /// The items of a body, a line each. Blank lines and a producer's cursors are passed over.
  private static func items(_ body: [UInt8]) throws(Problem) -> [NewItem] {
    var items: [NewItem] = []
    for (index, line) in body.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated()
    where !line.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) {
      guard line.count <= Limits.lineBytes else {
        throw Problem(
          .badRequest,
          "line \(index + 1) is broken: longer than \(Limits.lineBytes) bytes; nothing was kept")
      }
      guard items.count < Limits.itemsPerBody else {
        throw Problem(
          .tooLarge, "more than \(Limits.itemsPerBody) lines: send them in several requests")
      }
      let read = line.withUnsafeBufferPointer { bytes in
        Result { () throws(ProducerLine.Broken) in try ProducerLine(json: bytes) }
      }
      switch read {
      case .success(.item(let item)): items.append(item)
      case .success(.cursor): continue
      case .failure(let broken):
        throw Problem(.badRequest, "line \(index + 1) is broken: \(broken); nothing was kept")
      }
    }
    return items
  }

  /// `GET /v1/pools/{pool}/items/{key}`
  func readItem(
    _ call: APIRequest, pool: String, key: String, _ answer: @escaping Route.Answer
  ) throws(Problem) {
    try call.expectQuery()
    let now = clock()
    try read({ (store) throws(StoreError) in try store.item(key, in: pool, at: now) }, answer) {
      (item) throws(Problem) in
      guard let item else { throw Problem(.unknownItem, "\(pool) has no item with the key \(key)") }
      return Documents.json(200) { Documents.write(item, &$0) }
    }
  }

  /// `GET /v1/levels`, of all pools or of those that `pool` names.
  func listLevels(_ call: APIRequest, _ answer: @escaping Route.Answer) throws(Problem) {
    try call.expectQuery(repeatable: ["pool"])
    let names = call.query.isEmpty ? nil : call.query.map(\.value)
    try readLevels(names, answer) { (levels, _, now) throws(Problem) in
      let found = Set(levels.map(\.pool.name))
      if let unknown = names?.first(where: { !found.contains($0) }) {
        throw Problem(.unknownPool, "there is no pool \(unknown)")
      }
      return Documents.json(200) { json in
        json.object {
          $0.member("at", now)
          $0.array("levels") { json in levels.forEach { Documents.write($0, at: now, &json) } }
        }
      }
    }
  }

  /// `POST /v1/pools/{pool}/pause`, `/resume` and `/breaker/reset`
  func perform(
    _ command: PoolCommand, _ call: APIRequest, pool: String, _ answer: @escaping Route.Answer
  ) throws(Problem) {
    try call.expectNothing()
    guard let engine else { throw Self.readOnly }
    engine.perform(command, on: pool) { [self] result in
      do throws(Problem) {
        try result.get()
        try answerLevel(of: pool, answer)
      } catch {
        answer(.failure(error))
      }
    }
  }

  /// `GET /v1/pools/{pool}/level`
  func readLevel(
    _ call: APIRequest, pool: String, _ answer: @escaping Route.Answer
  ) throws(Problem) {
    try call.expectQuery()
    try answerLevel(of: pool, answer)
  }

  func answerLevel(
    of pool: String, headers: [HTTPField] = [], _ answer: @escaping Route.Answer
  ) throws(Problem) {
    try readLevels([pool], answer) { (levels, _, now) throws(Problem) in
      guard let level = levels.first else {
        throw Problem(.unknownPool, "there is no pool \(pool)")
      }
      return Documents.json(200, headers: headers) { Documents.write(level, at: now, &$0) }
    }
  }
}
