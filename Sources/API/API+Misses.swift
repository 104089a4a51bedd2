import HTTPServer
import Larder

extension API {
  /// `GET /v1/pools/{pool}/misses`, oldest first.
  func readMisses(
    _ call: APIRequest, pool: String, _ answer: @escaping Route.Answer
  ) throws(Problem) {
    try readBins(call, of: pool, answer) { (store, pool, start, end, most) throws(StoreError) in
      try store.misses(of: pool.name, from: start, before: end, limit: most)
    } respond: { bins, limit in
      let next = bins.count > limit ? bins[limit].start : nil
      return Documents.json(200) { json in
        json.object { json in
          json.member("pool", pool)
          json.array("bins") { json in
            for bin in bins.prefix(limit) { Documents.write(bin, &json) }
          }
          json.member("cursor", APIRequest.text(cursor: next?.milliseconds))
        }
      }
    }
  }
}

extension Documents {
  fileprivate static func write(_ bin: MissBin, _ json: inout JSONWriter) {
    json.object { json in
      json.member("start", bin.start)
      json.member("misses", bin.reasons.values.reduce(0, +))
      json.name("reasons")
      json.object { json in
        for reason in MissReason.allCases {
          if let misses = bin.reasons[reason] {
            json.member(text: reason.rawValue, raw: "\(misses)")
          }
        }
      }
    }
  }
}
