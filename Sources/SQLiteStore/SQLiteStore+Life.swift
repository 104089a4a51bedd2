import Larder

// A stub until the store knows how to forget, recall and purge.
extension SQLiteStore {
  package func forget(user: String, at now: Instant, limit: Int) throws(StoreError) -> Progress {
    throw .failed("stub")
  }
  package func recall(
    _ recall: Recall, in pool: String, at now: Instant, limit: Int
  ) throws(StoreError) -> Progress { throw .failed("stub") }
  package func purge(before: Instant, at now: Instant, limit: Int) throws(StoreError) -> Progress {
    throw .failed("stub")
  }
}
