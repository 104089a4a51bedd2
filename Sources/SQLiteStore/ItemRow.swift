import Larder

/// What items that come together share of their rows.
struct ItemRow: SharedColumns {
  var pool: String
  var state: ItemState
  var producedAt: Instant
  var run: String?
  var slice: Int?
  var revision: String?
  var isStale: Bool

  static let statement = """
    INSERT INTO items (id, key, made_for, payload, attributes, expires_at, shelf_order, line, pool,
      state, produced_at, run, slice, revision, stale, room)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, '\(Settlement.room)')
    """
  static let firstValue: Int32 = 9

  var values: [SQLValue] {
    [
      .text(pool), .text(state.rawValue), .instant(producedAt), .optional(run), .optional(slice),
      .optional(revision), .integer(isStale ? 1 : 0),
    ]
  }

  static func == (one: ItemRow, other: ItemRow) -> Bool {
    one.producedAt == other.producedAt && one.state == other.state && one.slice == other.slice
      && one.isStale == other.isStale && one.pool == other.pool && one.run == other.run
      && (one.revision ?? "").hasBytes(of: other.revision ?? "")
      && (one.revision == nil) == (other.revision == nil)
  }
}

extension RowWriter<ItemRow> {
  /// - Parameter line: the item's place in its slice; nil where it is of none.
  func insert(
    _ item: NewItem, id: String, order: Int64, line: Int?, _ shared: ItemRow
  ) throws(StoreError) {
    try write(shared) { statement in
      statement.bind(item.expiresAt?.milliseconds, at: 6)
      statement.bind(order, at: 7)
      statement.bind(line.map(Int64.init), at: 8)
      let texts = [id, item.key, item.user, item.payload, item.attributes]
      return statement.step(binding: texts[...], from: 1)
    }
  }
}
