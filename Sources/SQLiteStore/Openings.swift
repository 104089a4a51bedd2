import Larder

/// What pending claims may get from now on that they could not get before.
struct Openings {
  /// The attributes of each item that came for anybody.
  private(set) var items: [Attributes?] = []
  /// The users for whom items came.
  private(set) var users: [String] = []
  /// Lines whose first claim left without items, so that those behind it may get theirs.
  private(set) var lines: [Line] = []

  var isEmpty: Bool { items.isEmpty && users.isEmpty && lines.isEmpty }

  /// An item that came to the shelf.
  mutating func add(attributes: String?, madeFor user: String?) {
    guard let user else {
      items.append(attributes.flatMap { Attributes($0) })
      return
    }
    // Users are told apart by their bytes, which comparing strings does not.
    if !users.contains(where: { $0.hasBytes(of: user) }) { users.append(user) }
  }

  mutating func add(_ line: Line) {
    lines.append(line)
  }

  /// The matches of one name that an item which came may satisfy.
  var heads: [String] {
    var seen: Set<[UInt8]> = []
    var heads: [String] = []
    for attributes in items {
      for (name, value) in attributes?.all ?? [] {
        let head = Match([name: value]).text
        if seen.insert(Array(head.utf8)).inserted { heads.append(head) }
      }
    }
    return heads
  }

  /// Whether an item came that the match may want.
  func satisfies(_ match: Match) -> Bool {
    items.contains { $0?.satisfies(match) ?? false }
  }
}
