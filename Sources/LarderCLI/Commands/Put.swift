import API
import Glibc
import Larder

extension Command {
  private static let lines = Option(
    name: "--lines", help: "each line is one payload, kept as a JSON string")

  static let put = Command(
    name: "put", arguments: "POOL < items.jsonl",
    summary: "adds items that were made elsewhere",
    notes: """
      Reads items in a producer's format from standard input: {"payload": …, "key": …} a line. Exit
      code 1 if lines found no room under the pool's max.
      """, options: [lines]
  ) { context throws(CommandError) in
    let pool = try context.arguments.single("POOL")
    let client = try context.writingClient(for: .putting(pool: pool))
    defer { client.close() }
    var upload = Upload(client: client, pool: pool, asText: context.arguments.has(lines))
    try upload.run()
    let total = upload.total
    if context.wantsJSON {
      Terminal.output(
        JSONWriter.text { json in
          json.object {
            $0.member("stored", total.stored)
            $0.member("duplicates", total.duplicates)
            $0.member("overfill", total.overfill)
          }
        } + [0x0A])
    } else {
      Terminal.output(
        "stored \(total.stored), duplicates \(total.duplicates), overfill \(total.overfill)\n")
    }
    guard total.overfill == 0 else {
      let items = total.overfill == 1 ? "1 item" : "\(total.overfill) items"
      throw .failed("\(items) found no room under the max of \(pool)")
    }
    return 0
  }
}

/// Standard input's items, sent in as many requests as they need.
private struct Upload {
  let client: any Client
  let pool: String
  let asText: Bool
  private(set) var total = PutResult()
  private var batch: [UInt8] = []
  private var batchLines = 0

  init(client: any Client, pool: String, asText: Bool) {
    self.client = client
    self.pool = pool
    self.asText = asText
  }

  mutating func run() throws(CommandError) {
    var number = 0
    var input = LineReader(descriptor: STDIN_FILENO)
    while let line = try input.next() {
      number += 1
      guard line.count <= Limits.lineBytes else {
        throw broken(number, "longer than \(Limits.lineBytes) bytes")
      }
      try add(line, number)
    }
    // An empty input still finds out whether there is such a pool.
    if batchLines > 0 || number == 0 { try send() }
  }

  private mutating func add(_ line: [UInt8], _ number: Int) throws(CommandError) {
    // As of a producer, texts end before a carriage return. Empty lines are none, and JSON's blank ones.
    let line = asText && line.last == 0x0D ? line.dropLast() : line[...]
    let read = line.withUnsafeBufferPointer { bytes in
      Result { () throws(ProducerLine.Broken) in
        asText ? try ProducerLine(text: bytes) : try ProducerLine(json: bytes)
      }
    }
    let isNone =
      asText ? line.isEmpty : line.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
    if isNone { return }
    let encoded: [UInt8]
    switch read {
    case .failure(let error): throw broken(number, "\(error)")
    case .success(.cursor): return
    case .success(.item(let item)):
      encoded = asText ? Array(#"{"payload":\#(item.payload)}"#.utf8) : Array(line)
    }
    // A text's escapes may take several times its bytes.
    guard encoded.count <= Limits.lineBytes else {
      throw broken(number, "as JSON longer than \(Limits.lineBytes) bytes")
    }
    if batchLines == Limits.itemsPerPut || batch.count + encoded.count + 1 > Limits.itemsBodyBytes {
      try send()
    }
    batch += encoded
    batch.append(0x0A)
    batchLines += 1
  }

  private func broken(_ number: Int, _ why: String) -> CommandError {
    .failed(
      "line \(number) is broken: \(why); \(total.stored) items of the lines before it were stored")
  }

  private mutating func send() throws(CommandError) {
    var request = APIRequest("POST", ["v1", "pools", pool, "items"])
    request.contentType = "application/x-ndjson"
    request.body = batch
    let answer = JSONNode(try client.call(request))
    total.stored += answer?["stored"]?.int ?? 0
    total.duplicates += answer?["duplicates"]?.int ?? 0
    total.overfill += answer?["overfill"]?.int ?? 0
    batch = []
    batchLines = 0
  }
}

/// Lines of a descriptor. A line that is far too long is cut off, so that memory is bounded.
private struct LineReader {
  let descriptor: Int32
  private var buffer: [UInt8] = []
  private var start = 0
  private var isAtEnd = false

  init(descriptor: Int32) {
    self.descriptor = descriptor
  }

  /// The next line without its newline; nil at the end.
  mutating func next() throws(CommandError) -> [UInt8]? {
    var searched = start
    while true {
      if let newline = buffer[searched...].firstIndex(of: 0x0A) {
        defer { start = newline + 1 }
        return Array(buffer[start..<newline])
      }
      searched = buffer.count
      if isAtEnd || buffer.count - start > Limits.lineBytes {
        guard start < buffer.count else { return nil }
        defer { start = buffer.count }
        return Array(buffer[start...])
      }
      searched -= start
      buffer.removeFirst(start)
      start = 0
      try fill()
    }
  }

  private mutating func fill() throws(CommandError) {
    var chunk = [UInt8](repeating: 0, count: 256 * 1024)
    let count = read(descriptor, &chunk, chunk.count)
    if count < 0, errno == EINTR { return }
    guard count >= 0 else {
      throw .failed("standard input can't be read: \(String(cString: strerror(errno)))")
    }
    isAtEnd = count == 0
    buffer += chunk[..<count]
  }
}
