import Engine
import Foundation
import HTTPServer
import Larder

@testable import API

/// The API over a store in memory.
final class Bench: Sendable {
  let memory = MemoryStore()
  let writer: StoreWriter
  let readers: StoreReaders
  let api: API

  init(readerThreads: Int = 2) throws {
    writer = StoreWriter(store: MemoryWriter(memory), clock: { noon }) { _ in }
    readers = try StoreReaders(count: readerThreads) { [memory] () throws(StoreError) in
      MemoryReader(memory)
    }
    api = API(writer: writer, readers: readers, engine: nil, clock: { noon })
  }

  deinit {
    api.close()
    readers.stop()
    writer.stop()
  }

  /// Starts a call; the box gets its answer.
  func begin(
    _ method: String, _ path: String, query: [(String, String)] = [], _ body: String = "",
    key: String? = nil
  ) -> Mailbox<HTTPResponse?> {
    var request = APIRequest(method, path.split(separator: "/").map(String.init))
    request.query = query.map { ($0.0, $0.1) }
    request.body = Array(body.utf8)
    request.idempotencyKeys = key.map { [$0] } ?? []
    let box = Mailbox<HTTPResponse?>(nil)
    api.handle(request) { response in box.change { $0 = response } }
    return box
  }

  /// Makes a call and waits for its answer.
  func call(
    _ method: String, _ path: String, query: [(String, String)] = [], _ body: String = "",
    key: String? = nil
  ) -> HTTPResponse {
    begin(method, path, query: query, body, key: key).answer
  }

  func claim(_ more: String = "", user: String = "u", key: String? = nil) -> HTTPResponse {
    call(
      "POST", "v1/pools/p/claims", #"{"user": "\#(user)"\#(more.isEmpty ? "" : ", " + more)}"#,
      key: key)
  }

  /// A new pending claim's id.
  func backorder(user: String = "u") -> String {
    memory.change { $0.available = 0 }
    return claim(#""on_miss": "backorder""#, user: user).text("claim")
  }

  /// Fills all backorders in one transaction.
  func fill() {
    let done = Mailbox(false)
    _ = writer.submit { (store, now) throws(StoreError) in
      _ = try store.put([], in: "p", at: now)
    } _: { _ in
      done.change { $0 = true }
    }
    done.take { $0 ? () : nil }
  }

  /// Begins to wait for a claim.
  func wait(for claim: String, _ span: String = "60s") -> Mailbox<HTTPResponse?> {
    begin("GET", "v1/claims/\(claim)", query: [("wait", span)])
  }

  /// The orders that reached the store.
  var orders: [ClaimOrder] { memory.change { $0.orders } }
}

extension Mailbox<HTTPResponse?> {
  /// The answer, as soon as it is there. None within a minute is an answer that no test expects.
  var answer: HTTPResponse {
    take(within: .seconds(60)) { $0 } ?? HTTPResponse(status: 599)
  }

  var isAnswered: Bool { change { $0 != nil } }
}

extension HTTPResponse {
  var json: [String: Any] {
    (try? JSONSerialization.jsonObject(with: Data(body))) as? [String: Any] ?? [:]
  }

  /// A string of the body; empty without one.
  func text(_ name: String) -> String { json[name] as? String ?? "" }

  func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }

  /// A problem's word.
  var word: String { String(text("type").dropFirst("urn:larder:".count)) }
}

/// Looks again and again until it holds; false if it does not within a minute.
func eventually(_ holds: () -> Bool) -> Bool {
  let end = ContinuousClock.now + .seconds(60)
  while ContinuousClock.now < end {
    if holds() { return true }
    usleep(1000)
  }
  return false
}
