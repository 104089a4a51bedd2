import Sizing

/// A pool over some time: demand with what was expected of it, the stock, misses and waste.
package struct StockChart: Sendable, Equatable {
  /// A stretch of time of the picture. What is nil is not drawn.
  package struct Column: Sendable, Equatable {
    /// Requests an hour.
    package var demand: Double?
    /// The forecast of that, and where it is 8 times out of 10.
    package var expected: Double?
    package var likely: ClosedRange<Double>?
    /// Items on the shelf.
    package var stock: Double?
    /// What orders fill up to.
    package var target: Double?
    package var missed: Int
    package var wasted: Int

    package init(
      demand: Double? = nil, expected: Double? = nil, likely: ClosedRange<Double>? = nil,
      stock: Double? = nil, target: Double? = nil, missed: Int = 0, wasted: Int = 0
    ) {
      self.demand = demand
      self.expected = expected
      self.likely = likely
      self.stock = stock
      self.target = target
      self.missed = missed
      self.wasted = wasted
    }
  }

  package var title: String
  /// A line below the title.
  package var note: String
  /// The bin at which the first column begins.
  package var start: Int
  package var binsPerColumn: Int
  package var columns: [Column]
  /// A bin that is marked as the present.
  package var now: Int?

  package init(
    title: String, note: String, start: Int, binsPerColumn: Int, columns: [Column], now: Int? = nil
  ) {
    self.title = title
    self.note = note
    self.start = start
    self.binsPerColumn = max(1, binsPerColumn)
    self.columns = columns
    self.now = now
  }

  /// The picture as an SVG document.
  package var svg: String {
    var drawing = StockDrawing(self)
    drawing.draw()
    return drawing.svg.text
  }
}
