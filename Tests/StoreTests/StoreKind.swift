import Larder
import Testing

/// A kind of store that the conformance suite runs against. Another one is an element more of
/// `all` and a type that conforms to `StoreFixture`.
struct StoreKind: Sendable, CustomTestStringConvertible {
  let name: String
  /// Makes a fresh, empty store.
  let open: @Sendable () throws -> any StoreFixture

  var testDescription: String { name }

  static let all = [StoreKind(name: "SQLite") { try SQLiteFixture() }]
}

/// A store of a test's own, gone when nobody refers to it any more.
protocol StoreFixture: AnyObject {
  /// The writing side.
  var store: any Store { get }
  /// A reading side beside it.
  var reader: any StoreReader { get }
  /// Another reading side, for a thread of its own.
  func anotherReader() throws -> any StoreReader
  /// Closes the store and opens it again.
  func reopen() throws
  /// Goes on with what a killed process leaves behind: nothing is closed or cleaned up.
  func crash() throws
  /// A store over the copy that `backup` wrote.
  func openBackup(_ path: String) throws -> any StoreFixture
  /// A path for a file of the test's own.
  func path(_ name: String) -> String
  /// The items of a pool by state, counted one by one, not read from the counts that are kept.
  func countedItems(_ pool: String) throws -> [ItemState: Int]
  /// The items on a pool's shelf with the stale mark, counted one by one.
  func countedStale(_ pool: String) throws -> Int
}
