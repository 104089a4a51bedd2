import Engine
import Larder
import Webhook

/// The pushing side of a server: what its store has to push goes out, and the log tells of trouble.
struct Webhooks {
  private let sender: WebhookSender

  init(_ writer: StoreWriter) {
    let outbox = WebhookSender.Outbox(
      due: { (now, limit, pools) throws(StoreError) in
        try writer.perform { (store, _) throws(StoreError) in
          try store.deliveries(at: now, limit: limit, without: pools)
        }
      },
      delivered: { (id) throws(StoreError) in
        try writer.perform { (store, _) throws(StoreError) in try store.delivered(id) }
      },
      failed: { (id, nextTryAt) throws(StoreError) in
        try writer.perform { (store, _) throws(StoreError) in
          try store.failedDelivery(id, nextTryAt: nextTryAt)
        }
      })
    let observer = WebhookSender.Observer(
      failed: { Log.setback($0) },
      dropped: { id, pool, claim in
        Log.line(
          "\(pool): push \(id) of claim \(claim) is dropped: the pool has no webhook any more")
      },
      trouble: { error in
        // The disk's own lines say so once; this comes with every try.
        if case .full = error { return }
        Log.line("webhooks: \(error)")
      })
    let sender = WebhookSender(outbox: outbox, observer: observer) { pool in
      // Where the store can't be asked it is stopping, and the push waits for the next start.
      try? writer.perform { (store, _) throws(StoreError) in store.webhook(of: pool) }
    }
    self.sender = sender
    writer.observeResolved { _ in sender.wake() }
  }

  func start() { sender.start() }

  /// Ends what is under way, which is tried again after the next start.
  func stop() { sender.stop() }
}
