import Larder

extension SQLiteStore {
  package func markStale(in pool: String, at now: Instant, limit: Int) throws(StoreError) -> Int {
    0
  }
}
