import Engine
import Larder
import Webhook

/// A store's pushes in memory, as the contract has them.
final class FakeOutbox: Sendable {
  struct Row: Sendable {
    var delivery: Delivery
    var nextTryAt = Instant(milliseconds: 0)
  }

  struct State: Sendable {
    /// In the order in which they came.
    var rows: [Row] = []
    var delivered: [String] = []
    var failed: [(id: String, nextTryAt: Instant)] = []
    /// How often it was asked for what is due.
    var asks = 0
    /// Calls that are refused from now on.
    var refusals = 0

    mutating func refuse() throws(StoreError) {
      guard refusals > 0 else { return }
      refusals -= 1
      throw .failed("no")
    }
  }

  let state: Mailbox<State>

  init(_ deliveries: [Delivery] = []) {
    state = Mailbox(State(rows: deliveries.map { Row(delivery: $0) }))
  }

  func add(_ delivery: Delivery) {
    state.change { $0.rows.append(Row(delivery: delivery)) }
  }

  /// Whether the condition holds within a minute.
  func wait(_ condition: (State) -> Bool) -> Bool {
    state.take(within: patience) { condition($0) ? true : nil } ?? false
  }

  var outbox: WebhookSender.Outbox {
    WebhookSender.Outbox { [state] now, limit, without throws(StoreError) in
      try Self.call(state) { state throws(StoreError) in
        state.asks += 1
        try state.refuse()
        var claims: Set<String> = []
        let firsts = state.rows.filter { claims.insert($0.delivery.claim).inserted }
        let due = firsts.filter { $0.nextTryAt <= now && !without.contains($0.delivery.pool) }
        return (
          Array(due.map(\.delivery).prefix(limit)),
          firsts.map(\.nextTryAt).filter { $0 > now }.min()
        )
      }
    } delivered: { [state] id throws(StoreError) in
      try Self.call(state) { state throws(StoreError) in
        try state.refuse()
        state.rows.removeAll { $0.delivery.id == id }
        state.delivered.append(id)
      }
    } failed: { [state] id, nextTryAt throws(StoreError) in
      try Self.call(state) { state throws(StoreError) in
        try state.refuse()
        for index in state.rows.indices where state.rows[index].delivery.id == id {
          state.rows[index].nextTryAt = nextTryAt
          state.rows[index].delivery.attempts += 1
        }
        state.failed.append((id, nextTryAt))
      }
    }
  }

  private static func call<Value: Sendable>(
    _ mailbox: Mailbox<State>, _ body: (inout State) throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    let result = mailbox.change { state -> Result<Value, StoreError> in
      do throws(StoreError) {
        return .success(try body(&state))
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }
}

/// A sender over a fake outbox, with a clock that is set.
final class Bench: Sendable {
  let outbox: FakeOutbox
  let sender: WebhookSender
  let setbacks = Mailbox<[WebhookSetback]>([])
  let dropped = Mailbox<[String]>([])
  let troubles = Mailbox(0)
  private let time = Mailbox(Bench.start)
  static let start = Instant(seconds: 1_700_000_000)

  /// Starts to send.
  init(
    _ outbox: FakeOutbox, bounds: WebhookPoster.Bounds = Bench.patient,
    webhook: @escaping @Sendable (String) -> WebhookSpec?
  ) {
    self.outbox = outbox
    sender = WebhookSender(
      outbox: outbox.outbox, bounds: bounds, clock: { [time] in time.change { $0 } },
      observer: WebhookSender.Observer(
        failed: { [setbacks] setback in setbacks.change { $0.append(setback) } },
        dropped: { [dropped] id, _, _ in dropped.change { $0.append(id) } },
        trouble: { [troubles] _ in troubles.change { $0 += 1 } }),
      webhook: webhook)
    sender.start()
  }

  /// Bounds that no test reaches.
  static var patient: WebhookPoster.Bounds {
    var bounds = WebhookPoster.Bounds()
    bounds.connect = .seconds(600)
    bounds.total = .seconds(600)
    return bounds
  }

  /// Sets the clock forward, without a word to the sender.
  func advance(_ span: Duration) {
    time.change { $0 = $0 + span }
  }

  /// Sets the clock to after every wait.
  func skipWaits() {
    advance(Limits.webhookLongestWait)
    sender.wake()
  }
}
