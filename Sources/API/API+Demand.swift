import Engine
import HTTPServer
import Larder
import Sizing

extension API {
  /// `GET /v1/pools/{pool}/demand`, oldest first.
  func readDemand(
    _ call: APIRequest, pool: String, _ answer: @escaping Route.Answer
  ) throws(Problem) {
    try readBins(call, of: pool, answer) { (store, pool, start, end, most) throws(StoreError) in
      let record = try store.demand(of: pool.name, from: start, before: end, limit: most)
      return (record, pool.demand.excluded.filter { $0.overlaps(start..<max(start, end)) })
    } respond: { found, limit in
      let (record, excluded) = found
      let next = record.bins.count > limit ? record.bins[limit].start : nil
      return Documents.json(200) {
        Documents.write(record, excluded, of: pool, limit: limit, next: next, &$0)
      }
    }
  }

  /// Reads bins of a pool from one instant on and before another, page by page.
  ///
  /// - Parameters:
  ///   - find: reads so many bins at most, one more than the page may have: the next page's first.
  ///   - respond: makes the answer, of so many bins at most.
  func readBins<Found: Sendable>(
    _ call: APIRequest, of pool: String, _ answer: @escaping Route.Answer,
    _ find:
      @escaping @Sendable (any StoreReader, Pool, Instant, Instant, Int) throws(StoreError) -> Found,
    respond: @escaping @Sendable (Found, Int) -> HTTPResponse
  ) throws(Problem) {
    try call.expectQuery("from", "to", "cursor", "limit")
    let (limit, cursor) = try call.page()
    let from = try call.instant("from") ?? Instant(milliseconds: 0)
    let start = cursor.map { Instant(milliseconds: $0) } ?? from
    let now = clock()
    // Of what is to come nothing is known.
    let present = now + .milliseconds(1)
    let end = min(try call.instant("to") ?? present, present)
    try read(
      { (store) throws(StoreError) in
        guard let status = try store.pools([pool], at: now).first else { throw .unknownPool(pool) }
        return try find(store, status.pool, start, end, limit + 1)
      }, answer
    ) { respond($0, limit) }
  }

  /// `POST /v1/pools/{pool}/demand`
  func importDemand(
    _ call: APIRequest, pool: String, _ answer: @escaping Route.Answer
  ) throws(Problem) {
    try call.expectQuery()
    try call.expectBody("text/csv")
    let now = clock()
    let accepted = readers.read { (_) throws(StoreError) in
      Result { () throws(Problem) in try Self.demand(call.body, at: now) }
    } _: { [self] read in
      do throws(Problem) {
        try importDemand(try read.mapError(Self.problem).get().get(), in: pool, answer)
      } catch {
        answer(.failure(error))
      }
    }
    if !accepted { throw Self.busy("too many calls wait for the store") }
  }

  private func importDemand(
    _ series: DemandSeries, in pool: String, _ answer: @escaping Route.Answer
  ) throws(Problem) {
    try write(
      { (store, now) throws(StoreError) in
        try store.importDemand(series, in: pool, at: now)
      }, answer
    ) { result in
      Documents.json(200) { json in
        json.object {
          $0.member("bins", result.bins)
          $0.member("requests", result.requests)
          $0.member("kept", result.kept)
        }
      }
    }
  }

  private static func demand(
    _ body: [UInt8], at now: Instant
  ) throws(Problem) -> DemandSeries {
    let series: DemandSeries
    do throws(DemandFile.Malformed) {
      series = try DemandFile.read(body, singleRow: Demand.bin)
    } catch {
      let place = error.line > 0 ? "line \(error.line): " : ""
      throw Problem(.badRequest, "\(place)\(error.message); nothing was kept")
    }
    guard series.requests.count <= Limits.importedBins else {
      throw Problem(
        .tooLarge,
        "more than \(Limits.importedBins) times 5 minutes: send them in several requests")
    }
    guard series.end <= now.bin + 1 else {
      throw Problem(
        .badRequest,
        "the rows go on until \(RFC3339.format(Instant(bin: series.end))), which is to come: leave "
          + "out what is not over yet; nothing was kept")
    }
    return series
  }
}

extension APIRequest {
  /// A query parameter that is a time.
  func instant(_ name: String) throws(Problem) -> Instant? {
    guard let text = parameter(name) else { return nil }
    guard let instant = RFC3339.parse(text) else {
      throw Problem(.badRequest, "\(name) must be a time such as 2026-11-24T20:00:00Z")
    }
    return instant
  }
}

extension JSONWriter {
  /// A list of objects with `from` and `to`.
  package mutating func spans(_ name: StaticString, _ spans: [Range<Instant>]) {
    array(name) { json in
      for span in spans {
        json.object {
          $0.member("from", span.lowerBound)
          $0.member("to", span.upperBound)
        }
      }
    }
  }
}

extension Documents {
  fileprivate static func write(
    _ record: DemandRecord, _ excluded: [Range<Instant>], of pool: String, limit: Int,
    next: Instant?, _ json: inout JSONWriter
  ) {
    json.object { json in
      json.member("pool", pool)
      json.array("bins") { json in
        for bin in record.bins.prefix(limit) {
          json.object {
            $0.member("start", bin.start)
            $0.member("requests", bin.demand.requests)
            $0.member("hits", bin.demand.hits)
            $0.member("misses", bin.demand.misses)
            $0.member("claimed", bin.demand.claimed)
            $0.member("missed", bin.demand.missed)
            $0.member("wasted", bin.demand.wasted)
          }
        }
      }
      // A gap that goes on behind this page is the next one's too.
      let end = next ?? Instant(milliseconds: .max)
      json.spans(
        "gaps",
        record.gaps.filter { $0.lowerBound < end }.map { $0.lowerBound..<min($0.upperBound, end) })
      json.spans("excluded", excluded)
      json.member("cursor", APIRequest.text(cursor: next?.milliseconds))
    }
  }
}
