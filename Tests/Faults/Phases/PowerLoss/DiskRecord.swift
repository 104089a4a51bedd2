import FaultShimControl
import Foundation
import Harness

/// What recorded processes, one after the other, did to their store's files, and what they sent, in
/// order.
struct DiskRecord {
  struct Event {
    let kind: faultshim_event
    /// Of the files, or the number of a connection.
    let file: Int
    let offset: Int
    let result: Int
    let bytes: [UInt8]

    init(
      _ kind: faultshim_event, file: Int, offset: Int = 0, bytes: [UInt8] = [], result: Int = 0
    ) {
      self.kind = kind
      self.file = file
      self.offset = offset
      self.result = result
      self.bytes = bytes
    }
  }

  let events: [Event]

  /// Reads `path`.0, .1 and so on: a file for each process.
  init(path: String) throws {
    var events: [Event] = []
    for number in 0... {
      guard let data = FileManager.default.contents(atPath: "\(path).\(number)") else { break }
      events += Self.events(data)
    }
    guard !events.isEmpty else { throw ClientError("nothing was recorded in \(path).0") }
    self.events = events
  }

  private static func events(_ data: Data) -> [Event] {
    var events: [Event] = []
    data.withUnsafeBytes { bytes in
      var at = 0
      func number() -> Int {
        defer { at += 8 }
        return Int(bytes.loadUnaligned(fromByteOffset: at, as: Int64.self))
      }
      // A process that was killed may leave a part of an event.
      while at + 40 <= bytes.count {
        let (kind, file, offset, count, result) = (number(), number(), number(), number(), number())
        guard at + count <= bytes.count else { break }
        events.append(
          Event(
            faultshim_event(UInt32(kind)), file: file, offset: offset,
            bytes: Array(bytes[at..<(at + count)]), result: result))
        at += count
      }
    }
    return events
  }
}

/// The answers of a recorded server that were sent as a whole.
struct SentAnswers {
  private var unfinished: [Int: [UInt8]] = [:]
  private(set) var answers: [LightConnection.Answer] = []

  mutating func take(_ event: DiskRecord.Event) {
    if event.kind == faultshim_begun { unfinished = [:] }
    guard event.kind == faultshim_sent else { return }
    unfinished[event.file, default: []] += event.bytes
    while let (answer, length) = Self.first(in: unfinished[event.file]!) {
      answers.append(answer)
      unfinished[event.file]!.removeFirst(length)
    }
  }

  private static func first(in bytes: [UInt8]) -> (LightConnection.Answer, Int)? {
    guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
    let head = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).lowercased()
    let lines = head.components(separatedBy: "\r\n")
    guard let status = Int(lines[0].split(separator: " ").dropFirst().first ?? ""),
      let line = lines.first(where: { $0.hasPrefix("content-length:") }),
      let length = Int(
        line.dropFirst("content-length:".count).trimmingCharacters(in: .whitespaces)),
      bytes.count >= end.upperBound + length
    else { return nil }
    let body = Array(bytes[end.upperBound..<(end.upperBound + length)])
    return (LightConnection.Answer(status: status, body: body), end.upperBound + length)
  }
}
