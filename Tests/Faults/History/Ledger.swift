import Foundation

/// What test producers wrote down, and synced, of each time that they were started: what they were
/// asked, what they printed, and, before they ended with 0, that they were done.
package struct Ledger: Sendable {
  package struct Line: Hashable, Sendable {
    package var key: String?
    package var payload: String

    package init(key: String? = nil, payload: String) {
      self.key = key
      self.payload = payload
    }
  }

  /// One try of a slice.
  package struct Entry: Sendable {
    package var pool: String
    package var run: String
    package var slice: Int
    package var count: Int
    package var cursor: String
    /// What tells this try from others of the slice.
    package var attempt: String
    package var lines: [Line]
    /// The cursor that it printed.
    package var next: String?
    package var isDone: Bool

    package init(
      pool: String, run: String, slice: Int, count: Int, cursor: String = "", attempt: String,
      lines: [Line], next: String? = nil, isDone: Bool
    ) {
      self.pool = pool
      self.run = run
      self.slice = slice
      self.count = count
      self.cursor = cursor
      self.attempt = attempt
      self.lines = lines
      self.next = next
      self.isDone = isDone
    }
  }

  package var entries: [Entry]

  package init(_ entries: [Entry] = []) { self.entries = entries }

  /// Reads the files that producers left in a folder, one a try. Their first line has what was
  /// asked, the cursor last, and `done` is a line of its own.
  package init(folder: String) throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    entries = try names.compactMap { name in
      // It may go while it is listed: a producer that was killed before its first line.
      guard let data = FileManager.default.contents(atPath: "\(folder)/\(name)") else {
        return nil
      }
      return try Self.entry([UInt8](data), name: name)
    }
  }

  package struct Unreadable: Error, CustomStringConvertible {
    package let description: String
  }

  private static func entry(_ bytes: [UInt8], name: String) throws -> Entry? {
    // The last line may be a part of one.
    var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    lines.removeLast()
    guard let first = lines.first else { return nil }
    let words = String(decoding: first, as: UTF8.self)
      .split(separator: " ", omittingEmptySubsequences: false).map(String.init)
    guard words.count == 6, let slice = Int(words[2]), let count = Int(words[3]) else {
      throw Unreadable(description: "\(name): \(words)")
    }
    var entry = Entry(
      pool: words[0], run: words[1], slice: slice, count: count, cursor: words[5],
      attempt: words[4], lines: [], isDone: false)
    for line in lines.dropFirst() {
      if line.elementsEqual("done".utf8) {
        entry.isDone = true
        continue
      }
      let value = JSONText(line)
      if let payload = value["payload"] {
        entry.lines.append(Line(key: value["key"]?.string, payload: payload.text))
      } else if let cursor = value["cursor"]?.string {
        entry.next = cursor
      }
    }
    return entry
  }
}
