import Larder

/// What one slice of a run asks of its producer. Run, slice, count and cursor together are the
/// supplier's idempotency key: a slice that is tried again has the same ones.
package struct SliceRequest: Sendable, Hashable {
  /// The pool's name.
  package var pool: String
  /// The run's id, by which everything that the producer starts is known.
  package var run: String
  /// 1, 2, … in the run.
  package var slice: Int
  /// Items wanted, 1 or more.
  package var count: Int
  /// What the last slice of this run left, empty at first.
  package var cursor: String

  package init(pool: String, run: String, slice: Int, count: Int, cursor: String) {
    self.pool = pool
    self.run = run
    self.slice = slice
    self.count = count
    self.cursor = cursor
  }

  /// The line that the producer gets on its standard input.
  var line: [UInt8] {
    let object = JSONWriter.text { writer in
      writer.object {
        $0.member("pool", pool)
        $0.member("run", run)
        $0.member("slice", slice)
        $0.member("count", count)
        $0.member("cursor", cursor)
      }
    }
    return object + [UInt8(ascii: "\n")]
  }

  /// The same as environment variables.
  var environment: [String: String] {
    [
      "LARDER_POOL": pool, Self.runVariable: run, "LARDER_SLICE": "\(slice)",
      "LARDER_COUNT": "\(count)", "LARDER_CURSOR": cursor,
    ]
  }

  /// The variable by which the processes of a run are found again.
  static let runVariable = "LARDER_RUN"
}
