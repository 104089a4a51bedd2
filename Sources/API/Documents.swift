import HTTPServer
import Larder

/// The bodies that the API answers with.
enum Documents {
  /// - Parameter room: how long the body should be at most.
  static func json(
    _ status: Int, location: String? = nil, headers: [HTTPField] = [], room: Int = 512,
    _ body: (inout JSONWriter) -> Void
  ) -> HTTPResponse {
    var fields = location.map { [isJSON, HTTPField("Location", $0)] } ?? [isJSON]
    if !headers.isEmpty { fields += headers }
    return HTTPResponse(status: status, headers: fields, body: JSONWriter.text(room: room, body))
  }

  private static var isJSON: HTTPField { HTTPField("Content-Type", "application/json") }

  /// What a bounded piece of deleting did.
  static func deleted(_ progress: Piece) -> HTTPResponse {
    json(200) { json in
      json.object {
        $0.member("deleted", progress.done)
        $0.member("more", progress.more)
      }
    }
  }

  static func write(_ item: ItemStatus, _ json: inout JSONWriter) {
    json.object {
      $0.member("key", item.key)
      $0.member("state", item.state.rawValue)
      $0.member("claim", item.claim)
      $0.member("user", item.user)
      $0.member("expires_at", item.expiresAt)
    }
  }

  static func write(_ status: PoolStatus, at now: Instant, _ json: inout JSONWriter) {
    let stock = status.stock
    json.object {
      $0.member("pool", status.pool.name)
      $0.member("available", stock.available)
      $0.member("held", stock.held)
      $0.member("claimed", stock.claimed)
      $0.member("expired", stock.expired)
      $0.member("recalled", stock.recalled)
      $0.member("quarantined", stock.quarantined)
      $0.member("replaced", stock.replaced)
      $0.member("produced", stock.produced)
      $0.member("in_flight", status.inFlight)
      $0.member("pending", stock.pending)
      $0.member("target", status.target)
      $0.member("reorder_at", status.pool.stock.reorderAt)
      $0.member("max", status.pool.stock.max)
      $0.member("oldest_expiry_at", stock.nextExpiry)
      $0.member("next_run_at", status.nextFire(after: now))
      $0.name("last_run")
      if let run = status.lastRun { write(run, &$0) } else { $0.raw("null") }
      $0.member("hit_rate_24h", status.demand.hitRate)
      $0.member("waste_rate_24h", status.demand.wasteRate)
      $0.name("waste_24h")
      write(status.demand.wasted, itemCost: status.pool.stock.costs.waste, &$0)
      $0.member(
        "cover_seconds",
        status.demand.cover(of: stock.available, at: now).map { Int($0.components.seconds) })
      $0.member("paused", status.paused)
      $0.member("retired", status.retired)
      $0.array("reasons") { json in status.reasons(at: now).forEach { json.string($0) } }
      $0.array("warnings") { json in status.warnings(at: now).forEach { json.string($0) } }
    }
  }

  static func write(_ run: Run, _ json: inout JSONWriter) {
    json.object {
      $0.member("run", run.id)
      $0.member("pool", run.pool)
      $0.member("schedule", run.schedule)
      $0.member("nominal_at", run.nominalAt)
      $0.member("reason", run.reason.rawValue)
      $0.member("state", run.state.rawValue)
      $0.member("asked", run.asked)
      $0.member("stored", run.stored)
      $0.member("started_at", run.startedAt)
      $0.member("ended_at", run.endedAt)
      $0.member("why", run.why)
      $0.array("slices") { json in run.slices.forEach { write($0, &json) } }
      if let log = run.log { $0.member("log", log) }
    }
  }

  private static func write(_ slice: Slice, _ json: inout JSONWriter) {
    json.object {
      $0.member("slice", slice.number)
      $0.member("state", slice.state.rawValue)
      $0.member("asked", slice.asked)
      $0.member("stored", slice.stored)
      $0.member("duplicates", slice.duplicates)
      $0.member("overfill", slice.overfill)
      $0.member("recalled", slice.recalled)
      $0.member("attempts", slice.attempts)
      $0.member("started_at", slice.startedAt)
      $0.member("ended_at", slice.endedAt)
      $0.member("why", slice.why)
    }
  }

  /// Problem details (RFC 9457).
  static func problem(_ problem: Problem, status: Int? = nil) -> HTTPResponse {
    var headers = [HTTPField("Content-Type", "application/problem+json")]
    if let retryAfter = problem.retryAfter {
      headers.append(HTTPField("Retry-After", "\(seconds(retryAfter))"))
    }
    let status = status ?? problem.word.status
    let body = JSONWriter.text { json in
      json.object {
        $0.member("type", "urn:larder:\(problem.word.rawValue)")
        $0.member("title", problem.word.title)
        $0.member("status", status)
        $0.member("detail", problem.detail)
      }
    }
    return HTTPResponse(status: status, headers: headers, body: body)
  }

  /// Whole seconds, rounded up, at least one.
  private static func seconds(_ span: Duration) -> Int64 {
    max(1, (span.inMilliseconds + 999) / 1000)
  }
}
