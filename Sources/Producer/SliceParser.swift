import Glibc
import Larder

/// Reads a producer's output as it comes.
struct SliceParser {
  /// Member names may stand in it, and they may be long.
  private static let reasonBytes = 300

  private let format: ProducerSpec.Output
  private let count: Int
  /// The line that has no newline yet.
  private var rest: [UInt8] = []
  private var lines = 0
  private var bytes = 0

  private(set) var items: [NewItem] = []
  private(set) var cursor: String?
  private(set) var overfill = 0

  /// - Parameter count: items kept; those beyond are only counted.
  init(format: ProducerSpec.Output, count: Int) {
    self.format = format
    self.count = count
  }

  /// Takes what was printed next. A reason to end the slice is final: nothing may follow it.
  mutating func feed(_ printed: UnsafeRawBufferPointer) -> SliceEnd? {
    bytes += printed.count
    guard bytes <= Limits.sliceBytes else { return .tooMuchOutput }
    var printed = printed.bindMemory(to: UInt8.self)[...]
    while let newline = Self.newline(in: printed) {
      let piece = UnsafeBufferPointer(rebasing: printed[..<newline])
      printed = printed[(newline + 1)...]
      let end: SliceEnd?
      if rest.isEmpty {
        end = take(piece)
      } else {
        rest.append(contentsOf: piece)
        end = takeRest()
      }
      if let end { return end }
    }
    rest.append(contentsOf: printed)
    // Not only once it is whole: a line without an end must not fill the memory.
    return rest.count > Limits.lineBytes ? tooLong(line: lines + 1) : nil
  }

  /// Takes a last line without a newline, once there is nothing more.
  mutating func finish() -> SliceEnd? {
    rest.isEmpty ? nil : takeRest()
  }

  private mutating func takeRest() -> SliceEnd? {
    let line = rest
    rest.removeAll(keepingCapacity: true)
    return line.withUnsafeBufferPointer { take($0) }
  }

  private mutating func take(_ line: UnsafeBufferPointer<UInt8>) -> SliceEnd? {
    lines += 1
    guard line.count <= Limits.lineBytes else { return tooLong(line: lines) }
    var line = line
    if line.last == UInt8(ascii: "\r") { line = UnsafeBufferPointer(rebasing: line.dropLast()) }
    if isBlank(line) { return nil }
    if items.count == count, !Self.mayBeCursor(line, in: format) {
      overfill += 1
      return nil
    }
    do throws(ProducerLine.Broken) {
      switch try format == .lines ? ProducerLine(text: line) : ProducerLine(json: line) {
      case .item(let item): items.append(item)
      case .cursor(let cursor): self.cursor = cursor
      }
      return nil
    } catch {
      let why = String(decoding: error.message.utf8.prefix(Self.reasonBytes), as: UTF8.self)
      return .brokenLine(number: lines, why: why)
    }
  }

  private func tooLong(line: Int) -> SliceEnd {
    .brokenLine(number: line, why: "longer than \(Limits.lineBytes) bytes")
  }

  private func isBlank(_ line: UnsafeBufferPointer<UInt8>) -> Bool {
    line.isEmpty || format == .jsonl && line.allSatisfy(Self.isBlank)
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
  }

  /// Whether a line begins as a cursor's does, so that it must be read even after the last item
  /// wanted; anything else there is an item beyond the count.
  private static func mayBeCursor(
    _ line: UnsafeBufferPointer<UInt8>, in format: ProducerSpec.Output
  ) -> Bool {
    guard format == .jsonl else { return false }
    let object = line.drop(while: isBlank)
    guard object.first == UInt8(ascii: "{") else { return false }
    return object.dropFirst().drop(while: isBlank).starts(with: #""cursor""#.utf8)
  }

  private static func newline(in bytes: Swift.Slice<UnsafeBufferPointer<UInt8>>) -> Int? {
    guard let start = UnsafeBufferPointer(rebasing: bytes).baseAddress,
      let found = memchr(start, 0x0A, bytes.count)
    else { return nil }
    return bytes.startIndex + (UnsafeRawPointer(found) - UnsafeRawPointer(start))
  }
}
