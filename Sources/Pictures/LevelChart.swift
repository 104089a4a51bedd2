/// What the shelves of some pools hold now, and what was asked of them by the hour: a panel each.
package struct LevelChart: Sendable, Equatable {
  package struct Hour: Sendable, Equatable {
    /// As far as they were counted.
    package var requests = 0
    /// Requests among these that found too few items.
    package var misses = 0
    /// Items that nobody used.
    package var wasted = 0
    /// Whether somebody counted all the time.
    package var isKnown = true

    package init() {}
  }

  package struct Panel: Sendable, Equatable {
    package var pool: String
    /// Rates and times, in one line.
    package var note: String
    /// What is the matter with the pool, in one line; and whether that is a warning.
    package var reason: String
    package var isWarning: Bool
    package var available: Int
    package var inFlight: Int
    /// Nil where runs fill up to no level.
    package var target: Int?
    /// 0: the pool is not refilled at a level.
    package var reorderAt: Int
    package var max: Int
    /// One after another, from the chart's first hour on.
    package var hours: [Hour]

    package init(
      pool: String, note: String, reason: String, isWarning: Bool, available: Int, inFlight: Int,
      target: Int?, reorderAt: Int, max: Int, hours: [Hour]
    ) {
      self.pool = pool
      self.note = note
      self.reason = reason
      self.isWarning = isWarning
      self.available = available
      self.inFlight = inFlight
      self.target = target
      self.reorderAt = reorderAt
      self.max = max
      self.hours = hours
    }
  }

  package var title: String
  /// The first hour of the panels, from the epoch on.
  package var firstHour: Int
  package var panels: [Panel]

  package init(title: String, firstHour: Int, panels: [Panel]) {
    self.title = title
    self.firstHour = firstHour
    self.panels = panels
  }

  /// The picture as an SVG document.
  package var svg: String {
    var drawing = LevelDrawing(self)
    drawing.draw()
    return drawing.svg.text
  }
}
