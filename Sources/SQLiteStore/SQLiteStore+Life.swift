import Larder

// A stub until the store knows holds, backorders, recall and purge.
extension SQLiteStore {
  package func lapse(pool: String, at now: Instant, limit: Int) throws(StoreError) -> Int { 0 }
  package func forget(user: String, at now: Instant, limit: Int) throws(StoreError) -> Progress {
    throw .failed("stub")
  }
  package func recall(
    _ recall: Recall, in pool: String, after cursor: String?, at now: Instant, limit: Int
  ) throws(StoreError) -> Progress { throw .failed("stub") }
  package func purge(before: Instant, at now: Instant, limit: Int) throws(StoreError) -> Progress {
    throw .failed("stub")
  }
  package func takeResolved() -> [String] { [] }
  package func deliveries(
    at now: Instant, limit: Int
  ) throws(StoreError) -> (due: [Delivery], next: Instant?) { ([], nil) }
  package func delivered(_ id: String) throws(StoreError) {}
  package func failedDelivery(_ id: String, nextTryAt: Instant) throws(StoreError) {}
}
