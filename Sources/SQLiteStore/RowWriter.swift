import Larder

/// What a row has that mostly comes again in the next one.
protocol SharedColumns: Equatable {
  /// A statement whose last parameters are `values`.
  static var statement: String { get }
  /// The number of the first of `values` among its parameters.
  static var firstValue: Int32 { get }
  var values: [SQLValue] { get }
}

/// Writes rows of which most columns are those of the row before: what is the same stays bound, and
/// the rest is not copied.
final class RowWriter<Shared: SharedColumns> {
  private let connection: Connection
  private let statement: Statement
  /// What is bound to it.
  private var bound: Shared?

  init(_ connection: Connection) throws(StoreError) {
    self.connection = connection
    statement = try connection.prepare(Shared.statement)
  }

  /// - Parameter own: binds what the row has of its own, in place, and steps.
  func write(_ shared: Shared, _ own: (Statement) -> Int32) throws(StoreError) {
    try connection.perform { () throws(SQLiteFailure) in
      if bound != shared { try bind(shared) }
      try statement.check(own(statement))
    }
  }

  private func bind(_ shared: Shared) throws(SQLiteFailure) {
    bound = nil
    for (index, value) in shared.values.enumerated() {
      try statement.bind(value, Int32(index) + Shared.firstValue)
    }
    bound = shared
  }
}
