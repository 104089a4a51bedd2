import Larder

@testable import Producer

/// What a slice of the bytes gives.
private struct Reading: Equatable {
  var items: [NewItem]
  var cursor: String?
  var overfill: Int
  var end: SliceEnd?

  /// - Parameter size: how many bytes come at once.
  init(_ bytes: [UInt8], _ format: ProducerSpec.Output, count: Int, inPiecesOf size: Int) {
    var parser = SliceParser(format: format, count: count)
    for start in stride(from: 0, to: bytes.count, by: size) where end == nil {
      end = bytes[start..<min(start + size, bytes.count)].withUnsafeBytes { parser.feed($0) }
    }
    if end == nil { end = parser.finish() }
    items = parser.items
    cursor = parser.cursor
    overfill = parser.overfill
  }
}

func checkProducer(_ bytes: [UInt8]) throws(Broken) {
  for format in [ProducerSpec.Output.jsonl, .lines] {
    for count in [2, 1000] {
      let whole = Reading(bytes, format, count: count, inPiecesOf: max(bytes.count, 1))
      try require(whole.items.count <= count, "more items than asked for")
      for size in [1, 7] {
        let pieces = Reading(bytes, format, count: count, inPiecesOf: size)
        try require(pieces == whole, "pieces of \(size) bytes give another slice")
      }
      for item in whole.items { try check(item) }
      if case .brokenLine(_, let why) = whole.end {
        try require(!why.isEmpty && why.utf8.count <= 302, "the reason is \(why.utf8.count) long")
      }
    }
  }
}

/// An item must come back from a line that says the same.
private func check(_ item: NewItem) throws(Broken) {
  let line = JSONWriter.text { json in
    json.object {
      $0.member("payload", raw: item.payload)
      if let key = item.key { $0.member("key", key) }
      if let user = item.user { $0.member("user", user) }
      if let attributes = item.attributes { $0.member("attributes", raw: attributes) }
      if let expiry = item.expiresAt { $0.member("expires_at", expiry) }
    }
  }
  var expected = item
  // Beyond the years that can be written, the nearest time is.
  expected.expiresAt = item.expiresAt.map { RFC3339.parse(RFC3339.format($0)) ?? $0 }
  let again = line.withUnsafeBufferPointer { try? ProducerLine(json: $0) }
  try require(again == .item(expected), "the item's own line is read as another")
}
