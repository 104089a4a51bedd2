/// Reads TZif files of versions 1 to 4 (RFC 9636).
///
/// Of the flags and abbreviations nothing is kept; whatever the bytes, a file gives a zone or an
/// error.
struct ZoneFile {
  private var reader: ByteReader
  private let name: String

  /// The counts in a header, in the order of the file.
  private struct Header {
    var version: UInt8
    var utcFlags: Int
    var standardFlags: Int
    var leapSeconds: Int
    var transitions: Int
    var types: Int
    var characters: Int

    /// The length of the block of data that follows.
    func blockLength(timeWidth: Int) -> Int {
      transitions * (timeWidth + 1) + types * 6 + characters + leapSeconds * (timeWidth + 4)
        + standardFlags + utcFlags
    }
  }

  private static let magic = Array("TZif".utf8)
  private static let reservedLength = 15

  /// True if the bytes begin as a TZif file does.
  static func hasMagic(_ bytes: [UInt8]) -> Bool { bytes.starts(with: magic) }

  /// The zone that a file's bytes describe.
  static func zone(name: String, bytes: [UInt8]) throws(ZoneError) -> Zone {
    guard hasMagic(bytes) else {
      throw ZoneError(message: "'\(name)' is not a TZif file", hint: nil)
    }
    var file = ZoneFile(reader: ByteReader(bytes), name: name)
    return try file.zone()
  }

  private mutating func zone() throws(ZoneError) -> Zone {
    var header = try self.header()
    guard header.version >= UInt8(ascii: "2") else {
      return try table(header, timeWidth: 4).zone(name: name, rule: nil)
    }
    guard reader.skip(header.blockLength(timeWidth: 4)) else { throw corrupt("it is cut short") }
    header = try self.header()
    let table = try table(header, timeWidth: 8)
    return table.zone(name: name, rule: try footer())
  }

  private mutating func header() throws(ZoneError) -> Header {
    for byte in ZoneFile.magic where !reader.take(byte) { throw corrupt("a header is missing") }
    guard let version = reader.byte(), reader.skip(ZoneFile.reservedLength) else {
      throw corrupt("it is cut short")
    }
    var counts: [Int] = []
    for _ in 0..<6 {
      guard let count = reader.bigEndian(width: 4) else { throw corrupt("it is cut short") }
      counts.append(Int(count))
    }
    let header = Header(
      version: version, utcFlags: counts[0], standardFlags: counts[1], leapSeconds: counts[2],
      transitions: counts[3], types: counts[4], characters: counts[5])
    guard (1...256).contains(header.types), header.characters > 0,
      header.utcFlags == 0 || header.utcFlags == header.types,
      header.standardFlags == 0 || header.standardFlags == header.types
    else { throw corrupt("the counts of its header disagree") }
    return header
  }

  private mutating func table(_ header: Header, timeWidth: Int) throws(ZoneError) -> ZoneTable {
    guard header.leapSeconds == 0 else {
      throw ZoneError(
        message: "time zone '\(name)' counts leap seconds, which POSIX time doesn't have",
        hint: "name the zone without 'right/'")
    }
    let end = reader.position + header.blockLength(timeWidth: timeWidth)
    var table = ZoneTable()
    // The file ends before a count can grow large: nothing is reserved for it.
    for _ in 0..<header.transitions {
      guard let time = timeWidth == 4 ? reader.int32() : reader.int64() else {
        throw corrupt("it is cut short")
      }
      if let last = table.transitions.last, last >= time {
        throw corrupt("its transitions are out of order")
      }
      table.transitions.append(time)
    }
    for _ in 0..<header.transitions {
      guard let type = reader.byte() else { throw corrupt("it is cut short") }
      guard Int(type) < header.types else { throw corrupt("a local time type is missing") }
      table.types.append(Int(type))
    }
    for _ in 0..<header.types {
      guard let offset = reader.int32(), reader.skip(2) else { throw corrupt("it is cut short") }
      guard Zone.offsetBounds.contains(offset) else { throw corrupt("an offset is impossible") }
      table.typeOffsets.append(offset)
    }
    guard reader.skip(end - reader.position) else { throw corrupt("it is cut short") }
    return table
  }

  private mutating func footer() throws(ZoneError) -> FooterRule? {
    let newline = UInt8(ascii: "\n")
    guard reader.take(newline) else { throw corrupt("its footer is missing") }
    var text: [UInt8] = []
    while let byte = reader.byte() {
      if byte != newline {
        text.append(byte)
        continue
      }
      if text.isEmpty { return nil }
      guard let rule = FooterParser.parse(text), rule.offsets.allSatisfy(Zone.offsetBounds.contains)
      else { throw corrupt("its footer is not a rule") }
      return rule
    }
    throw corrupt("its footer is cut short")
  }

  private func corrupt(_ reason: String) -> ZoneError {
    ZoneError(
      message: "the file of time zone '\(name)' is corrupt: \(reason)",
      hint: "reinstall the system's tzdata")
  }
}

/// What the table of a TZif file holds.
private struct ZoneTable {
  var transitions: [Int64] = []
  var types: [Int] = []
  /// Never empty.
  var typeOffsets: [Int64] = []

  /// The zone of the table and its footer's rule.
  ///
  /// Transitions outside of the supported instants are folded away, and so are those that change
  /// nothing; the last one stays, since the rule begins there. A rule that begins later than the
  /// supported instants end is none.
  func zone(name: String, rule: FooterRule?) -> Zone {
    let supported = transitions.prefix { $0 <= SupportedInstants.latest }
    let rule = supported.count == transitions.count ? rule : nil
    var kept: [Int64] = []
    var offsets = [typeOffsets[0]]
    for (index, time) in supported.enumerated() {
      let offset = typeOffsets[types[index]]
      if time < SupportedInstants.earliest {
        offsets = [offset]
      } else if offset != offsets[offsets.count - 1] {
        kept.append(time)
        offsets.append(offset)
      }
    }
    let ruleStart = max(supported.last ?? .min, SupportedInstants.distantPast)
    if rule != nil, let last = supported.last, last >= SupportedInstants.earliest,
      kept.last != last
    {
      kept.append(last)
      offsets.append(offsets[offsets.count - 1])
    }
    return Zone(
      name: name, transitions: kept, offsets: offsets, rule: rule, ruleStart: ruleStart)
  }
}
