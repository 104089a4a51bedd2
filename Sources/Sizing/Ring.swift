/// The newest elements of a series whose places are numbered one after another.
struct Ring<Element: Sendable & Equatable>: Sendable, Equatable {
  private let capacity: Int
  /// The place of the first element that there ever was.
  private let origin: Int
  private var elements: [Element] = []
  /// The place after the newest element.
  private(set) var end: Int

  init(capacity: Int, start: Int) {
    self.capacity = capacity
    origin = start
    end = start
  }

  /// The place of the oldest element that is kept.
  var start: Int { end - elements.count }

  /// The element at a place; nil where none was, or where it is gone by now.
  subscript(place: Int) -> Element? {
    place >= start && place < end ? elements[slot(place)] : nil
  }

  mutating func append(_ element: Element) {
    if elements.count < capacity {
      elements.append(element)
    } else {
      elements[slot(end)] = element
    }
    end += 1
  }

  /// Changes an element that is kept, and does nothing where it is gone.
  mutating func update(_ place: Int, _ change: (inout Element) -> Void) {
    if place >= start, place < end { change(&elements[slot(place)]) }
  }

  private func slot(_ place: Int) -> Int { (place - origin) % capacity }

  /// Equal where they keep the same, wherever that lies in memory.
  static func == (left: Ring, right: Ring) -> Bool {
    left.end == right.end && left.elements.count == right.elements.count
      && (left.start..<left.end).allSatisfy { left[$0] == right[$0] }
  }
}
