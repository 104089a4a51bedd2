import Sizing

/// Demand as a text: the line `start,requests`, and then a row for each step of time, as
/// `2026-06-01T00:00Z,17`. The step is that of the first two rows and may be any; requests that
/// nobody counted are left empty. Lines that begin with `#` are comments.
package enum DemandFile {
  /// Where and why a text is none of these.
  package struct Malformed: Error, Sendable, Hashable {
    /// From 1; 0: the text as a whole.
    package let line: Int
    package let message: String
  }

  package static let header = "start,requests"

  /// - Parameter singleRow: how long the step of a row is that is the only one; nil: that is an error.
  package static func read(
    _ text: [UInt8], singleRow: Duration? = nil
  ) throws(Malformed) -> DemandSeries {
    guard text.count <= Limits.demandFileBytes else {
      throw Malformed(line: 0, message: "more than \(Limits.demandFileBytes) bytes")
    }
    var rows = Rows(singleRow: singleRow)
    var hasHeader = false
    var number = 0
    for line in lines(of: text) {
      number += 1
      if line.first == UInt8(ascii: "#") { continue }
      if hasHeader {
        try rows.add(row(line, at: number), at: number)
      } else if line.elementsEqual(header.utf8) {
        hasHeader = true
      } else {
        throw Malformed(line: number, message: "the first line has to be `\(header)`")
      }
    }
    return try rows.series()
  }

  /// Lines without their ends, which may be those of DOS; a last one that is empty is none.
  private static func lines(of text: [UInt8]) -> some Sequence<ArraySlice<UInt8>> {
    let newline = UInt8(ascii: "\n")
    let body = text.last == newline ? text.dropLast() : text[...]
    return body.split(separator: newline, omittingEmptySubsequences: false).lazy.map {
      $0.last == UInt8(ascii: "\r") ? $0.dropLast() : $0
    }
  }

  private static func row(_ line: ArraySlice<UInt8>, at number: Int) throws(Malformed) -> Row {
    let cells = line.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
    guard cells.count == 2 else {
      throw Malformed(line: number, message: "a row is a time, a comma and a number of requests")
    }
    guard let start = time(cells[0]) else {
      throw Malformed(
        line: number, message: "\(quoted(cells[0])) is no time like 2026-06-01T00:00Z")
    }
    if cells[1].isEmpty { return Row(start: start, requests: nil) }
    guard let requests = count(cells[1]) else {
      throw Malformed(
        line: number,
        message: "\(quoted(cells[1])) is no number of requests from 0 to \(Limits.demandRequests)")
    }
    return Row(start: start, requests: requests)
  }

  /// RFC 3339, of which the seconds may be left out.
  package static func time(_ cell: some Collection<UInt8>) -> Instant? {
    let toMinutes = 16
    var bytes = Array(cell)
    if bytes.count > toMinutes, bytes[toMinutes] != UInt8(ascii: ":") {
      bytes.insert(contentsOf: ":00".utf8, at: toMinutes)
    }
    return RFC3339.parse(String(decoding: bytes, as: UTF8.self))
  }

  private static func count(_ cell: ArraySlice<UInt8>) -> Int? {
    guard cell.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
      let count = Int(String(decoding: cell, as: UTF8.self)), count <= Limits.demandRequests
    else { return nil }
    return count
  }

  private static func quoted(_ cell: ArraySlice<UInt8>) -> String {
    "`" + String(decoding: cell.prefix(40), as: UTF8.self) + "`"
  }

  fileprivate struct Row {
    let start: Instant
    let requests: Int?
  }
}

/// Rows of one step, and what they say about bins of 5 minutes.
private struct Rows {
  private var rows: [DemandFile.Row] = []
  /// In milliseconds.
  private var step: Int64
  private let fewest: Int

  init(singleRow: Duration?) {
    step = singleRow?.inMilliseconds ?? 0
    fewest = singleRow == nil ? 2 : 1
  }

  mutating func add(_ row: DemandFile.Row, at line: Int) throws(DemandFile.Malformed) {
    if let last = rows.last {
      let gap = row.start.milliseconds - last.start.milliseconds
      if rows.count == 1 { step = gap }
      guard gap > 0 else {
        throw DemandFile.Malformed(line: line, message: "the time is not after that before it")
      }
      guard gap == step else {
        let next = RFC3339.format(Instant(milliseconds: last.start.milliseconds + step))
        throw DemandFile.Malformed(
          line: line,
          message: "the time is not one step after that before it: \(next) is; rows whose requests "
            + "are not known leave them empty")
      }
    }
    rows.append(row)
  }

  /// The bins that the rows cover as a whole. Requests of a row are spread over its bins evenly, in
  /// whole numbers; a bin of which a part is unknown is unknown.
  func series() throws(DemandFile.Malformed) -> DemandSeries {
    guard let first = rows.first, let last = rows.last, rows.count >= fewest else {
      let least = fewest == 1 ? "a row" : "two rows"
      throw DemandFile.Malformed(line: 0, message: "there have to be \(least) or more")
    }
    let length = Int64(Grid.binSeconds * 1000)
    func bin(of time: Int64) -> Int { Int(time >= 0 ? time / length : (time + 1) / length - 1) }
    let start = bin(of: first.start.milliseconds + length - 1)
    let end = bin(of: last.start.milliseconds + step)
    guard start < end else {
      throw DemandFile.Malformed(line: 0, message: "the rows cover less than 5 minutes")
    }
    guard end - start <= Limits.demandBins else {
      throw DemandFile.Malformed(
        line: 0, message: "the rows cover more than \(Limits.demandBins) times 5 minutes")
    }
    var series = DemandSeries(start: start, requests: Array(repeating: 0, count: end - start))
    for row in rows {
      let from = row.start.milliseconds
      var given = 0
      for bin in bin(of: from)...bin(of: from + step - 1) {
        let upTo = min((Int64(bin) + 1) * length, from + step)
        guard let requests = row.requests else {
          if bin >= start, bin < end { series.requests[bin - start] = nil }
          continue
        }
        let (high, low) = requests.multipliedFullWidth(by: Int(upTo - from))
        let soFar = Int(step).dividingFullWidth((high, low)).quotient
        if bin >= start, bin < end, let known = series.requests[bin - start] {
          series.requests[bin - start] = known + soFar - given
        }
        given = soFar
      }
    }
    return series
  }
}
