import HTTPServer
import Larder

extension API {
  /// `GET /v1/runs`
  func listRuns(_ call: APIRequest, _ answer: @escaping Route.Answer) throws(Problem) {
    try readPage(call, "runs", answer) { (store, pool, cursor, limit) throws(StoreError) in
      try store.runs(pool: pool, before: cursor, limit: limit)
    } write: {
      Documents.write($0, &$1)
    }
  }

  /// `GET /v1/runs/{run}`
  func readRun(
    _ call: APIRequest, id: String, _ answer: @escaping Route.Answer
  ) throws(Problem) {
    try call.expectQuery()
    try read({ (store) throws(StoreError) in try store.run(id) }, answer) {
      (run) throws(Problem) in
      guard let run else { throw Problem(.unknownRun, "there is no run \(id)") }
      return Documents.json(200) { Documents.write(run, &$0) }
    }
  }

  /// `POST /v1/pools/{pool}/runs`
  func startRun(
    _ call: APIRequest, pool: String, _ answer: @escaping Route.Answer
  ) throws(Problem) {
    try call.expectQuery()
    try call.expectBody("application/json")
    var count: Int?
    if !call.body.isEmpty {
      count = try JSONBody(call.body, known: "count").integer("count", in: 1...Limits.poolMax)
    }
    guard let engine else { throw Self.readOnly }
    engine.request(pool, count: count) { result in
      answer(
        result.map { run in
          Documents.json(202, location: "/v1/runs/\(run.id)") {
            Documents.write(run, &$0)
          }
        })
    }
  }

  /// `GET /metrics`
  func readMetrics(_ answer: @escaping Route.Answer) throws(Problem) {
    try readLevels(nil, answer) { [metrics] levels, disk, _ in
      HTTPResponse(
        status: 200, contentType: "text/plain; version=0.0.4; charset=utf-8",
        text: metrics.text(levels, disk))
    }
  }
}
