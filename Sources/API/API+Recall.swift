import HTTPServer
import Larder

extension API {
  /// The field of a recall's answer that says how many items it took back.
  package static let recalledField = "Larder-Recalled"

  /// `POST /v1/pools/{pool}/recall`
  func recall(
    _ call: APIRequest, pool: String, _ answer: @escaping Route.Answer
  ) throws(Problem) {
    try call.expectQuery()
    try call.expectBody("application/json")
    let recall = try Self.recall(call.body)
    try writeInSlices(of: Limits.recallSlice, answer) {
      (store, now, cursor, limit) throws(StoreError) in
      try store.recall(recall, in: pool, after: cursor, at: now, limit: limit)
    } then: { [self] (progress) throws(Problem) in
      if progress.done == 0, case .run(let run) = recall {
        try answerNothingRecalled(of: run, in: pool, answer)
      } else {
        try answerRecalled(progress.done, in: pool, answer)
      }
    }
  }

  private func answerRecalled(
    _ count: Int, in pool: String, _ answer: @escaping Route.Answer
  ) throws(Problem) {
    try answerLevel(of: pool, headers: [HTTPField(Self.recalledField, "\(count)")], answer)
  }

  /// A recall of a run that the pool never had is a slip, not a recall of nothing. Where there were
  /// items it does not matter whether the run's own row was purged.
  private func answerNothingRecalled(
    of run: String, in pool: String, _ answer: @escaping Route.Answer
  ) throws(Problem) {
    let accepted = readers.read { (store) throws(StoreError) in
      try store.run(run)?.pool == pool
    } _: { [self] result in
      do throws(Problem) {
        guard try result.mapError(Self.problem).get() else {
          throw Problem(.unknownRun, "\(pool) has no run \(run)")
        }
        try answerRecalled(0, in: pool, answer)
      } catch {
        answer(.failure(error))
      }
    }
    if !accepted { throw Self.busy("too many calls wait for the store") }
  }

  private static func recall(_ bytes: [UInt8]) throws(Problem) -> Recall {
    let body = try JSONBody(bytes, known: "run", "revision", "made_from", "made_to")
    let run = try body.string("run").map { Recall.run($0) }
    let revision = try body.string("revision").map { Recall.revision($0) }
    let ways = [run, revision, try made(body)].compactMap { $0 }
    guard ways.count == 1 else {
      throw Problem(
        .badRequest,
        "exactly one is needed: \"run\", \"revision\", or \"made_from\" and \"made_to\"")
    }
    return ways[0]
  }

  private static func made(_ body: JSONBody) throws(Problem) -> Recall? {
    switch (try body.instant("made_from"), try body.instant("made_to")) {
    case (nil, nil): return nil
    case (let from?, let to?) where from < to: return .made(from: from, to: to)
    case (_?, _?): throw Problem(.badRequest, "\"made_from\" must be before \"made_to\"")
    default: throw Problem(.badRequest, "\"made_from\" and \"made_to\" need each other")
    }
  }

  /// `POST /v1/purge`: all that is old enough, or with `limit` about so much of it.
  func purge(_ call: APIRequest, _ answer: @escaping Route.Answer) throws(Problem) {
    try call.expectQuery("limit")
    try call.expectBody("application/json")
    let body = try JSONBody(call.body, known: "older_than")
    guard let age = try body.duration("older_than") else {
      throw Problem(.badRequest, "\"older_than\" is missing")
    }
    let before = clock() - age
    try writeInSlices(
      of: Limits.purgeSlice, limit: call.limit(in: 1...Limits.poolMax) ?? .max, answer
    ) { (store, now, _, limit) throws(StoreError) in
      try store.purge(before: before, at: now, limit: limit)
    } then: { progress in
      answer(.success(Documents.deleted(progress)))
    }
  }
}
